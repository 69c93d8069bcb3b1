"""Start-up times as a user meets them: `samantha --help`, and `samantha run` to its first visible character.

    python -m benchmarks.startup [--rounds 7]
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

COMMAND = (sys.executable, "-m", "samantha")


def help_seconds() -> float:
    begun = time.perf_counter()
    subprocess.run([*COMMAND, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def first_token_seconds() -> float:
    begun = time.perf_counter()
    with subprocess.Popen(
        [*COMMAND, "run", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"Who are you?")
        process.stdin.close()
        process.stdout.read(1)
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    rows: list[tuple[str, Callable[[], float]]] = [
        ("samantha --help", help_seconds), ("samantha run, to the first token", first_token_seconds),
    ]  # fmt: skip
    for label, measure in rows:
        measure()
        times = [measure() for _ in range(rounds)]
        print(f"{label}: {statistics.median(times):.3f} s (median of {rounds}, {min(times):.3f} to {max(times):.3f})")


if __name__ == "__main__":
    main()
