import matplotlib.pyplot as plt

for power in range(1, 4):
    plt.figure()
    plt.plot([n**power for n in range(10)])
    plt.title(f"n^{power}")
    plt.savefig(f"power_{power}.png")
    plt.close()
    print(f"Saved power_{power}.png")
