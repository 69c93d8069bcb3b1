import numpy as np

x = np.arange(4)[:, None]
y = np.arange(3)[None, :]
print(x * 10 + y)
matrix = np.array([[1, 2], [3, 4], [5, 6]], dtype=float)
print((matrix - matrix.mean(axis=0)) / matrix.std(axis=0))
print(np.where(matrix > 3, "high", "low"))
with np.errstate(divide="ignore"):
    print(np.array([1.0, 2.0]) / 0)
