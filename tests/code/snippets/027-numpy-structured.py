import numpy as np

people = np.array([("Ana", 31, 1.65), ("Rui", 27, 1.81)], dtype=[("name", "U10"), ("age", "i4"), ("height", "f8")])
print(people["name"])
print(np.sort(people, order="age"))
print(people[people["height"] > 1.7]["name"][0])
print(people.dtype.names, people.nbytes)
