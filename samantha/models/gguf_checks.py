"""What the head of a GGUF file must say, so that llama.cpp neither aborts on it nor takes it in silence. Reads nothing.

Every check is of something that was seen to end a process, or that llama.cpp refuses in words only its makers know.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from samantha.errors import ModelFileError

BLOCKS: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip
"""ggml type to (name, weights in a block, bytes of a block), as in llama.cpp of llama-cpp-python 0.3.36."""

NOT_WEIGHTS = {9: "Q8_1", 15: "Q8_K", 24: "I8", 25: "I16", 27: "I64", 28: "F64"}
"""Types that no weights are stored in: llama.cpp has no arithmetic for such matrices and crashes on them."""

LONGEST_NAME = 63
"""Bytes of a tensor's name."""

MOST_LAYERS = 512
LARGEST = (1 << 31) - 1
LONGEST_CONTEXT = 1 << 30
"""Tokens. With 2^31, llama.cpp computed for a minute and a half before it failed."""

REQUIRED = ("block_count", "context_length", "embedding_length")
NUMBERS = (
    *REQUIRED, "feed_forward_length", "attention.head_count", "attention.head_count_kv", "attention.key_length",
    "attention.value_length", "rope.dimension_count", "vocab_size", "expert_count", "expert_used_count",
)  # fmt: skip
"""Keys of an architecture that hold a whole number, or one for each layer."""

OTHER_FILES = {
    "clip": "it is the part of a model that sees or hears (mmproj), not a language model: choose the other file",
    "adapter": "it is an adapter (LoRA), not a model: choose the model that it belongs to",
    "imatrix": "it holds statistics for quantizing (imatrix), not a model: choose another file",
}


class Items(int):
    """How many items an array of the metadata has: arrays are skipped, not kept. `kind`: number, text or array."""

    def __new__(cls, length: int, kind: str = "number") -> "Items":
        """An array of that length."""
        made = super().__new__(cls, length)
        made.kind = kind
        return made

    kind: str


class Tensor(NamedTuple):
    """A row of the table of tensors: `kind` is the ggml type, `offset` counts from the beginning of the data."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes of a tensor; 0 for a type this table does not know, which llama.cpp then judges."""
    if tensor.kind not in BLOCKS:
        return 0
    _, weights, size = BLOCKS[tensor.kind]
    return math.prod(tensor.shape) // weights * size


def check(
    file: str, metadata: Mapping[str, Any], arrays: Mapping[str, Sequence[float]], table: Sequence[Tensor]
) -> None:
    """Refuse a head that cannot be that of a language model.

    Raises:
        ModelFileError: what is wrong with it.
    """
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or alignment <= 0 or alignment & (alignment - 1):
        raise damaged(file, f"alignment {alignment!r:.40}")
    if not metadata.get("split.no"):
        _check_architecture(file, metadata, arrays)
    _check_table(file, table, alignment)


def check_new(file: str, what: str, name: str, known: Collection[str]) -> None:
    """Refuse a name that is there already, or is too long to be one."""
    if name in known:
        raise damaged(file, f"the {what} {name!r:.80} is there twice")
    if len(name) > 65535:
        raise damaged(file, f"the name of a {what} has {len(name):,} characters")


def parts_claimed(file: str, metadata: Mapping[str, Any], named: int) -> int:
    """How many parts a split model has, by its head and its name, which must agree; 1 for a whole model.

    Raises:
        ModelFileError: they do not agree, or it is not the first part.
    """
    claimed, number = metadata.get("split.count", 0), metadata.get("split.no", 0)
    if type(claimed) is not int or type(number) is not int or claimed <= 1:
        return 1
    if claimed != named:
        raise ModelFileError(
            f"{file} is one of {claimed} parts of a model, which its name does not say: give all parts their own names"
            f" back (NAME-00001-of-{claimed:05d}.gguf and so on)."
        )
    if number != 0:
        raise ModelFileError(f"{file} is part {number + 1} of {claimed} of a model: choose the first one.")
    return claimed


def check_vocabulary(file: str, metadata: Mapping[str, Any], tokens: Sequence[bytes]) -> None:
    """Refuse a vocabulary that llama.cpp aborts on.

    Raises:
        ModelFileError: what is wrong with it.
    """
    texts = [token for token in tokens if token]  # llama.cpp gives the empty ones names of their own
    twice = len(texts) - len(set(texts))
    if twice:
        raise damaged(file, f"{twice:,} tokens of its vocabulary are there twice")
    if metadata.get("tokenizer.ggml.model") == "llama" and not {b"<0x0A>", b"\n"} & set(texts):
        raise damaged(file, "its vocabulary has no token for the end of a line, as a SentencePiece one must")


def damaged(file: str, what: str) -> ModelFileError:
    """The refusal of a file."""
    return ModelFileError(f"{file} is damaged: {what}. Download it again.")


