from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font

workbook = Workbook()
sheet = workbook.active
sheet.title = "Budget"
sheet.append(["Item", "Cost"])
for row in [("Rent", 1200), ("Food", 450.5), ("Fun", 99)]:
    sheet.append(row)
sheet["B5"] = "=SUM(B2:B4)"
sheet["A1"].font = Font(bold=True)
workbook.save("budget.xlsx")

again = load_workbook("budget.xlsx")
for row in again["Budget"].iter_rows(values_only=True):
    print(row)
print(again.sheetnames, again["Budget"].max_row)
