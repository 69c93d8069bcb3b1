import requests
from tabulate import tabulate

try:
    response = requests.get("http://host.invalid/data.json", timeout=3)
    print(response.status_code)
except requests.exceptions.RequestException as error:
    print("Could not fetch the data:", type(error).__name__)

print(tabulate([["pen", 1.5], ["book", 20]], headers=["item", "price"], tablefmt="github"))
