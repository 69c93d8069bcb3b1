from bokeh.models import ColumnDataSource
from bokeh.plotting import figure, output_file, save

output_file("lines.html", title="Lines")
source = ColumnDataSource({"x": [1, 2, 3], "y": [4, 6, 5]})
p = figure(title="Lines", width=300, height=200)
p.line("x", "y", source=source, line_width=2)
p.scatter("x", "y", source=source, size=8)
save(p)
print(p.title.text, len(p.renderers))
