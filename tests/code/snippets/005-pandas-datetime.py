import pandas as pd

dates = pd.date_range("2024-01-01", periods=60, freq="D")
series = pd.Series(range(60), index=dates)

monthly = series.resample("MS").sum()
print(monthly)
df = series.to_frame("value")
df["weekday"] = df.index.day_name()
print(df.groupby("weekday")["value"].mean().round(2).sort_values())
print((dates[-1] - dates[0]).days, "days")
print(pd.to_datetime("31/12/2023", dayfirst=True).strftime("%Y-%m-%d"))
