import sqlite3

import pandas as pd

df = pd.DataFrame({"city": ["Rio", "São Paulo", "Recife"], "population": [6.7, 12.3, 1.6]})
with sqlite3.connect(":memory:") as connection:
    df.to_sql("cities", connection, index=False)
    print(pd.read_sql("SELECT city, population FROM cities WHERE population > 2 ORDER BY 2", connection))
