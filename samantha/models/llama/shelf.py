"""Evaluated prompts that are put aside when another one comes, and taken back: chains that alternate lose nothing.

What llama.cpp says of a sequence (`llama_state_seq_get_data`) is kept in memory, least recently used first to go. It
decides nothing about when; that is `context.py`.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samantha.models.llama.native import lib

SHARE = 0.1
"""Of the machine's memory, at most so much is kept."""


class Kept:
    """A prompt: its tokens, their keys and values as llama.cpp writes them, and the logits after the last one."""

    def __init__(self, tokens: list[int], state: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        self.tokens = tokens
        self.state = state
        self.logits = logits

    @property
    def size(self) -> int:
        """In bytes."""
        return self.state.nbytes + self.logits.nbytes


class Shelf:
    """Evaluated beginnings of prompts of one context."""

    def __init__(self, capacity: int | None = None) -> None:
        """`capacity` in bytes; by default a share of the machine's memory."""
        self._capacity = _share_of_memory() if capacity is None else capacity
        self._kept: list[Kept] = []

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(one.size for one in self._kept)

    def put(self, context: Any, tokens: Sequence[int], logits: NDArray[np.float32]) -> None:
        """Keep sequence 0 of a context, which holds exactly these tokens. What is too large is not kept."""
        size = int(lib.llama_state_seq_get_size(context, 0))
        if not 0 < size <= self._capacity:
            return
        state = np.empty(size, np.uint8)
        written = int(lib.llama_state_seq_get_data(context, _pointer(state), size, 0))
        if written == 0:
            return
        prompt = list(tokens)
        self._kept = [one for one in self._kept if one.tokens != prompt]
        self._keep(Kept(prompt, state[:written], logits))

    def _keep(self, newest: Kept) -> None:
        self._kept = [one for one in self._kept if one is not newest]
        self._kept.append(newest)
        while self.size > self._capacity:
            self._kept.pop(0)

    def best(self, tokens: Sequence[int], chunk: int) -> tuple[int, Kept | None]:
        """What is kept that shares most with the beginning of `tokens`, and how many tokens: see `shared`."""
        longest, found = 0, None
        for one in self._kept:
            length = shared(one.tokens, tokens, chunk)
            if length > longest:
                longest, found = length, one
        return longest, found

    def restore(self, context: Any, kept: Kept) -> bool:
        """Put it back into sequence 0 of an empty context; False where llama.cpp does not take it."""
        self._keep(kept)
        return int(lib.llama_state_seq_set_data(context, _pointer(kept.state), kept.state.nbytes, 0)) > 0

    def clear(self) -> None:
        """Forget everything."""
        self._kept = []


def shared(one: Sequence[int], other: Sequence[int], chunk: int) -> int:
    """How many tokens of two texts need no evaluation again: all where they are equal, else whole chunks.

    Whole chunks only, so that every token is always evaluated in the same batch; where they differ, a token of `other`
    is left, because its logits are wanted.
    """
    if list(one) == list(other):
        return len(other)
    length = 0
    while (
        length + chunk < len(other)
        and length + chunk <= len(one)
        and list(other[length : length + chunk]) == list(one[length : length + chunk])
    ):
        length += chunk
    return length


def _pointer(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _share_of_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total * SHARE)
