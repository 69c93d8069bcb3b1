import atexit
import sys

atexit.register(print, "goodbye")


@atexit.register
def last():
    print("registered last, runs first")


print("working")
sys.exit(0)
