import inspect
import sys
import types


def greet(name: str = "you") -> str:
    """Say hello."""
    return f"Hello, {name}"


print(inspect.getsource(greet))
print(inspect.signature(greet), greet.__doc__, greet.__module__)
print(sys.modules["__main__"].greet is greet, isinstance(sys.modules["__main__"], types.ModuleType))
print(callable(print), print.__name__, repr(print), inspect.isbuiltin(len))


class Logger:
    write = print


Logger().write("as a method of a class")
print(*map(str, range(3)), sep="-", end="!\n")
exec("x = 1 + 1")
print(eval("x * 21"), sorted(name for name in globals() if not name.startswith("__")))
