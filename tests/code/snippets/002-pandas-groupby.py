import pandas as pd

# Sample data
data = {
    "City": ["Lisbon", "Porto", "Lisbon", "Braga", "Porto", "Lisbon"],
    "Category": ["A", "A", "B", "B", "B", "A"],
    "Sales": [120, 80, 200, 50, 75, 130],
}
df = pd.DataFrame(data)

# Total and average by city
summary = df.groupby("City")["Sales"].agg(["sum", "mean", "count"])
print("Summary by city:")
print(summary)

print("\nBest category:", df.groupby("Category")["Sales"].sum().idxmax())
for city, group in df.groupby("City"):
    print(f"{city}: {len(group)} rows, {group['Sales'].sum()} in total")
