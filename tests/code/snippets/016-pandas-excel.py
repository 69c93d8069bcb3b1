import pandas as pd

df = pd.DataFrame({"product": ["pen", "book"], "price": [1.5, 12.0], "stock": [100, 20]})
with pd.ExcelWriter("report.xlsx") as writer:
    df.to_excel(writer, sheet_name="Products", index=False)
    df.describe().to_excel(writer, sheet_name="Statistics")

sheets = pd.read_excel("report.xlsx", sheet_name=None)
print(list(sheets))
print(sheets["Products"])
