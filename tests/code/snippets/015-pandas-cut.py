import pandas as pd

ages = pd.Series([3, 17, 25, 34, 51, 68, 80])
groups = pd.cut(ages, bins=[0, 12, 18, 60, 120], labels=["child", "teen", "adult", "senior"])
print(pd.DataFrame({"age": ages, "group": groups}))
print(groups.value_counts(sort=False))
print(pd.get_dummies(groups).sum().tolist())
