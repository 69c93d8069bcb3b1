"""Tail-free sampling, which llama.cpp removed in October 2024 (PR #10071): pure NumPy on sorted probabilities.

Source: Trenton Bricken, "Tail Free Sampling" (2019): the tail begins where the second derivative of the sorted
probabilities has given the share z of its total.
"""

import numpy as np
from numpy.typing import NDArray


def survivors(probabilities: NDArray[np.float32], z: float) -> int:
    """How many of the candidates stay.

    Args:
        probabilities: shape (n,), descending, summing to 1.
        z: 1 and above keeps all, 0 keeps one.
    """
    count = int(probabilities.size)
    if z >= 1 or count <= 1:
        return count
    if z <= 0:
        return 1
    if count == 2:
        return 2
    bend = np.abs(np.diff(probabilities.astype(np.float64), n=2))
    total = bend.sum()
    share = bend / total if total > 1e-6 else np.full(bend.size, 1 / bend.size)
    beyond = np.flatnonzero(np.cumsum(share) > z)
    cut = max(1, int(beyond[0])) if beyond.size else count
    return cut if cut < bend.size else count
