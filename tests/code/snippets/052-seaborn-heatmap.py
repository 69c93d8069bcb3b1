import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

rng = np.random.default_rng(11)
df = pd.DataFrame(rng.normal(size=(50, 4)), columns=list("ABCD"))
df["E"] = df["A"] * 2 + rng.normal(scale=0.1, size=50)
corr = df.corr()
sns.heatmap(corr, annot=True, fmt=".2f", cmap="coolwarm", vmin=-1, vmax=1)
plt.savefig("correlation.png")
print(corr.loc["A", "E"] > 0.9)
