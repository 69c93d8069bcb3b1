import numpy as np
import pandas as pd

df = pd.DataFrame({"a": [1, np.nan, 3, np.nan], "b": ["x", None, "z", "w"], "c": [1.5, 2.5, np.nan, 4.5]})
print("Missing values:")
print(df.isna().sum())
df["a"] = df["a"].fillna(df["a"].mean())
df["b"] = df["b"].fillna("unknown")
df["c"] = df["c"].interpolate()
print(df)
print(df.dropna().shape)
