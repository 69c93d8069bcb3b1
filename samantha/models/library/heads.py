"""What the heads of model files said, so that no file is read twice. It finds none, and gives none a name.

It is kept in `library.msgpack` in the data folder, by a key that changes with the file.
"""

import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from samantha import settings
from samantha.models import gguf
from samantha.models.gguf_checks import Items

MOST_KEPT = 4000
"""Heads; beyond that, the ones that were read first are forgotten."""


class Remembered(msgspec.Struct, frozen=True):
    """What is known of a file as it stands. The lengths of arrays stand apart, because `Items` is a type of its own."""

    header: gguf.Header | None = None
    items: dict[str, tuple[int, str]] = {}
    hash: str = ""


class Heads:
    """The heads that were read before. Inside a `with`, one thread has it; at the end what is new is written."""

    _lock = threading.RLock()
    _place: Path | None = None
    _known: ClassVar[dict[str, Remembered]] = {}

    def __enter__(self) -> "Heads":
        self._lock.acquire()
        place = settings.data_folder() / "library.msgpack"
        if Heads._place != place:
            Heads._place, Heads._known = place, _load(place)
        self._new = False
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._new and Heads._place:
                _write(Heads._place, Heads._known)
        finally:
            self._lock.release()

    def header(self, path: Path, key: str) -> gguf.Header:
        """The head of a model.

        Raises:
            ModelError: it cannot be used. That is not remembered: the reason may lie outside the file.
        """
        known = self._known.get(key, Remembered())
        if known.header is None:
            header = gguf.read_model(path)
            items = {key: (int(v), v.kind) for key, v in header.metadata.items() if isinstance(v, Items)}
            known = msgspec.structs.replace(known, header=header, items=items)
            self._keep(key, known)
        assert known.header
        return known.header

    def hash(self, path: Path, key: str) -> str:
        """The sampled hashes of a model's files; "" when one cannot be read."""
        known = self._known.get(key, Remembered())
        if not known.hash:
            try:
                made = " ".join(gguf.sampled_hash(part) for part in gguf.parts_of(path))
            except OSError:
                return ""
            known = msgspec.structs.replace(known, hash=made)
            self._keep(key, known)
        return known.hash

    def _keep(self, key: str, known: Remembered) -> None:
        if key not in self._known and len(self._known) >= MOST_KEPT:
            for oldest in list(self._known)[: MOST_KEPT // 2]:
                del self._known[oldest]
        self._known[key] = known
        self._new = True


def _load(place: Path) -> dict[str, Remembered]:
    """What was written; nothing where that cannot be read, because it can all be read anew."""
    try:
        known = msgspec.msgpack.decode(place.read_bytes(), type=dict[str, Remembered])
    except (OSError, msgspec.DecodeError):
        return {}
    return {key: msgspec.structs.replace(one, header=_whole(one)) for key, one in known.items()}


def _whole(one: Remembered) -> gguf.Header | None:
    if one.header is None:
        return None
    metadata: dict[str, Any] = one.header.metadata | {key: Items(*item) for key, item in one.items.items()}
    return msgspec.structs.replace(one.header, metadata=metadata)


def _write(place: Path, known: dict[str, Remembered]) -> None:
    """Replace the file, whole or not at all. A folder that takes no file costs time at the next start, no more."""
    there = {key: _plainly(one) for key, one in known.items()}
    partial = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(msgspec.msgpack.encode(there))
        partial.replace(place)
    except OSError:
        partial.unlink(missing_ok=True)


def _plainly(one: Remembered) -> Remembered:
    """Without the `Items`, which stand beside."""
    if one.header is None:
        return one
    metadata = {key: value for key, value in one.header.metadata.items() if not isinstance(value, Items)}
    return msgspec.structs.replace(one, header=msgspec.structs.replace(one.header, metadata=metadata))
