import doctest
import timeit


def factorial(n):
    """
    >>> factorial(5)
    120
    >>> factorial(-1)
    Traceback (most recent call last):
    ...
    ValueError: n must be positive
    """
    if n < 0:
        raise ValueError("n must be positive")
    return 1 if n == 0 else n * factorial(n - 1)


print(doctest.testmod())
seconds = timeit.timeit("factorial(10)", setup="from __main__ import factorial", number=100)
print(seconds < 5)
