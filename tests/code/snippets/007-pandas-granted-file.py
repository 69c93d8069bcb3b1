import pandas as pd
import matplotlib.pyplot as plt

# Load the data
df = pd.read_csv("sales.csv", parse_dates=["month"])
print(df.head())
print(f"Rows: {len(df)}, columns: {list(df.columns)}")

df["revenue"] = df["pieces"] * df["price"]
by_city = df.groupby("city")["revenue"].sum().sort_values(ascending=False)
print(by_city.round(2))

by_city.plot(kind="bar", title="Revenue by city")
plt.ylabel("Revenue")
plt.tight_layout()
plt.savefig("revenue.png")
plt.show()
