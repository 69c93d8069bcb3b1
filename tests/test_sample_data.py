"""The shipped sample data: reachable as material, plausible, and exactly what its formula writes."""

import csv
import subprocess
import sys

from samantha.settings import material

FILE = material("prompts/data/sales.csv")


def test_the_file_is_what_its_formula_writes() -> None:
    made = subprocess.run([sys.executable, FILE.with_name("make_sales.py")], capture_output=True, text=True)
    assert made.stdout == FILE.read_text("utf-8")


def test_the_table_is_whole_and_plausible() -> None:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["month", "city", "product", "price", "pieces"]
    assert len(rows) == 12 * 2 * 4
    assert len({(row["month"], row["city"], row["product"]) for row in rows}) == len(rows)
    assert all(3 < float(row["price"]) < 9 and 0 < int(row["pieces"]) < 200 for row in rows)


def test_the_seasons_can_be_found_in_it() -> None:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def sold(product: str, month: str) -> int:
        return sum(int(row["pieces"]) for row in rows if (row["product"], row["month"]) == (product, month))

    assert sold("ice cream", "2024-01") > 2 * sold("ice cream", "2024-07")
    assert sold("coffee", "2024-07") > sold("coffee", "2024-01")
