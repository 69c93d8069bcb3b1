import numpy as np

A = np.array([[3.0, 1.0, -1.0], [1.0, 4.0, 2.0], [2.0, -1.0, 5.0]])
b = np.array([4.0, 17.0, 12.0])
x = np.linalg.solve(A, b)
print("x =", np.round(x, 6))
print("residual below 1e-9:", bool(np.abs(A @ x - b).max() < 1e-9))
print("det =", round(float(np.linalg.det(A)), 6))
values = np.linalg.eigvals(np.array([[2.0, 0.0], [0.0, 3.0]]))
print(sorted(values.real.tolist()))
try:
    np.linalg.inv(np.zeros((2, 2)))
except np.linalg.LinAlgError as e:
    print("Error:", e)
