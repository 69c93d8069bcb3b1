import numpy as np

world = np.zeros((6, 6), dtype=int)
for row, column in [(0, 1), (1, 2), (2, 0), (2, 1), (2, 2)]:
    world[row, column] = 1


def step(w):
    neighbours = sum(np.roll(np.roll(w, i, 0), j, 1) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))
    return ((neighbours == 3) | ((w == 1) & (neighbours == 2))).astype(int)


for generation in range(3):
    print(f"Generation {generation}")
    for line in world:
        print("".join("█" if cell else "·" for cell in line))
    world = step(world)
