import warnings


def old():
    warnings.warn("old() is deprecated", DeprecationWarning, stacklevel=2)
    return 42


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(old())
    print(len(caught), caught[0].category.__name__, caught[0].message)
warnings.warn("on standard error only")
warnings.simplefilter("error")
try:
    old()
except DeprecationWarning as w:
    print("raised:", w)
