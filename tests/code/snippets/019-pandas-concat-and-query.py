import pandas as pd

frames = [pd.DataFrame({"batch": i, "value": [i * 10, i * 10 + 5]}) for i in range(1, 4)]
df = pd.concat(frames, ignore_index=True)
df["half"] = df["value"] / 2
print(df.query("value > 10 and batch < 3"))
print(df.nlargest(2, "value"))
print(df.iloc[::2].to_csv(index=False))
