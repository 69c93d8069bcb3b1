import numpy as np
import pandas as pd

np.random.seed(0)
df = pd.DataFrame({"x": np.random.randint(0, 100, 50), "group": np.random.choice(list("abc"), 50)})
print(df.describe().round(3))
print(df["x"].quantile([0.1, 0.5, 0.9]))
df.info()
print(df.corr(numeric_only=True))
