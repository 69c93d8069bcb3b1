from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
import statistics

print(0.1 + 0.2, Decimal("0.1") + Decimal("0.2"))
print(Decimal("2.675").quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
getcontext().prec = 50
print(Decimal(2).sqrt())
print(Fraction(1, 3) + Fraction(1, 6), Fraction("0.75"))
print(statistics.mean([1, 2, 3, 4]), statistics.median([5, 1, 3]), round(statistics.stdev([1, 2, 3, 4]), 4))
print(f"{1234567.891:,.2f}", 2**100, 7 // -2, -7 % 3)
