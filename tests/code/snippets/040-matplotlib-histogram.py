import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
data = rng.normal(170, 8, 1000)
counts, edges, _ = plt.hist(data, bins=20, edgecolor="black")
plt.axvline(data.mean(), color="red", linestyle="dashed")
plt.title("Histogram of heights")
plt.show()
print(int(counts.sum()), len(edges))
