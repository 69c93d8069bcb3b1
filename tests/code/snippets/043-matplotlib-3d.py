import matplotlib.pyplot as plt
import numpy as np

fig = plt.figure()
ax = fig.add_subplot(projection="3d")
X, Y = np.meshgrid(np.linspace(-3, 3, 25), np.linspace(-3, 3, 25))
Z = np.sin(np.sqrt(X**2 + Y**2))
surface = ax.plot_surface(X, Y, Z, cmap="coolwarm")
fig.colorbar(surface, shrink=0.5)
ax.set_title("Surface")
plt.show()
print(Z.shape, round(float(Z.max()), 3))
