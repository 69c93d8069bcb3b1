import sqlite3

connection = sqlite3.connect("shop.db")
cursor = connection.cursor()
cursor.execute("CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, name TEXT, price REAL)")
cursor.executemany("INSERT INTO products (name, price) VALUES (?, ?)", [("pen", 1.5), ("book", 20), ("bag", 75.9)])
connection.commit()
for row in cursor.execute("SELECT name, price FROM products WHERE price > ? ORDER BY price DESC", (10,)):
    print(row)
print(cursor.execute("SELECT COUNT(*), ROUND(AVG(price), 2) FROM products").fetchone())
try:
    cursor.execute("SELECT * FROM missing")
except sqlite3.OperationalError as error:
    print("Error:", error)
connection.close()
