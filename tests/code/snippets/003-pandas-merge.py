import pandas as pd

customers = pd.DataFrame({"id": [1, 2, 3, 4], "name": ["Ana", "Bruno", "Carla", "Davi"]})
orders = pd.DataFrame({"order": [10, 11, 12, 13], "id": [2, 2, 3, 9], "value": [15.5, 20.0, 7.25, 99.9]})

inner = customers.merge(orders, on="id")
left = customers.merge(orders, on="id", how="left", indicator=True)
print(inner)
print()
print(left[["name", "value", "_merge"]].to_string(index=False))
print("Customers without orders:", left.loc[left["_merge"] == "left_only", "name"].tolist())
