import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score

rng = np.random.default_rng(0)
X = rng.uniform(0, 10, (100, 1))
y = 3 * X[:, 0] + 4 + rng.normal(0, 1, 100)
model = LinearRegression().fit(X, y)
print(f"slope {model.coef_[0]:.2f}, intercept {model.intercept_:.2f}")
print(f"R2 {r2_score(y, model.predict(X)):.3f}, MSE {mean_squared_error(y, model.predict(X)):.3f}")
