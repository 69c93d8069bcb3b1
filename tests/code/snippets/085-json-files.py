import json
from datetime import date

data = {"name": "Ana", "born": date(1990, 5, 17), "tags": ["a", "ção"], "nested": {"pi": 3.14159, "none": None}}
text = json.dumps(data, default=str, indent=2, ensure_ascii=False, sort_keys=True)
print(text)
with open("data.json", "w", encoding="utf-8") as f:
    f.write(text)
loaded = json.load(open("data.json", encoding="utf-8"))
print(loaded["nested"]["none"] is None, loaded["tags"][1])
try:
    json.loads("{bad json}")
except json.JSONDecodeError as e:
    print("Invalid JSON at line", e.lineno, "column", e.colno)
