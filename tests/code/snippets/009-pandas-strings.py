import pandas as pd

s = pd.Series(["  Ana Silva ", "bruno COSTA", "Carla-Souza", None])
clean = s.str.strip().str.title().str.replace("-", " ")
print(clean.tolist())
print(clean.str.split(" ", expand=True))
print(clean.str.len().fillna(0).astype(int).tolist())
print(clean.str.contains("Souza", na=False).sum())
