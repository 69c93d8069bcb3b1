"""The head of a GGUF file, read and bounds-checked in plain Python before any native code sees the file.

It reads metadata and the table of tensors, never the weights, and skips the vocabulary without building it. What the
numbers must be is in gguf_checks.py. Source: the GGUF specification (ggml, version 3).
"""

import hashlib
import itertools
import math
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from samantha.errors import ModelFileError, ModelNotFound
from samantha.models import gguf_checks
from samantha.models.gguf_checks import BLOCKS, Items, Tensor, tensor_bytes

MAGIC = b"GGUF"
LARGEST_COUNT = 1 << 24
"""No real file has more keys, tensors or array items than this; a damaged one soon does."""

LARGEST_HEAD = 1 << 28
"""Bytes; the heads of real files have some ten million."""

PIECE = 1 << 20
"""Bytes read at a time."""

LONGEST_ARRAY = 1024
"""Items; shorter arrays of numbers (a value for each layer) are kept."""

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_KIND_NAMES = {_STRING: "text", _ARRAY: "array"}

VOCABULARY = "tokenizer.ggml.tokens"

MOST_PARTS = 10_000
"""Files; more than any model is split into."""

class Header(msgspec.Struct, frozen=True):
    """What the head of a file says. `metadata` holds scalars and texts; arrays appear as their length, an `Items`.

    `arrays` holds the short arrays of numbers. `matrices` are the bytes of the matrices that vectors are multiplied
    with, by the name of their type: what llama.cpp may keep in another order than the file's.
    """

    path: str
    size: int
    version: int
    metadata: dict[str, Any]
    tensors: int
    parameters: int
    quantization: str
    arrays: dict[str, tuple[float, ...]] = {}
    matrices: dict[str, int] = {}
    vocabulary: int = 0
    """Tokens."""

    @property
    def architecture(self) -> str:
        """E.g. `llama`."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def n_ctx_train(self) -> int:
        """The context window the model was trained for, in tokens; 0 when the file does not say."""
        return int(self.metadata.get(f"{self.architecture}.context_length", 0))

    @property
    def name(self) -> str:
        """The name the file gives itself."""
        return str(self.metadata.get("general.name", ""))


def read(path: Path, thorough: bool = False) -> Header:
    """The head of a GGUF file; of a split model it may be any part.

    Args:
        thorough: look at every token of the vocabulary too, because llama.cpp aborts on some: 50 ms for a large one.

    Raises:
        ModelNotFound: no such file, or a folder.
        ModelFileError: not a GGUF, truncated, or with impossible numbers.
    """
    if path.is_dir():
        raise ModelNotFound(f"{path} is a folder, not a model file: choose a .gguf file in it.")
    if not path.exists():
        raise ModelNotFound(f"There is no model file {path}: check the path.")
    try:
        if path.stat().st_size < len(MAGIC):
            raise ModelFileError(f"{path.name} is not a GGUF file: it is empty.")
        with path.open("rb") as file:
            return _Reader(file, path, thorough).header()
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read ({error.strerror or error}).") from error


def parts_of(path: Path) -> tuple[Path, ...]:
    """The files of a split model (`-00001-of-0000N.gguf`) in order, there or not; else the one file."""
    found = re.fullmatch(r"(.*-)(\d{5})-of-(\d{5})(\.gguf)", path.name, re.IGNORECASE | re.DOTALL)
    if found is None or not 0 < int(found[3]) <= MOST_PARTS:
        return (path,)
    return tuple(
        path.with_name(f"{found[1]}{part:05d}-of-{found[3]}{found[4]}") for part in range(1, int(found[3]) + 1)
    )


def read_model(path: Path) -> Header:
    """The head of a model: of a split one all parts together.

    Args:
        path: the file, or the first part.

    Raises:
        ModelNotFound: see `read`.
        ModelFileError: see `read`; or parts are missing, misnamed or of another model.
    """
    first = read(path)
    parts = parts_of(path)
    claimed = gguf_checks.parts_claimed(path.name, first.metadata, len(parts))
    if claimed == 1:
        return first
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        named = missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more"
        raise ModelFileError(
            f"{path.name} is the first of {len(parts)} parts of a model, and {named} cannot be found beside it:"
            " download the missing parts into the same folder."
        )
    return _together(first, [read(part) for part in parts[1:]])


def _together(first: Header, others: Sequence[Header]) -> Header:
    matrices = dict(first.matrices)
    for other in others:
        for kind, size in other.matrices.items():
            matrices[kind] = matrices.get(kind, 0) + size
    quantization = max([first, *others], key=lambda header: header.parameters).quantization
    return msgspec.structs.replace(
        first, size=first.size + sum(other.size for other in others), quantization=quantization, matrices=matrices,
        tensors=first.tensors + sum(other.tensors for other in others),
        parameters=first.parameters + sum(other.parameters for other in others),
    )  # fmt: skip


class _Reader:
    """Reads the head piece by piece into memory: a mapped file that shrinks meanwhile would end the process."""

    def __init__(self, file: BinaryIO, path: Path, thorough: bool) -> None:
        self._file = file
        self._thorough = thorough
        self._arrays: dict[str, tuple[float, ...]] = {}
        self._tokens: list[bytes] = []
        self._data = bytearray()
        self._at = 0
        self._path = path
        self._size = path.stat().st_size

    def header(self) -> Header:
        if self._take(4) != MAGIC:
            raise ModelFileError(f"{self._path.name} is not a GGUF file: its first four bytes are not GGUF.")
        version = self._number("<I")
        if version not in (2, 3):
            raise ModelFileError(f"{self._path.name} is GGUF version {version}; versions 2 and 3 can be read.")
        tensors = self._count("tensors")
        metadata: dict[str, Any] = {}
        for _ in range(self._count("metadata keys")):
            key = self._text()
            gguf_checks.check_new(self._path.name, "key", key, metadata)
            metadata[key] = self._value(key, self._number("<I"))
        table = [self._tensor() for _ in range(tensors)]
        gguf_checks.check(self._path.name, metadata, self._arrays, table)
        if self._thorough:
            gguf_checks.check_vocabulary(self._path.name, metadata, self._tokens)
        self._check_length(metadata, table)
        parameters = sum(math.prod(tensor.shape) for tensor in table)
        words = metadata.get(VOCABULARY, 0)
        return Header(
            str(self._path), self._size, version, metadata, tensors, parameters, _quantization(table), self._arrays,
            _matrices(table), int(words) if isinstance(words, Items) else 0,
        )  # fmt: skip

    def _number(self, form: str) -> Any:
        data = self._take(struct.calcsize(form))
        return struct.unpack(form, data)[0]

    def _take(self, count: int) -> bytes:
        self._skip(count)
        return bytes(self._data[self._at - count : self._at])

    def _count(self, what: str) -> int:
        count = int(self._number("<Q"))
        if count > LARGEST_COUNT:
            raise ModelFileError(f"{self._path.name} is damaged: it claims {count:,} {what}. Download it again.")
        return count

    def _text(self) -> str:
        return self._take(int(self._number("<Q"))).decode(errors="replace")

    def _value(self, key: str, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array(key)
        if kind not in _SCALARS:
            raise ModelFileError(f"{self._path.name} is damaged: unknown metadata type {kind}. Download it again.")
        return self._number(_SCALARS[kind])

    def _array(self, key: str, depth: int = 0) -> Items:
        """Skip an array, unless it is short and of numbers, or is to be looked at."""
        kind, length = self._number("<I"), self._count("array items")
        if kind in _SCALARS:
            data = self._take(length * struct.calcsize(_SCALARS[kind]))
            if length <= LONGEST_ARRAY and depth == 0:
                self._arrays[key] = struct.unpack(f"<{length}{_SCALARS[kind][1]}", data)
        elif kind == _STRING:
            kept = self._skip_texts(length, self._thorough and key == VOCABULARY)
            self._tokens = kept or self._tokens
        elif kind == _ARRAY and depth < 4:
            for _ in range(length):
                self._array(key, depth + 1)
        else:
            raise ModelFileError(f"{self._path.name} is damaged: unknown array type {kind}. Download it again.")
        return Items(length, _KIND_NAMES.get(kind, "number"))

    def _skip(self, count: int) -> None:
        if not self._reaches(self._at + count):
            raise ModelFileError(
                f"{self._path.name} is truncated: its head goes beyond its {self._size:,} bytes. Download it again."
            )
        self._at += count

    def _reaches(self, position: int) -> bool:
        """Whether the file reaches to `position`; so much of it is then in memory."""
        if position > min(self._size, LARGEST_HEAD):
            return False
        if position > len(self._data):
            self._data += self._file.read(max(PIECE, position - len(self._data)))
        return position <= len(self._data)

    def _skip_texts(self, length: int, keep: bool) -> list[bytes]:
        """A vocabulary has some 150,000 of them: the loop is kept tight, and the file is read ahead of it."""
        unpack, at, last = struct.Struct("<Q").unpack_from, self._at, len(self._data) - 8
        ends = [at]
        for _ in range(length):
            if at > last:
                if not self._reaches(at + 8):
                    break
                last = len(self._data) - 8
            at += 8 + unpack(self._data, at)[0]
            if keep:
                ends.append(at)
        self._skip(at - self._at)
        return [bytes(self._data[start + 8 : end]) for start, end in itertools.pairwise(ends)]

    def _tensor(self) -> Tensor:
        name = self._text()
        dimensions = self._number("<I")
        if dimensions > 4:
            raise ModelFileError(f"{self._path.name} is damaged: tensor of rank {dimensions}. Download it again.")
        shape = tuple(int(self._number("<Q")) for _ in range(dimensions))
        return Tensor(name, shape, int(self._number("<I")), int(self._number("<Q")))

    def _check_length(self, metadata: dict[str, Any], table: Sequence[Tensor]) -> None:
        alignment = metadata.get("general.alignment", 32)
        start = math.ceil(self._at / alignment) * alignment
        needed = start + max((tensor.offset + tensor_bytes(tensor) for tensor in table), default=0)
        if needed > self._size:
            raise ModelFileError(
                f"{self._path.name} is truncated: it has {self._size:,} of {needed:,} bytes. Download it again."
            )


def _matrices(table: Sequence[Tensor]) -> dict[str, int]:
    """Bytes of the matrices by type. In embeddings one looks up, and only tied ones are multiplied with too."""
    names = {tensor.name for tensor in table}
    tied = "output.weight" not in names
    totals: dict[str, int] = {}
    for tensor in table:
        embedding = "embd" in tensor.name and not (tied and tensor.name == "token_embd.weight")
        if len(tensor.shape) >= 2 and tensor.shape[1] % 8 == 0 and not embedding:
            name = _type_name(tensor.kind)
            totals[name] = totals.get(name, 0) + tensor_bytes(tensor)
    return totals


def _type_name(kind: int) -> str:
    return BLOCKS[kind][0] if kind in BLOCKS else f"type {kind}"


def _quantization(table: Sequence[Tensor]) -> str:
    """The type that holds most of the weights."""
    totals: dict[int, int] = {}
    for tensor in table:
        totals[tensor.kind] = totals.get(tensor.kind, 0) + math.prod(tensor.shape)
    return _type_name(max(totals, key=lambda kind: totals[kind])) if totals else ""


def sampled_hash(path: Path) -> str:
    """SHA-256 over the size and 64 evenly spaced blocks of 64 KiB: tells files apart without reading gigabytes."""
    size, block, blocks = path.stat().st_size, 1 << 16, 64
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for place in range(blocks):
            file.seek(max(0, size - block) * place // (blocks - 1))
            digest.update(file.read(block))
    return f"sampled-sha256:{digest.hexdigest()}"
