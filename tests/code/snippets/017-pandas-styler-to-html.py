import pandas as pd

df = pd.DataFrame({"a": [1, -2, 3], "b": [-1.5, 2.25, 0]})
styled = df.style.format("{:.2f}").highlight_max(color="lightgreen").set_uuid("t")
html = styled.to_html()
with open("table.html", "w", encoding="utf-8") as f:
    f.write(html)
print(html.count("<td"), "cells")
