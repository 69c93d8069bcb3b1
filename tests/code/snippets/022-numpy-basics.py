import numpy as np

a = np.arange(12).reshape(3, 4)
print(a)
print("shape:", a.shape, "sum:", a.sum(), "mean:", a.mean())
print(a[:, 1])
print(a[a % 2 == 0])
print(np.linspace(0, 1, 5))
print(a.T @ a)
np.set_printoptions(precision=3, suppress=True)
print(np.sqrt(a))
