import csv
from collections import defaultdict

with open("people.csv", "w", newline="", encoding="utf-8") as f:
    writer = csv.DictWriter(f, fieldnames=["name", "city", "age"])
    writer.writeheader()
    writer.writerows(
        [
            {"name": "Ana", "city": "Rio, RJ", "age": 31},
            {"name": 'José "Zé"', "city": "Natal", "age": 45},
            {"name": "Li", "city": "Natal", "age": 20},
        ]
    )
ages = defaultdict(list)
with open("people.csv", newline="", encoding="utf-8") as f:
    for row in csv.DictReader(f):
        ages[row["city"]].append(int(row["age"]))
        print(row)
print({city: sum(a) / len(a) for city, a in ages.items()})
