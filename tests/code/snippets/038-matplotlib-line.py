import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2 * np.pi, 100)
plt.figure(figsize=(8, 4))
plt.plot(x, np.sin(x), label="sin(x)")
plt.plot(x, np.cos(x), "--", label="cos(x)")
plt.xlabel("x")
plt.ylabel("y")
plt.title("Sine and cosine")
plt.legend()
plt.grid(True)
plt.show()
print("Done!")
