"""What the sandbox costs: its start over bare Python, and the canary, with the code environment when there is one.

    python -m benchmarks.sandbox [--rounds 40]

Bare and confined starts take turns, so that what else the computer does weighs on both. Preparing (folders, filter, the
list of arguments) is part of the sandbox's time.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from samantha.sandbox.access import Folders, Mode
from samantha.sandbox.canary import prove
from samantha.sandbox.code import available, confine_code

NOTHING = ("-I", "-B", "-c", "pass")


def python_and_environment(environment: Path) -> tuple[str, Path | None]:
    """The code environment's Python, or the one that the program was made from."""
    if (environment / "pyvenv.cfg").exists():
        return str(environment / "bin" / "python"), environment
    return str(getattr(sys, "_base_executable", sys.executable)), None


def bare_seconds(python: str) -> float:
    begun = time.perf_counter()
    subprocess.run([python, *NOTHING], stdin=subprocess.DEVNULL, check=True, close_fds=True, start_new_session=True)
    return time.perf_counter() - begun


def confined_seconds(python: str, environment: Path | None, folders: Folders, mode: Mode) -> float:
    begun = time.perf_counter()
    confined = confine_code((python, *NOTHING), folders=folders, environment=environment, mode=mode)
    status = confined.start(subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL).wait()
    confined.close()
    seconds = time.perf_counter() - begun
    if status:
        raise SystemExit(f"Python did not start in the {mode} sandbox (status {status}): see samantha doctor.")
    return seconds


def row(label: str, times: list[float]) -> str:
    low, high = min(times) * 1000, max(times) * 1000
    return f"{label}: {statistics.median(times) * 1000:.1f} ms (median of {len(times)}, {low:.1f} to {high:.1f})"


def starts(python: str, environment: Path | None, mode: Mode, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as top:
        folders = Folders(*(Path(top) / name for name in Folders.__struct_fields__))
        for name in Folders.__struct_fields__:
            getattr(folders, name).mkdir()
        measures: list[Callable[[], float]] = [
            lambda: bare_seconds(python), lambda: confined_seconds(python, environment, folders, mode),
        ]  # fmt: skip
        bare, confined = zip(*([measure() for measure in measures] for _ in range(rounds + 1)), strict=True)
    print(row("bare Python", list(bare[1:])))
    print(row(f"Python in the {mode} sandbox", list(confined[1:])))
    print(f"the sandbox adds {1000 * (statistics.median(confined[1:]) - statistics.median(bare[1:])):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--environment", type=Path, default=Path(".venv-code").absolute())
    arguments = parser.parse_args()
    python, environment = python_and_environment(arguments.environment)
    mode = available()[0]
    print(f"as {'root' if os.geteuid() == 0 else 'an ordinary user'}, load {os.getloadavg()[0]:.1f}")
    if mode != "none":
        starts(python, environment, mode, arguments.rounds)
    proofs = [prove(environment) for _ in range(arguments.rounds // 2 + 1)][1:]
    print(row(f"canary, {proofs[-1].mode}", [proof.seconds for proof in proofs]))


if __name__ == "__main__":
    main()
