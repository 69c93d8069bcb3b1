import plotly.graph_objects as go

fig = go.Figure()
fig.add_trace(go.Bar(x=["Jan", "Feb", "Mar"], y=[5, 7, 3], name="2023"))
fig.add_trace(go.Scatter(x=["Jan", "Feb", "Mar"], y=[6, 6, 6], mode="lines", name="goal"))
fig.update_layout(title="Sales", xaxis_title="Month", template="plotly_white")
print(fig.to_dict()["data"][1]["mode"])
fig.write_json("figure.json")
print(sorted(fig.to_plotly_json()))
