import pandas as pd

df = pd.DataFrame({"name": ["Ana", "Bia", "Caio"], "height": [1.65, 1.72, 1.80], "weight": [60, 72, 95]})


def bmi_class(row):
    bmi = row["weight"] / row["height"] ** 2
    if bmi < 25:
        return "normal"
    return "overweight" if bmi < 30 else "obese"


df["bmi"] = (df["weight"] / df["height"] ** 2).round(1)
df["class"] = df.apply(bmi_class, axis=1)
print(df)
print(df["class"].map(str.upper).value_counts().to_dict())
