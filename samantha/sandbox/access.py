"""What generated code is given: files and network by grant, and how much of everything. Enforced elsewhere."""

from pathlib import Path
from typing import Literal

import msgspec

from samantha.errors import SandboxError

Mode = Literal["isolated", "reduced", "none"]
"""`isolated`: a system of its own. `reduced`: the real one, closed by rules. `none`: nothing holds, code runs only with
full access."""

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Access(msgspec.Struct, frozen=True):
    """What the user granted. Files and folders are real places; `full` is everything, without any sandbox."""

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    network: bool = False
    full: bool = False

    def __post_init__(self) -> None:
        for place in (*self.readable, *self.writable):
            if not Path(place).is_absolute():
                raise SandboxError(f"A grant needs a full path, not {place}: write the path from the root on.")


class Limits(msgspec.Struct, frozen=True):
    """How much one step may use. Sizes in bytes; `seconds` of wall time, `cpu_seconds` of each process.

    The kernel holds `cpu_seconds`, `file_size`, `processes` (threads count), `open_files` and the address space of each
    process; whoever runs the code holds `seconds`, `memory` and `disk` of all together, `files` and `output`.
    """

    seconds: float = 60.0
    cpu_seconds: int = 600
    memory: int = 4 * GIB
    file_size: int = 512 * MIB
    disk: int = GIB
    files: int = 10_000
    processes: int = 128
    open_files: int = 256
    output: int = MIB

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise SandboxError(f"The limit {name} is {value!r}: it must be a number from {low} to {high}.")

    @property
    def address_space(self) -> int:
        """Bytes one process may map: libraries reserve about a GiB more than they ever touch."""
        return self.memory + GIB

    @property
    def temporary(self) -> int:
        """Bytes that `/tmp` and `/dev/shm` hold, each: they are memory, so they stay a small part of it."""
        return max(MIB, min(self.disk, self.memory) // 4)


RANGES: dict[str, tuple[int, int]] = {
    "seconds": (1, 7 * 24 * 3600),
    "cpu_seconds": (1, 7 * 24 * 3600),
    "memory": (64 * MIB, 1 << 42),
    "file_size": (4 * KIB, 1 << 42),
    "disk": (64 * KIB, 1 << 42),
    "files": (10, 10_000_000),
    "processes": (8, 30_000),
    "open_files": (32, 1_000_000),
    "output": (KIB, GIB),
}
"""The smallest and the largest value of each limit."""


class Folders(msgspec.Struct, frozen=True):
    """The folders of one run. `box`, `shown` and `relay` are written by the code, `code` is only read by it.

    The same struct says where they really are and, in `Confined.seen`, under which names the code sees them.
    """

    box: Path
    code: Path
    shown: Path
    relay: Path
