from datetime import date, timedelta

import matplotlib.dates as mdates
import matplotlib.pyplot as plt

days = [date(2024, 1, 1) + timedelta(days=7 * i) for i in range(10)]
values = [3, 4, 2, 6, 7, 5, 8, 9, 7, 10]
fig, ax = plt.subplots()
ax.plot(days, values, marker="o")
ax.xaxis.set_major_formatter(mdates.DateFormatter("%d/%m"))
fig.autofmt_xdate()
ax.set_title("Vendas – ação nº 1 (R$)")
plt.show()
print(days[-1].isoformat())
