try:
    name = input("What is your name? ")
except EOFError:
    name = "nobody"
    print("(no input)")
print(f"Hello, {name}!")

import sys

print(repr(sys.stdin.read()), [line for line in sys.stdin])
