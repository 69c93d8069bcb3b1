import matplotlib.pyplot as plt
import numpy as np

plt.style.use("ggplot")
rng = np.random.default_rng(5)
x, y = rng.random(60), rng.random(60)
plt.scatter(x, y, c=x + y, s=100 * y, alpha=0.6, cmap="plasma")
plt.colorbar(label="x + y")
plt.annotate("here", xy=(0.5, 0.5), xytext=(0.7, 0.8), arrowprops={"arrowstyle": "->"})
plt.xlim(0, 1)
plt.show()
print(f"{x.mean():.3f} {y.mean():.3f}")
