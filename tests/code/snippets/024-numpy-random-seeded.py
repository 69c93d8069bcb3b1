import random

import numpy as np

random.seed(42)
rng = np.random.default_rng(42)
np.random.seed(42)
print([random.randint(1, 6) for _ in range(10)])
print(rng.integers(1, 7, 10))
print(np.random.normal(size=3).round(4))
print(random.sample(range(100), 5), random.choice("abc"))
# Monte Carlo
points = rng.random((100_000, 2))
print("pi is about", round(4 * float((points**2).sum(axis=1).__lt__(1).mean()), 2))
