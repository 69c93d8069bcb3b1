import argparse
import sys

parser = argparse.ArgumentParser(description="Greet someone")
parser.add_argument("name", nargs="?", default="World")
parser.add_argument("--times", type=int, default=2)
args = parser.parse_args()
for _ in range(args.times):
    print(f"Hello, {args.name}!")
print(parser.prog == sys.argv[0], len(sys.argv))
print(parser.parse_args(["Ana", "--times", "1"]))
