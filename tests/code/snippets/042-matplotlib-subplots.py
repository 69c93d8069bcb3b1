import matplotlib.pyplot as plt
import numpy as np

x = np.arange(0, 10, 0.1)
fig, axes = plt.subplots(2, 2, figsize=(8, 6), sharex=True)
for ax, (name, f) in zip(axes.flat, {"sin": np.sin, "cos": np.cos, "tanh": np.tanh, "sqrt": np.sqrt}.items()):
    ax.plot(x, f(x))
    ax.set_title(name)
fig.suptitle("Four functions")
plt.tight_layout()
plt.show()
print(len(fig.axes))
