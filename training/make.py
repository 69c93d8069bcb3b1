"""Make Samantha Tiny in one command: tokenizer, training, GGUF, evaluation, loss curve.

Each stage continues where it stopped or is left out where its result is there; delete a result to make it again:
`training/tokenizer.json`, and `training/out/checkpoint.pt` with `training/out/log.jsonl`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from training import tokenizer  # noqa: E402 (run as a script, the package is found only from here on)
from training.train import OUT, STEPS  # noqa: E402


def run(module: str, *arguments: str) -> None:
    """Run one stage in a process of its own, so that each begins with free memory."""
    print(f"== {module} {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", f"training.{module}", *arguments], cwd=ROOT, check=True)


def main() -> None:
    """All stages in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    if not tokenizer.PATH.exists():
        tokenizer.write()
    run("train", "--steps", str(arguments.steps))
    run("export")
    run("curve")
    run("evaluate", "--output", str(OUT))


if __name__ == "__main__":
    main()
