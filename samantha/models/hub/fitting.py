"""Whether a model that is not here yet will fit the memory: from its size alone, so a little is guessed."""

from typing import Literal

Fit = Literal["yes", "tight", "no"]

BESIDE = 600_000_000
"""Bytes for context, buffers and program at the default context window."""


def needed(size: int) -> int:
    """Bytes of memory that a model of `size` bytes needs at the default context window, as far as its size tells."""
    return int(size * 1.05) + BESIDE


def fit(size: int, free: int | None = None, total: int | None = None) -> Fit:
    """`yes`: it fits what is free now; `tight`: with other programs closed; `no`. Bytes; this computer's by default."""
    import psutil

    memory = psutil.virtual_memory()
    if needed(size) <= (memory.available if free is None else free):
        return "yes"
    return "tight" if needed(size) <= 0.9 * (memory.total if total is None else total) else "no"
