import pandas as pd
import plotly.express as px

df = pd.DataFrame({"x": [1, 2, 3, 4], "y": [10, 11, 12, 13], "kind": ["a", "b", "a", "b"]})
fig = px.scatter(df, x="x", y="y", color="kind", title="Points")
fig.write_html("points.html", include_plotlyjs="cdn")
print(len(fig.data), fig.layout.title.text)
print(fig.data[0].name, list(fig.data[0].y))
