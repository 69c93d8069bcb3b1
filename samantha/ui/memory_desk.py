"""The models in memory as the page shows them, and what a person changes about them: unloading, the budget.

The budget is kept in the settings in GB and holds at once. What is loaded, and when, is the Residency's.
"""

import math
from typing import Any

import msgspec
import psutil

from samantha import settings
from samantha.errors import SamanthaError
from samantha.models import memory
from samantha.models.residency import Residency
from samantha.ui.controls import FieldError

GB = 10**9

Shown = dict[str, Any]


def kept_budget() -> int:
    """The budget of the settings in bytes; 0, one model at a time, where they cannot be read."""
    try:
        kept = settings.load().memory_budget
    except SamanthaError:
        return 0
    return int(kept * GB) if 0 <= kept <= most() else 0


def most() -> float:
    """The largest budget in GB: all memory there is."""
    return memory.memory().total / GB


class MemoryDesk:
    """What is loaded. Without a Residency (scripted models) nothing is, and there is nothing to unload."""

    def __init__(self, residency: Residency | None) -> None:
        self._residency = residency

    def shown(self) -> Shown:
        """The loaded models with the bytes that their processes hold, the budget, the memory that there is."""
        there = memory.memory()
        loaded = self._residency.loaded() if self._residency else []
        return {
            "loaded": [{"name": name, "bytes": held} for name, held in loaded],
            "budget": self._residency.budget / GB if self._residency else 0.0,
            "available": there.available, "total": there.total, "threads": default_threads(),
            "tuned": _tuned() > 0, "processors": psutil.cpu_count() or 1,
        }  # fmt: skip

    def unload(self, name: str = "") -> Shown:
        """Free a model's memory, or that of all. `gone` names those that went.

        Raises:
            FieldError: a run uses it, or it is not loaded.
        """
        gone = self._residency.unload(name or None) if self._residency else []
        if name and not gone:
            loaded = self._residency is not None and any(name == one for one, _ in self._residency.loaded())
            raise FieldError("models", key="memory.in_use" if loaded else "memory.not_loaded", name=name)
        return {"gone": gone}

    def set_budget(self, given: object) -> Shown:
        """Keep a budget in GB; it holds from the next load on, and `gone` names what it let go at once.

        Raises:
            FieldError: not a number from 0 to the memory there is.
            SettingsError: the settings cannot be written.
        """
        wanted = _number(given)
        if wanted is None or not 0 <= wanted <= most():
            raise FieldError("models", key="memory.bad_budget", most=f"{most():.1f}")
        settings.save(msgspec.structs.replace(settings.load(), memory_budget=wanted))
        if self._residency is None:
            return {"gone": []}
        self._residency.budget = int(wanted * GB)
        return {"gone": self._within_budget(self._residency)}

    def _within_budget(self, residency: Residency) -> list[str]:
        """Let go what is over the budget now, the least recently used first, but never the last one used."""
        gone: list[str] = []
        loaded = residency.loaded()
        while len(loaded) > 1 and sum(held for _, held in loaded) > residency.budget:
            name, _ = loaded.pop(0)
            gone += residency.unload(name)
        return gone


def default_threads() -> int:
    """As many threads as a model gets where n_threads says nothing (`llama/model.py`, not loaded here)."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return _tuned() or max(1, cores - 1)


def _tuned() -> int:
    """What `samantha doctor --tune` found; 0 where it was not run."""
    try:
        return settings.load().n_threads
    except SamanthaError:
        return 0


def _number(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        value = float(str(given).strip().replace(",", ".") or "0")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
