import numpy as np
from scipy.optimize import brentq, curve_fit, minimize

result = minimize(lambda p: (p[0] - 3) ** 2 + (p[1] + 1) ** 2, x0=[0, 0])
print("minimum at", np.round(result.x, 3), "success:", result.success)
print("root of cos:", round(brentq(np.cos, 1, 2), 6))

x = np.linspace(0, 4, 30)
rng = np.random.default_rng(1)
y = 2.5 * np.exp(-1.3 * x) + rng.normal(scale=0.01, size=x.size)
parameters, _ = curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y)
print("fit:", np.round(parameters, 1))
