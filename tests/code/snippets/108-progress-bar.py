import sys
import time

total = 5
for i in range(total + 1):
    bar = "#" * i + "-" * (total - i)
    print(f"\rProgress: [{bar}] {100 * i // total}%", end="", flush=True)
    time.sleep(0.01)
print()
sys.stdout.write("no newline at the end")
