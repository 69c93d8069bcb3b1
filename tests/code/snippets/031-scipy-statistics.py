import numpy as np
from scipy import stats

rng = np.random.default_rng(7)
a = rng.normal(10, 2, 50)
b = rng.normal(11, 2, 50)
t, p = stats.ttest_ind(a, b)
print(f"t = {t:.3f}, p = {p:.4f}")
print("significant" if p < 0.05 else "not significant")
print("pearson:", round(stats.pearsonr([1, 2, 3, 4], [2, 4, 6, 9]).statistic, 4))
print("norm.cdf(1.96) =", round(stats.norm.cdf(1.96), 4))
