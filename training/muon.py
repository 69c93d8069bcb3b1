"""Muon: momentum whose update is made orthogonal, for the matrices of the network (Jordan et al., 2024).

Matrices of one shape are treated together in one batch. Embeddings and norms belong to AdamW, not here.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, distributed

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration towards the nearest orthogonal matrices; (count, rows, columns). bfloat16 suffices."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).type_as(matrices)


def orthogonal_together(matrices: Tensor) -> Tensor:
    """`orthogonal`, the matrices shared out among the processes that train together."""
    if not distributed.is_initialized():
        return orthogonal(matrices)
    rank, workers = distributed.get_rank(), distributed.get_world_size()
    result = torch.zeros_like(matrices)
    result[rank::workers] = orthogonal(matrices[rank::workers])
    distributed.all_reduce(result)
    return result


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal, with decoupled weight decay."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, decay: float = 0.0
    ) -> None:
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 (the base class has it)
        """One update of every matrix."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                shapes.setdefault(parameter.shape, []).append(parameter)
            for parameters in shapes.values():
                self.update(parameters, group)

    def update(self, parameters: list[Tensor], group: dict[str, float]) -> None:
        """One update of all matrices of one shape."""
        directions = []
        for parameter in parameters:
            buffer = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
            buffer.lerp_(parameter.grad, 1 - group["momentum"])
            directions.append(parameter.grad.lerp(buffer, group["momentum"]))
        rows, columns = parameters[0].shape
        scale = group["lr"] * max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, orthogonal_together(torch.stack(directions)), strict=True):
            parameter.mul_(1 - group["lr"] * group["decay"])
            parameter.add_(update, alpha=-scale)
