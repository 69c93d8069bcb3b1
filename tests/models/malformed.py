"""Malformed GGUF files: a real one taken apart, one thing made wrong, and put together again. Nothing is loaded here.

`cases` gives them all, always the same ones: whoever finds that one of them ends a process can make it again by name.
"""

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

UINT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 6, 7, 8, 9, 10
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Key(msgspec.Struct):
    """A key of the metadata: its value as it stands in the file."""

    name: bytes
    kind: int
    value: bytes


class Tensor(msgspec.Struct):
    """A row of the table of tensors."""

    name: bytes
    shape: list[int]
    kind: int
    offset: int


class Parts(msgspec.Struct):
    """A file taken apart."""

    keys: list[Key]
    tensors: list[Tensor]
    data: bytes

    def key(self, name: str) -> Key:
        return next(key for key in self.keys if key.name.decode() == name)

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.tensors if tensor.name.decode() == name)


def apart(content: bytes) -> Parts:
    """Take a sound file apart."""
    tensors, count = struct.unpack_from("<QQ", content, 8)
    at = 24
    keys: list[Key] = []
    for _ in range(count):
        name, at = _text(content, at)
        (kind,) = struct.unpack_from("<I", content, at)
        end = _end(content, at + 4, kind)
        keys.append(Key(name, kind, content[at + 4 : end]))
        at = end
    table: list[Tensor] = []
    for _ in range(tensors):
        name, at = _text(content, at)
        (rank,) = struct.unpack_from("<I", content, at)
        shape = list(struct.unpack_from(f"<{rank}Q", content, at + 4))
        kind, offset = struct.unpack_from("<IQ", content, at + 4 + 8 * rank)
        table.append(Tensor(name, shape, kind, offset))
        at += 16 + 8 * rank
    return Parts(keys, table, content[(at + 31) // 32 * 32 :])


def together(parts: Parts) -> bytes:
    """Put a file together again."""
    head = head_pieces(parts)
    return b"".join(head) + bytes(-sum(map(len, head)) % 32) + parts.data


def head_pieces(parts: Parts) -> list[bytes]:
    """The head in the pieces that a reader takes it in: between any two of them a file may end."""
    pieces = [b"GGUF", struct.pack("<I", 3), struct.pack("<Q", len(parts.tensors)), struct.pack("<Q", len(parts.keys))]
    for key in parts.keys:
        pieces += [struct.pack("<Q", len(key.name)), key.name, struct.pack("<I", key.kind), key.value]
    for tensor in parts.tensors:
        pieces += [struct.pack("<Q", len(tensor.name)), tensor.name, struct.pack("<I", len(tensor.shape))]
        pieces += [struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape), struct.pack("<IQ", tensor.kind, tensor.offset)]
    return pieces


def text(value: str | bytes) -> bytes:
    """A text as a value."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def texts(values: list[bytes]) -> bytes:
    """An array of texts as a value."""
    return struct.pack("<IQ", STRING, len(values)) + b"".join(map(text, values))


def array_of_texts(value: bytes) -> list[bytes]:
    """The texts of an array."""
    found, at = [], 12
    for _ in range(struct.unpack_from("<Q", value, 4)[0]):
        one, at = _text(value, at)
        found.append(one)
    return found


def _text(content: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from("<Q", content, at)
    return content[at + 8 : at + 8 + length], at + 8 + length


def _end(content: bytes, at: int, kind: int) -> int:
    if kind == STRING:
        return _text(content, at)[1]
    if kind != ARRAY:
        return at + SIZES[kind]
    item, count = struct.unpack_from("<IQ", content, at)
    at += 12
    if item != STRING:
        return int(at + count * SIZES[item])
    for _ in range(count):
        at = _text(content, at)[1]
    return at


Case = tuple[str, bytes]


def cases(sound: Path) -> Iterator[Case]:
    """Every malformed file: what is wrong with it, and its bytes."""
    content = sound.read_bytes()
    for group in GROUPS:
        for name, made in group(content):
            yield f"{group.__name__}: {name}", made


def truncated(content: bytes) -> Iterator[Case]:
    """The file ends between two structures: a sample of the boundaries in the head, and every tensor's beginning."""
    parts = apart(content)
    ends, at = [], 0
    for piece in head_pieces(parts):
        at += len(piece)
        ends.append(at)
    for end in [*ends[:8], *random.Random(1).sample(ends[8:], 32)]:
        yield f"head to {end}", content[:end]
    start = len(content) - len(parts.data)
    for tensor in parts.tensors[::2]:
        yield f"data to {tensor.name.decode()}", content[: start + tensor.offset]
    yield "last byte", content[:-1]


def flipped(content: bytes) -> Iterator[Case]:
    """Some bytes are others: most of them in the scalars, some in the vocabulary and the table of tensors."""
    parts = apart(content)
    head = len(content) - len(parts.data)
    vocabulary = content.index(b"tokenizer.ggml.tokens")
    table = content.rindex(b"output_norm.weight") - 60
    for seed, (first, last) in enumerate([(4, vocabulary)] * 30 + [(vocabulary, table)] * 12 + [(table, head)] * 18):
        source, changed = random.Random(seed), bytearray(content)
        for _ in range(source.randint(1, 6)):
            changed[source.randrange(first, last)] = source.randrange(256)
        yield f"seed {seed}", bytes(changed)


NUMBERS = (
    "llama.block_count", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
    "llama.attention.head_count", "llama.attention.head_count_kv", "llama.rope.dimension_count", "llama.vocab_size",
    "general.file_type", "tokenizer.ggml.eos_token_id",
)  # fmt: skip


def impossible_numbers(content: bytes) -> Iterator[Case]:
    """A scalar that cannot be: none, one too few, odd, enormous, negative."""
    for name in NUMBERS:
        for number in (0, 3, 2**16 + 1, 2**31, 2**32 - 1):
            parts = apart(content)
            parts.key(name).value = struct.pack("<I", number)
            yield f"{name} = {number}", together(parts)
    for number in (0.0, -1.0, float("nan"), float("inf")):
        parts = apart(content)
        parts.key("llama.attention.layer_norm_rms_epsilon").value = struct.pack("<f", number)
        yield f"epsilon {number}", together(parts)
        parts = apart(content)
        parts.keys.append(Key(b"llama.rope.freq_base", FLOAT32, struct.pack("<f", number)))
        yield f"rope base {number}", together(parts)


def wrong_types(content: bytes) -> Iterator[Case]:
    """A value of another type than the key wants."""
    others = {
        "text": (STRING, text("2")), "float": (FLOAT32, struct.pack("<f", 2.0)), "flag": (BOOL, b"\1"),
        "texts": (ARRAY, texts([b"2"])),
    }  # fmt: skip
    chosen = [*NUMBERS[:6], "general.architecture", "tokenizer.ggml.model", "tokenizer.ggml.tokens"]
    for name in [*chosen, "tokenizer.ggml.token_type", "tokenizer.ggml.merges", "tokenizer.chat_template"]:
        for label, (kind, value) in others.items():
            parts = apart(content)
            parts.key(name).kind, parts.key(name).value = kind, value
            yield f"{name} as {label}", together(parts)
    for kind in (13, 99, 2**32 - 1):
        parts = apart(content)
        parts.key("general.name").kind = kind
        yield f"type {kind}", together(parts)


def missing(content: bytes) -> Iterator[Case]:
    """A key or a tensor is not there, or is there twice."""
    for name in [*NUMBERS[:7], "general.architecture", "tokenizer.ggml.tokens", "tokenizer.ggml.token_type",
                 "tokenizer.ggml.merges", "tokenizer.ggml.model"]:  # fmt: skip
        parts = apart(content)
        parts.keys.remove(parts.key(name))
        yield f"without {name}", together(parts)
    for name in ("token_embd.weight", "output_norm.weight", "blk.0.attn_k.weight"):
        parts = apart(content)
        parts.tensors.remove(parts.tensor(name))
        yield f"without {name}", together(parts)
    parts = apart(content)
    parts.keys.append(parts.key("llama.block_count"))
    yield "a key twice", together(parts)
    parts = apart(content)
    parts.tensors.append(parts.tensors[0])
    yield "a tensor twice", together(parts)
    parts = apart(content)
    parts.tensors.clear()
    yield "no tensors", together(parts)


def huge_texts(content: bytes) -> Iterator[Case]:
    """Texts that claim to be enormous, and texts that are."""
    place = content.index(b"general.name") - 8
    for length in (2**20, 2**31, 2**40, 2**63, 2**64 - 1):
        changed = bytearray(content)
        changed[place : place + 8] = struct.pack("<Q", length)
        yield f"a key of {length}", bytes(changed)
    for name in ("general.name", "general.architecture", "tokenizer.chat_template", "tokenizer.ggml.model"):
        parts = apart(content)
        parts.key(name).value = text(b"x" * 5_000_000)
        yield f"{name} of 5 MB", together(parts)
    parts = apart(content)
    parts.tensors[0].name = b"y" * 5_000
    yield "a tensor's name of 5 kB", together(parts)
    parts = apart(content)
    parts.key("general.name").value = text(b"\xff\xfe\0\x80" * 20)
    yield "a name of no characters", together(parts)


def tensors_astray(content: bytes) -> Iterator[Case]:
    """Tensors that overlap, lie elsewhere, or are of another type or shape than the architecture wants."""
    for label, offset in (("overlap", 0), ("astray", 2**40), ("negative", 2**64 - 32), ("not aligned", 33)):
        for name in ("blk.0.attn_q.weight", "output_norm.weight"):
            parts = apart(content)
            parts.tensor(name).offset = offset
            yield f"{name} {label}", together(parts)
    for kind in (0, 1, 2, 4, 9, 12, 24, 28, 31, 39, 41, 1000, 2**32 - 1):
        parts = apart(content)
        parts.tensor("blk.0.ffn_down.weight").kind = kind
        yield f"of type {kind}", together(parts)
    shapes: list[list[int]] = [
        [], [0], [0, 0], [0, 128], [128, 0], [1, 128], [2**31, 2], [2**62, 8], [2**63, 2], [2**64 - 1, 1],
        [128, 128, 128], [128, 128, 1, 1], [128, 128, 1, 1, 1], [96, 128], [64, 256],
    ]  # fmt: skip
    for shape in shapes:
        for name in ("blk.0.attn_q.weight", "token_embd.weight"):
            parts = apart(content)
            parts.tensor(name).shape = shape
            yield f"{name} of shape {shape}", together(parts)


def vocabularies(content: bytes) -> Iterator[Case]:
    """Vocabularies that do not fit the rest of the file."""
    words = array_of_texts(apart(content).key("tokenizer.ggml.tokens").value)
    changes: dict[str, list[bytes]] = {
        "none": [], "one": words[:1], "short": words[:-9], "long": words + [b"more%d" % n for n in range(300)],
        "all alike": [b"a"] * len(words), "all empty": [b""] * len(words), "no characters": [b"\xff\xc0"] * len(words),
        "one enormous": [b"z" * 300_000, *words[1:]],
    }  # fmt: skip
    for label, tokens in changes.items():
        parts = apart(content)
        parts.key("tokenizer.ggml.tokens").value = texts(tokens)
        yield f"tokens: {label}", together(parts)
    for label, merges in {"none": [], "no pairs": [b"abc"] * 9, "unknown": [b"\xff \xfe"] * 9, "empty": [b""]}.items():
        parts = apart(content)
        parts.key("tokenizer.ggml.merges").value = texts(merges)
        yield f"merges: {label}", together(parts)
    for kind in (-1, 0, 2, 3, 6, 77):
        parts = apart(content)
        parts.key("tokenizer.ggml.token_type").value = struct.pack("<IQ", 5, len(words)) + struct.pack(
            f"<{len(words)}i", *[kind] * len(words)
        )
        yield f"all of kind {kind}", together(parts)
    for model in ("", "nothing", "llama", "bert", "t5", "rwkv", "none", "plamo2"):
        parts = apart(content)
        parts.key("tokenizer.ggml.model").value = text(model)
        yield f"tokenizer {model!r}", together(parts)
    for claimed in (2**20, 2**24 + 1, 2**40, 2**63):
        parts = apart(content)
        value = bytearray(parts.key("tokenizer.ggml.tokens").value)
        value[4:12] = struct.pack("<Q", claimed)
        parts.key("tokenizer.ggml.tokens").value = bytes(value)
        yield f"{claimed} tokens claimed", together(parts)


ARCHITECTURES = (
    "gpt2", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "mamba", "rwkv6", "bert", "t5", "clip", "deepseek2", "jamba",
    "falcon", "bloom", "mpt", "no such thing",
)  # fmt: skip


def architectures(content: bytes) -> Iterator[Case]:
    """A file that says it is of another architecture: its keys renamed, its tensors as they were."""
    for architecture in ARCHITECTURES:
        parts = apart(content)
        parts.key("general.architecture").value = text(architecture)
        for key in parts.keys:
            key.name = key.name.replace(b"llama.", architecture.encode() + b".")
        yield architecture, together(parts)


TEMPLATES = {
    "endless": "{% for a in range(10**9) %}{% for b in range(10**9) %}{% endfor %}{% endfor %}",
    "recursive": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "enormous": "{{ 'a' * 10**10 }}",
    "growing": "{% set n = namespace(a='a') %}{% for i in range(60) %}{% set n.a = n.a + n.a %}{% endfor %}{{ n.a }}",
    "power": "{{ 9**9**9 }}",
    "reaching out": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "importing": "{% import 'os' as os %}{{ os.system('true') }}",
    "including": "{% include '/etc/passwd' %}",
    "no end": "{% for m in messages %}",
    "no sense": "{{ }}{% %}",
    "undefined": "{{ nothing.at.all }}",
    "raising": "{{ raise_exception('I do not want to') }}",
    "empty": "",
    "silent": "{# nothing #}",
}


def templates(content: bytes) -> Iterator[Case]:
    """Chat templates that loop, grow, reach out or fail."""
    for label, template in TEMPLATES.items():
        parts = apart(content)
        parts.key("tokenizer.chat_template").value = text(template)
        yield label, together(parts)


GROUPS: tuple[Callable[[bytes], Iterator[Case]], ...] = (
    truncated, flipped, impossible_numbers, wrong_types, missing, huge_texts, tensors_astray, vocabularies,
    architectures, templates,
)  # fmt: skip
