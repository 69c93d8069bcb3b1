"""Train the network on the endless corpus; checkpoints let it continue where it stopped.

Documents of like length share a batch, each from position 0, as the program will run them. Answers count fully in the
loss and prompts a little. On a CPU there is one process of one thread for each core, which average their gradients
once a step: beside other programs that is far steadier than threads which wait for each other in every layer. A GPU is
used where there is one. No evaluation here.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed
from torch.multiprocessing.spawn import spawn

from . import tokenizer as bpe
from .corpus.mixture import Document, draw_document
from .model import Network, Shape
from .muon import Muon
from .wiring import wire_for_copying

if TYPE_CHECKING:
    from tokenizers import Tokenizer

OUT = Path(__file__).parent / "out"
POOL = 1024  # documents sorted by length together
TOKENS = 2048  # of one batch, padding included
BATCHES = 2  # of one step, shared among the processes
PROMPT_WEIGHT = 0.1
STEPS = 12500
CHECKPOINT = OUT / "checkpoint.pt"
Batch = tuple[Tensor, Tensor, Tensor]


def encode(tokenizer: Tokenizer, document: Document, context: int) -> tuple[list[int], list[float]]:
    """A document's tokens and the weight of each in the loss."""
    tokens: list[int] = []
    weights: list[float] = []
    for text, is_answer in document:
        ids = tokenizer.encode(text).ids
        tokens += ids
        weights += [1.0 if is_answer else PROMPT_WEIGHT] * len(ids)
    return tokens[: context + 1], weights[: context + 1]


def as_batch(rows: list[tuple[list[int], list[float]]], length: int) -> Batch:
    """Rows padded to one length, as inputs, targets and weights (0 on padding)."""
    tokens = torch.zeros(len(rows), length + 1, dtype=torch.long)
    weights = torch.zeros(len(rows), length + 1)
    for place, (ids, values) in enumerate(rows):
        tokens[place, : len(ids)] = torch.tensor(ids)
        weights[place, : len(ids)] = torch.tensor(values)
    return tokens[:, :-1], tokens[:, 1:], weights[:, 1:]


