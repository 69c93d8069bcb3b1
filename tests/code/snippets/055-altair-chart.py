import altair as alt
import pandas as pd

df = pd.DataFrame({"fruit": ["apple", "banana", "cherry"], "count": [3, 7, 5]})
chart = alt.Chart(df).mark_bar().encode(x="fruit", y="count").properties(title="Fruit")
chart.save("fruit.json")
spec = chart.to_dict()
print(spec["mark"], sorted(spec["encoding"]))
