"""The head of a GGUF file, read and bounds-checked in plain Python before any native code sees the file.

It reads metadata and the table of tensors, never the weights, and skips the vocabulary without building it.
Source: the GGUF specification (ggml, version 3).
"""

import hashlib
import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from samantha.errors import ModelFileError, ModelNotFound

MAGIC = b"GGUF"
LARGEST_COUNT = 1 << 24
"""No real file has more keys, tensors or array items than this; a damaged one soon does."""

LARGEST_HEAD = 1 << 28
"""Bytes; the heads of real files have some ten million."""

PIECE = 1 << 20
"""Bytes read at a time."""

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

BLOCKS: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
"""ggml type to (name, weights in a block, bytes of a block)."""


class Items(int):
    """How many items an array of the metadata has: arrays are skipped, not kept."""


class Header(msgspec.Struct, frozen=True):
    """What the head of a file says. `metadata` holds scalars and texts; arrays appear as their length, an `Items`."""

    path: str
    size: int
    version: int
    metadata: dict[str, Any]
    tensors: int
    parameters: int
    quantization: str

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


def read(path: Path) -> Header:
    """The head of a GGUF file.

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
            return _Reader(file, path).header()
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read ({error.strerror or error}).") from error


class _Reader:
    """Reads the head piece by piece into memory: a mapped file that shrinks meanwhile would end the process."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
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
        metadata = {self._text(): self._value(self._number("<I")) for _ in range(self._count("metadata keys"))}
        table = [self._tensor() for _ in range(tensors)]
        self._check(metadata, table)
        parameters = sum(math.prod(shape) for shape, _, _ in table)
        return Header(
            str(self._path), self._size, version, metadata, tensors, parameters, _quantization(table)
        )

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

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return Items(self._skip_array())
        if kind not in _SCALARS:
            raise ModelFileError(f"{self._path.name} is damaged: unknown metadata type {kind}. Download it again.")
        return self._number(_SCALARS[kind])

    def _skip_array(self, depth: int = 0) -> int:
        kind, length = self._number("<I"), self._count("array items")
        if kind in _SCALARS:
            self._skip(length * struct.calcsize(_SCALARS[kind]))
        elif kind == _STRING:
            self._skip_texts(length)
        elif kind == _ARRAY and depth < 4:
            for _ in range(length):
                self._skip_array(depth + 1)
        else:
            raise ModelFileError(f"{self._path.name} is damaged: unknown array type {kind}. Download it again.")
        return length

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

    def _skip_texts(self, length: int) -> None:
        """A vocabulary has some 150,000 of them: the loop is kept tight, and the file is read ahead of it."""
        unpack, at, last = struct.Struct("<Q").unpack_from, self._at, len(self._data) - 8
        for _ in range(length):
            if at > last:
                if not self._reaches(at + 8):
                    break
                last = len(self._data) - 8
            at += 8 + unpack(self._data, at)[0]
        self._skip(at - self._at)

    def _tensor(self) -> tuple[tuple[int, ...], int, int]:
        """Shape, ggml type and offset of one tensor."""
        self._text()
        dimensions = self._number("<I")
        if dimensions > 4:
            raise ModelFileError(f"{self._path.name} is damaged: tensor of rank {dimensions}. Download it again.")
        shape = tuple(int(self._number("<Q")) for _ in range(dimensions))
        return shape, int(self._number("<I")), int(self._number("<Q"))

    def _check(self, metadata: dict[str, Any], table: list[tuple[tuple[int, ...], int, int]]) -> None:
        """What llama.cpp itself aborts on or takes in silence."""
        architecture = metadata.get("general.architecture")
        if not isinstance(architecture, str) or not architecture:
            raise ModelFileError(f"{self._path.name} names no architecture: it holds no language model.")
        layers = metadata.get(f"{architecture}.block_count", 1)
        if not isinstance(layers, int) or not 0 < layers <= 512:
            raise ModelFileError(f"{self._path.name} is damaged: {layers} layers. Download it again.")
        self._check_length(metadata, table)

    def _check_length(self, metadata: dict[str, Any], table: list[tuple[tuple[int, ...], int, int]]) -> None:
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0:
            raise ModelFileError(f"{self._path.name} is damaged: alignment {alignment}. Download it again.")
        start = math.ceil(self._at / alignment) * alignment
        needed = start + max((offset + _bytes(shape, kind) for shape, kind, offset in table), default=0)
        if needed > self._size:
            raise ModelFileError(
                f"{self._path.name} is truncated: it has {self._size:,} of {needed:,} bytes. Download it again."
            )


def _bytes(shape: tuple[int, ...], kind: int) -> int:
    """Bytes of a tensor; 0 for a type this table does not know, which llama.cpp then judges."""
    if kind not in BLOCKS:
        return 0
    _, weights, size = BLOCKS[kind]
    return math.prod(shape) // weights * size


def _quantization(table: list[tuple[tuple[int, ...], int, int]]) -> str:
    """The type that holds most of the weights."""
    totals: dict[int, int] = {}
    for shape, kind, _ in table:
        totals[kind] = totals.get(kind, 0) + math.prod(shape)
    if not totals:
        return ""
    largest = max(totals, key=lambda kind: totals[kind])
    return BLOCKS[largest][0] if largest in BLOCKS else f"type {largest}"


def sampled_hash(path: Path) -> str:
    """SHA-256 over the size and 64 evenly spaced blocks of 64 KiB: tells files apart without reading gigabytes."""
    size, block, blocks = path.stat().st_size, 1 << 16, 64
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for place in range(blocks):
            file.seek(max(0, size - block) * place // (blocks - 1))
            digest.update(file.read(block))
    return f"sampled-sha256:{digest.hexdigest()}"