def pool_batches(tokenizer: Tokenizer, seed: int, pool: int, context: int) -> list[Batch]:
    """The batches of one pool of documents, in random order; few shapes, for which the kernels are made once."""
    random = Random(f"training {seed} {pool}")
    rows = [encode(tokenizer, draw_document(random), context) for _ in range(POOL)]
    rows.sort(key=lambda row: -len(row[0]))
    batches: list[Batch] = []
    while rows:
        length = math.ceil((len(rows[0][0]) - 1) / 16) * 16
        count = max(1, TOKENS // length)
        batches.append(as_batch(rows[:count], length))
        rows = rows[count:]
    random.shuffle(batches)
    return batches


def batch_stream(tokenizer: Tokenizer, seed: int, first_pool: int, context: int) -> Iterator[tuple[int, Batch]]:
    """Batches without end, each with the number of the pool to continue from."""
    pool = first_pool
    while True:
        for batch in pool_batches(tokenizer, seed, pool, context):
            yield pool + 1, batch
        pool += 1


def rate(step: int, steps: int) -> float:
    """Share of the full learning rate: a short warm-up, a plateau, and a linear fall over the last 60 %."""
    return min((step + 1) / 60, 1.0, max(0.02, (steps - step) / (0.6 * steps)))


class Trainer:
    """The network, its optimizers and where the training stands."""

    def __init__(self, shape: Shape, device: str) -> None:
        torch.manual_seed(0)
        self.network = Network(shape).to(device)
        matrices = [p for name, p in self.network.named_parameters() if p.ndim == 2 and name.startswith("blocks.")]
        others = [p for name, p in self.network.named_parameters() if p.ndim != 2 or not name.startswith("blocks.")]
        self.optimizers: list[torch.optim.Optimizer] = [
            Muon(matrices, lr=0.02, decay=0.01),
            torch.optim.AdamW(others, lr=0.004, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.full_rates = [optimizer.param_groups[0]["lr"] for optimizer in self.optimizers]
        self.state: dict[str, Any] = {"step": 0, "pool": 0, "tokens": 0, "seconds": 0.0}

    def save(self, path: Path) -> None:
        """Write a checkpoint; a kill in the middle leaves the old one whole."""
        data = {"shape": asdict(self.network.shape), "network": self.network.state_dict(), "state": self.state}
        data["optimizers"] = [optimizer.state_dict() for optimizer in self.optimizers]
        torch.save(data, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint."""
        data = torch.load(path, weights_only=True)
        self.network.load_state_dict(data["network"])
        self.state = data["state"]
        for optimizer, saved in zip(self.optimizers, data["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def step(self, batches: list[Batch], total: float, share: float, device: str) -> float:
        """One update from this process's batches; `total` is the weight of all processes' tokens."""
        loss_sum = torch.zeros(1)
        for batch in batches:
            inputs, targets, weights = (part.to(device) for part in batch)
            with torch.autocast(device, dtype=torch.bfloat16):
                loss = self.network(inputs, targets, weights) / total
            loss.backward()
            loss_sum += loss.detach().cpu()
        self.add_up(loss_sum)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer, full in zip(self.optimizers, self.full_rates, strict=True):
            optimizer.param_groups[0]["lr"] = full * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(loss_sum)

    def add_up(self, loss_sum: Tensor) -> None:
        """Add the gradients and losses of all processes, in place."""
        if not distributed.is_initialized():
            return
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        flat = torch.cat([loss_sum, *(gradient.flatten() for gradient in gradients)])
        distributed.all_reduce(flat)
        loss_sum.copy_(flat[:1])
        for gradient, part in zip(gradients, flat[1:].split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


@torch.no_grad()
def relate_spaced(network: Network, twins: list[tuple[int, int]]) -> None:
    """Begin with each piece that has a space before it close to its twin without: copying comes sooner."""
    weight = network.embedding.weight
    bare, spaced = (torch.tensor(side) for side in zip(*twins, strict=True))
    shift = torch.randn(weight.shape[1], generator=torch.Generator().manual_seed(1)) * 0.25
    weight[spaced] = weight[bare] * 0.9 + weight[spaced] * 0.2 + shift.to(weight.device)


def log(path: Path, record: dict[str, float]) -> None:
    """One line of the training log."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that no checkpoint kept and that are done again."""
    if path.exists():
        lines = path.read_text("utf-8").splitlines()
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        path.write_text("".join(f"{line}\n" for line in kept), "utf-8")


def train(steps: int, seed: int = 1, save_every: float = 120.0, rank: int = 0, workers: int = 1) -> None:
    """Train up to a step, from the checkpoint if there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = bpe.load()
    trainer = Trainer(Shape(tokenizer.get_vocab_size()), device)
    if CHECKPOINT.exists():
        trainer.load(CHECKPOINT)
    else:
        relate_spaced(trainer.network, bpe.spaced_twins())
        wire_for_copying(trainer.network)
    state = trainer.state
    stream = batch_stream(tokenizer, seed, state["pool"], trainer.network.shape.context)
    saved = time.monotonic()
    if rank == 0:
        forget_after(OUT / "log.jsonl", state["step"])
    parent = multiprocessing.parent_process()
    while state["step"] < steps and (parent is None or parent.is_alive()):
        started = time.monotonic()
        taken = [next(stream) for _ in range(BATCHES)]
        batches = [batch for _, batch in taken]
        total = sum(float(weights.sum()) for _, _, weights in batches)
        loss = trainer.step(batches[rank::workers], total, rate(state["step"], steps), device)
        state["step"] += 1
        state["pool"] = taken[-1][0]
        state["tokens"] += sum(int((weights > 0).sum()) for _, _, weights in batches)
        state["seconds"] += time.monotonic() - started
        if rank == 0:
            log(OUT / "log.jsonl", {**state, "loss": round(loss, 4)})
        if rank == 0 and time.monotonic() - saved > save_every:
            trainer.save(CHECKPOINT)
            saved = time.monotonic()
    if rank == 0:
        trainer.save(CHECKPOINT)


def work(rank: int, workers: int, meeting: str, steps: int) -> None:
    """One of several processes that train together."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=workers)
    train(steps, rank=rank, workers=workers)
    distributed.destroy_process_group()


def train_together(steps: int) -> None:
    """Train with one process on a GPU, or with one for each core."""
    workers = 1 if torch.cuda.is_available() else min(BATCHES, os.cpu_count() or 1)
    if workers == 1:
        train(steps)
        return
    with tempfile.TemporaryDirectory() as folder:
        spawn(work, args=(workers, str(Path(folder) / "meeting"), steps), nprocs=workers)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    train_together(parser.parse_args().steps)


if __name__ == "__main__":
    main()