def _check_architecture(file: str, metadata: Mapping[str, Any], arrays: Mapping[str, Sequence[float]]) -> None:
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not 0 < len(architecture) < 100:
        raise ModelFileError(f"{file} names no architecture: it holds no language model.")
    for kind in (architecture, metadata.get("general.type")):
        if isinstance(kind, str) and kind in OTHER_FILES:
            raise ModelFileError(f"{file} cannot be talked to: {OTHER_FILES[kind]}.")
    _check_numbers(file, metadata, arrays, architecture)
    layers = metadata[f"{architecture}.block_count"]
    if not 0 < layers <= MOST_LAYERS:
        raise damaged(file, f"{layers:,} layers")
    context = metadata[f"{architecture}.context_length"]
    if not 0 < context <= LONGEST_CONTEXT:
        raise damaged(file, f"a context window of {context:,} tokens")
    _check_tokenizer(file, metadata)


def _check_numbers(
    file: str, metadata: Mapping[str, Any], arrays: Mapping[str, Sequence[float]], architecture: str
) -> None:
    for name in NUMBERS:
        key = f"{architecture}.{name}"
        if name in REQUIRED and key not in metadata:
            raise ModelFileError(f"{file} is no language model: its head does not say its {name}.")
        for value in arrays.get(key, ()) if isinstance(metadata.get(key), Items) else (metadata.get(key, 0),):
            if type(value) is not int or not 0 <= value <= LARGEST:
                raise damaged(file, f"{key} is {value!r:.40}")
        if name in REQUIRED and isinstance(metadata[key], Items):
            raise damaged(file, f"{key} is a list")
    for key, value in metadata.items():
        if isinstance(value, float) and (not math.isfinite(value) or (key.endswith("epsilon") and value < 0)):
            raise damaged(file, f"{key:.80} is {value}")


def _check_tokenizer(file: str, metadata: Mapping[str, Any]) -> None:
    model = metadata.get("tokenizer.ggml.model")
    if not isinstance(model, str) or model in ("", "none", "no_vocab"):
        raise ModelFileError(f"{file} has no vocabulary, so it can read and write no text: choose another file.")
    if len(model) > 100:
        raise damaged(file, f"the name of its tokenizer has {len(model):,} characters")
    for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges"):
        value = metadata.get(key)
        wanted = isinstance(value, Items) and (value.kind == "text" or not value)
        if not wanted and (value is not None or key.endswith("tokens")):
            raise damaged(file, f"{key} is no list of texts")
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        value = metadata.get(key)
        if value is not None and not (isinstance(value, Items) and value.kind == "number"):
            raise damaged(file, f"{key} is no list of numbers")
        if value is not None and value < metadata["tokenizer.ggml.tokens"]:
            raise damaged(file, f"{key} has {value:,} items for {metadata['tokenizer.ggml.tokens']:,} tokens")
    if not isinstance(metadata.get("tokenizer.chat_template", ""), str):
        raise damaged(file, "its chat template is no text")


def _check_table(file: str, table: Sequence[Tensor], alignment: int) -> None:
    """Every tensor follows the one before it, as ggml demands; types that are unknown here end the looking."""
    names: set[str] = set()
    expected = 0
    for tensor in table:
        check_new(file, "tensor", tensor.name, names)
        names.add(tensor.name)
        _check_tensor(file, tensor)
        if tensor.kind not in BLOCKS:
            return
        if tensor.offset != expected:
            raise damaged(file, f"the tensor {tensor.name} lies at {tensor.offset:,} and should at {expected:,}")
        expected += math.ceil(tensor_bytes(tensor) / alignment) * alignment


def _check_tensor(file: str, tensor: Tensor) -> None:
    name = f"the tensor {tensor.name:.80}"
    if len(tensor.name.encode()) > LONGEST_NAME:
        raise damaged(file, f"{name} has a name of {len(tensor.name):,} characters")
    if not all(0 < length < 1 << 62 for length in tensor.shape):
        raise damaged(file, f"{name} has the shape {list(tensor.shape)}")
    if tensor.kind in NOT_WEIGHTS:
        raise damaged(file, f"{name} is of the type {NOT_WEIGHTS[tensor.kind]}, which no weights are stored in")
    if tensor.kind == 26 and tensor.name.startswith("blk.") and tensor.name.endswith((
        "ffn_up.weight", "ffn_down.weight", "ffn_gate.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight"
    )):  # fmt: skip
        raise damaged(file, f"{name} holds whole numbers")
    block = BLOCKS[tensor.kind][1] if tensor.kind in BLOCKS else 1
    if (tensor.shape[0] if tensor.shape else 1) % block:
        raise damaged(file, f"{name} has rows that are no multiple of {block}, as its type needs")
