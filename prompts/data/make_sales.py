"""Writes sales.csv: one invented year of a small shop in two cities, so that there is something to analyse at once.

    python make_sales.py > sales.csv

Nothing in it was measured or copied. Sales follow a season (warm goods in the southern winter, cold ones in its
summer), fall when a price rises, and vary by a drawn tenth; the seed makes it the same file every time.
"""

import math
import sys
from random import Random

PRODUCTS = {"coffee": (4.5, 90, 0.3), "tea": (3.2, 60, 0.4), "juice": (5.0, 70, -0.5), "ice cream": (6.5, 55, -0.8)}
"""Price at first, items sold in an average month, and how far the season moves them (positive: more in July)."""
CITIES = {"Recife": 1.0, "Porto Alegre": 0.7}
"""Cities and how much they sell beside each other."""
SEED = 2024


def rows() -> list[tuple[str, str, str, float, int]]:
    """Month, city, product, price, items sold: one row for each."""
    random = Random(SEED)
    found = []
    for month in range(1, 13):
        for city, share in CITIES.items():
            for product, (price, usual, season) in PRODUCTS.items():
                asked = round(price * (1 + 0.01 * (month - 1)) + random.choice((0.0, 0.0, 0.25)), 2)
                wave = 1 + season * math.sin(math.pi * (month - 4) / 6)
                sold = share * usual * wave * (price / asked) * random.uniform(0.9, 1.1)
                found.append((f"2024-{month:02}", city, product, asked, round(sold)))
    return found


def main() -> None:
    """Print the table."""
    sys.stdout.write("month,city,product,price,pieces\n")
    for month, city, product, price, sold in rows():
        sys.stdout.write(f"{month},{city},{product},{price:.2f},{sold}\n")


if __name__ == "__main__":
    main()
