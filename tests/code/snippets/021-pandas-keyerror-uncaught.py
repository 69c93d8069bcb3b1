import pandas as pd

df = pd.DataFrame({"name": ["a", "b"], "value": [1, 2]})
print(df["value"].sum())
print(df["price"].mean())  # there is no such column
print("never reached")
