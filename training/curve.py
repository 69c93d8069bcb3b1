"""Draw the loss curve of the README from the training log."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from .train import OUT

PICTURE = Path(__file__).parent / "loss.png"


def smoothed(values: list[float], memory: float = 0.97) -> list[float]:
    """A running mean that forgets, without the bias of its start."""
    result, mean, weight = [], 0.0, 0.0
    for value in values:
        mean = memory * mean + (1 - memory) * value
        weight = memory * weight + (1 - memory)
        result.append(mean / weight)
    return result


def records() -> list[dict[str, float]]:
    """The log in order of steps; steps done twice after a kill count once, the later time."""
    lines = (OUT / "log.jsonl").read_text(encoding="utf-8").splitlines()
    by_step = {record["step"]: record for record in map(json.loads, lines)}
    return [by_step[step] for step in sorted(by_step)]


def draw() -> None:
    """Write the picture."""
    log = records()
    millions = [record["tokens"] / 1e6 for record in log]
    losses = [record["loss"] for record in log]
    figure, axes = plt.subplots(figsize=(8, 4), dpi=110)
    axes.plot(millions, losses, color="lightgray", linewidth=0.6, label="each step")
    axes.plot(millions, smoothed(losses), color="tab:blue", label="running mean")
    axes.set(xlabel="million tokens", ylabel="loss (answers 1, prompts 0.1)", yscale="log", title="Samantha Tiny")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(PICTURE)
    plt.close(figure)


if __name__ == "__main__":
    draw()
