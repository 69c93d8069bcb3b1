import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter

fig, ax = plt.subplots(figsize=(3, 2))
x = np.linspace(0, 2 * np.pi, 50)
(line,) = ax.plot(x, np.sin(x))


def update(frame):
    line.set_ydata(np.sin(x + frame / 3))
    return (line,)


animation = FuncAnimation(fig, update, frames=6, interval=100)
animation.save("wave.gif", writer=PillowWriter(fps=10))

from PIL import Image

with Image.open("wave.gif") as gif:
    print(gif.format, gif.n_frames, "frames")
