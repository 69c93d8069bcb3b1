import numpy as np
from scipy.integrate import quad, solve_ivp

area, error = quad(lambda x: np.exp(-(x**2)), -np.inf, np.inf)
print(f"{area:.6f} (sqrt(pi) = {np.sqrt(np.pi):.6f})")

# Logistic growth
solution = solve_ivp(lambda t, y: 0.5 * y * (1 - y / 100), (0, 20), [10], t_eval=np.linspace(0, 20, 5))
for t, y in zip(solution.t, solution.y[0]):
    print(f"t={t:5.1f} y={y:7.2f}")
