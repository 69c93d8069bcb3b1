"""The network: a small Llama (RMSNorm, rotary positions, SwiGLU), in the layout that llama.cpp runs as `llama`.

Only what training needs: no cache and no sampling. Rotary pairs are neighbours (2i, 2i+1), as llama.cpp's `llama`
expects, so weights are exported without permutation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of the network."""

    vocabulary: int
    width: int = 256
    layers: int = 5
    heads: int = 4
    hidden: int = 640
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5


def rotary_table(shape: Shape) -> Tensor:
    """Cosines and sines, (context, head width / 2, 2)."""
    width = shape.width // shape.heads
    frequencies = shape.rope_base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(shape.context, dtype=torch.float64)[:, None] * frequencies[None]
    return torch.stack((angles.cos(), angles.sin()), -1).float()


def rotate(heads: Tensor, table: Tensor) -> Tensor:
    """Turn each pair of neighbours by its position's angle; heads are (batch, heads, time, width)."""
    pairs = heads.float().unflatten(-1, (-1, 2))
    cosine, sine = table[: heads.shape[2], :, 0], table[: heads.shape[2], :, 1]
    even, odd = pairs[..., 0], pairs[..., 1]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2).type_as(heads)


class Block(nn.Module):
    """Attention and feed-forward, each after its norm, each added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, hidden = shape.width, shape.hidden
        self.heads = shape.heads
        self.attention_norm = nn.RMSNorm(width, shape.epsilon)
        self.feed_norm = nn.RMSNorm(width, shape.epsilon)
        self.query, self.key, self.value, self.output = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.down.weight)

    def attend(self, stream: Tensor, table: Tensor) -> Tensor:
        """Causal attention over the row."""
        batch, time, width = stream.shape
        query, key, value = (
            layer(stream).view(batch, time, self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(rotate(query, table), rotate(key, table), value, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(batch, time, width))

    def forward(self, stream: Tensor, table: Tensor) -> Tensor:
        """(batch, time, width) to the same."""
        stream = stream + self.attend(self.attention_norm(stream), table)
        normed = self.feed_norm(stream)
        return stream + self.down(functional.silu(self.gate(normed)) * self.up(normed))


class Network(nn.Module):
    """Tokens in, logits out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.register_buffer("table", rotary_table(shape), persistent=False)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The weighted sum of the losses of the targets."""
        stream = self.embedding(tokens)
        for block in self.blocks:
            stream = block(stream, self.table)
        logits = self.head(self.norm(stream)).float()
        losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        return (losses * weights.flatten()).sum()
