"""A start that can copy: the first two blocks are set up as an induction circuit (Olsson et al., 2022).

In block 0 one head looks at the token before; in block 1 two heads look for the place that followed the same token
earlier. Everything remains free to change in training; finding this circuit from a random start took most of an hour.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .model import Block, Network

FAST = 8  # rotary pairs that tell neighbouring positions apart
SKETCH = 32  # dimensions in which tokens are compared: the slow half of a head's rotary pairs


def shifted(vector: Tensor, network: Network) -> Tensor:
    """The vector turned by one position."""
    cosine, sine = network.table[1, :, 0], network.table[1, :, 1]
    even, odd = vector[0::2], vector[1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten()


def look_back(block: Block, network: Network, common: Tensor, sketch: Tensor, written: Tensor) -> None:
    """Head 0 attends to the token before and writes a sketch of it; `common` is a direction that all tokens share."""
    width = sketch.shape[1] // block.heads
    query = torch.zeros(width)
    query[: 2 * FAST] = 1.0
    block.query.weight[:width] = 2.2 * torch.outer(query, common)
    block.key.weight[:width] = 2.2 * torch.outer(shifted(query, network), common)
    block.value.weight[:SKETCH] = sketch
    block.output.weight[:, :SKETCH] = written


def look_for_same(block: Block, head: int, sketch: Tensor, written: Tensor, gain: float) -> None:
    """A head whose query is the sketch of its own token and whose key is the sketch of the token before."""
    width = sketch.shape[1] // block.heads
    rows = slice(head * width + width - SKETCH, (head + 1) * width)
    block.query.weight[head * width : (head + 1) * width] = 0.0
    block.key.weight[head * width : (head + 1) * width] = 0.0
    block.query.weight[rows] = gain * sketch
    block.key.weight[rows] = gain * written.T


@torch.no_grad()
def wire_for_copying(network: Network) -> None:
    """Set up the circuit in a new network."""
    width = network.shape.width
    generator = torch.Generator().manual_seed(2)
    basis = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    common, sketch, written = basis[:, 0], basis[:, 1 : 1 + SKETCH].T, basis[:, 1 + SKETCH : 1 + 2 * SKETCH]
    network.embedding.weight += 0.5 * width**0.5 * common.to(network.embedding.weight.device)
    first, second = network.blocks[0], network.blocks[1]
    assert isinstance(first, Block)
    assert isinstance(second, Block)
    look_back(first, network, common, sketch, written * 1.5)
    look_for_same(second, 0, sketch, written, 1.5)
