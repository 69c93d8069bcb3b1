from functools import lru_cache, partial, reduce
from itertools import accumulate, chain, combinations, groupby, islice


def fibonacci():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


@lru_cache(maxsize=None)
def ways(n):
    return 1 if n < 2 else ways(n - 1) + ways(n - 2)


print(list(islice(fibonacci(), 12)))
print(list(accumulate([1, 2, 3, 4])), list(chain("ab", [1])))
print([k + str(len(list(g))) for k, g in groupby("aaabbc")])
print(len(list(combinations(range(6), 3))), reduce(lambda x, y: x * y, range(1, 6)))
print(ways(60), partial(int, base=2)("1011"))
