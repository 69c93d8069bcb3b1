import pandas as pd
import matplotlib.pyplot as plt

# Load the data
df = pd.read_csv("sales.csv", parse_dates=["date"])
print(df.head())
print(f"Rows: {len(df)}, columns: {list(df.columns)}")

df["revenue"] = df["units"] * df["price"]
by_region = df.groupby("region")["revenue"].sum().sort_values(ascending=False)
print(by_region.round(2))

by_region.plot(kind="bar", title="Revenue by region")
plt.ylabel("Revenue")
plt.tight_layout()
plt.savefig("revenue.png")
plt.show()
