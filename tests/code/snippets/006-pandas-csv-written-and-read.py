import pandas as pd

df = pd.DataFrame({"name": ["João", "Zoë", "李雷"], "score": [9.5, 7.25, 8.0]})
df.to_csv("scores.csv", index=False)

again = pd.read_csv("scores.csv")
print(again)
print(again.dtypes)
assert again.equals(df) or list(again["name"]) == list(df["name"])
print("mean:", again["score"].mean())
