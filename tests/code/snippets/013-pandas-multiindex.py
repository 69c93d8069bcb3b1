import pandas as pd

index = pd.MultiIndex.from_product([["2023", "2024"], ["Q1", "Q2"]], names=["year", "quarter"])
df = pd.DataFrame({"north": [1, 2, 3, 4], "south": [5, 6, 7, 8]}, index=index)
print(df)
print(df.loc["2024"])
print(df.xs("Q1", level="quarter"))
print(df.unstack().to_string())
