import pandas as pd

prices = pd.Series([10, 11, 12, 11, 13, 15, 14, 16], name="price")
frame = pd.DataFrame({"price": prices, "ma3": prices.rolling(3).mean(), "change": prices.pct_change()})
print(frame.round(3))
print("Max drawdown:", ((prices / prices.cummax()) - 1).min().round(4))
print("Cumulative:", prices.cumsum().tolist())
