import pandas as pd

df = pd.DataFrame(
    {
        "month": ["Jan", "Jan", "Feb", "Feb", "Mar", "Mar"],
        "product": ["pen", "book", "pen", "book", "pen", "book"],
        "units": [10, 3, 8, 6, 12, 1],
    }
)
table = pd.pivot_table(df, index="month", columns="product", values="units", aggfunc="sum", margins=True)
print(table)
print(table.loc["All"].to_dict())
