import sys

print("checking the configuration")
config = {}
if "key" not in config:
    print("no key", file=sys.stderr)
    sys.exit(3)
print("never printed")
