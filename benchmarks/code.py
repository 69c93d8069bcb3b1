"""What a step of generated code takes in a warm sandbox, beside the same program run by the plain interpreter.

    python -m benchmarks.code [--rounds 20] [--pause 0.5]

The two take turns, so that what else the computer does weighs on both. Back to back is a loop that does nothing but run
code; with a pause, as when a model writes in between. The first step of each kind is told apart.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from samantha.code import proof
from samantha.code.code import Finished
from samantha.code.environment import CodeEnvironment
from samantha.code.runner import SandboxRunner
from samantha.sandbox.access import Access

BLOCKS = {
    "print(1)": "print(1)",
    "pandas and a chart": """
import matplotlib.pyplot as plt
import pandas as pd

df = pd.DataFrame({"month": range(1, 13), "sales": [3, 4, 6, 5, 7, 9, 8, 9, 11, 10, 13, 15]})
print(df["sales"].describe())
df.plot(x="month", y="sales", kind="bar", title="Sales")
plt.show()
""",
}


class Steps:
    """Counts the steps of one run."""

    def __init__(self, runner: SandboxRunner) -> None:
        self.runner = runner
        self.number = 0

    def seconds(self, code: str) -> float:
        """One step, from handing the code over to its end."""
        self.number += 1
        begun = time.perf_counter()
        *_, end = self.runner.execute(code, "benchmark", self.number)
        seconds = time.perf_counter() - begun
        assert isinstance(end, Finished)
        assert end.reason == "ok", end.output
        return seconds


def plain_seconds(code: str, folder: Path) -> float:
    """The plain interpreter, from its start to its end; charts are drawn by Agg and thrown away."""
    command = [CodeEnvironment().python, "-I", "-B", "-c", code.replace("plt.show()", "plt.savefig('chart.png')")]
    begun = time.perf_counter()
    subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "MPLBACKEND": "Agg"}, check=True,
    )  # fmt: skip
    return time.perf_counter() - begun


def told(label: str, times: list[float]) -> str:
    milliseconds = [1000 * one for one in times]
    spread = f"{min(milliseconds):.0f} to {max(milliseconds):.0f}"
    return f"  {label:<34} {statistics.median(milliseconds):7.1f} ms ({spread})"


def measure(steps: Steps, label: str, code: str, rounds: int, pause: float, folder: Path) -> None:
    plain_seconds(code, folder)
    print(f"{label}\n{told('first step', [steps.seconds(code)])}")
    plain, close, apart = [], [], []
    for _ in range(rounds):
        plain.append(plain_seconds(code, folder))
        close += [steps.seconds(code) for _ in range(2)][1:]  # the first of the two follows the plain interpreter
        time.sleep(pause)
        apart.append(steps.seconds(code))
    over = 1000 * (statistics.median(close) - statistics.median(plain))
    print(told("plain interpreter", plain), told("warm step, back to back", close), sep="\n")
    print(
        told(f"warm step, {pause:g} s apart", apart), f"  a warm step takes {over:+.1f} ms over plain Python", sep="\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.5)
    options = parser.parse_args()
    environment = CodeEnvironment()
    if not environment.ready:
        parser.error(environment.sentence)
    mode = proof.proof().mode
    print(f"sandbox: {mode}; medians of {options.rounds} rounds, smallest and largest in brackets")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain").mkdir()
        runner = SandboxRunner(Access(full=mode == "none"), root=folder / "work")
        begun = time.perf_counter()
        steps = Steps(runner)
        try:
            steps.seconds("")
            print(f"making a sandbox warm: {time.perf_counter() - begun:.2f} s")
            for label, code in BLOCKS.items():
                measure(steps, label, code, options.rounds, options.pause, folder / "plain")
        finally:
            runner.close()


if __name__ == "__main__":
    main()
