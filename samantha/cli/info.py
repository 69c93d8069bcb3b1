"""`samantha info`: what a model file says of itself. Its head is read in plain Python; no model is loaded."""

import re
from pathlib import Path
from typing import Any

import msgspec

from samantha.cli.code_report import harmless, on_one_line
from samantha.cli.tables import size, table
from samantha.errors import ModelError
from samantha.models import gguf, library
from samantha.models.gguf_checks import Items

DESCRIPTION = """\
What a model file says of itself: architecture, parameters, quantization, context window, vocabulary, chat template.
MODEL is a name that `samantha models` lists, or a path; without it, Samantha Tiny. Nothing is loaded."""
USAGE = "samantha info [MODEL] [OPTIONS]"

TEMPLATE = "tokenizer.chat_template"
LONGEST = 100
"""Characters of a value in a list."""

TOKENIZERS = {
    "gpt2": "byte-pair encoding (bpe)", "llama": "SentencePiece (spm)", "bert": "WordPiece (wpm)",
    "t5": "unigram (ugm)", "no_vocab": "none",
}  # fmt: skip


class Info(msgspec.Struct, frozen=True):
    """A model file in short; `metadata` is every key, arrays as their length. Sizes are bytes, contexts tokens.

    `files` is how many files the model is split into; the sums are of those that are there.
    """

    name: str
    path: str
    title: str
    architecture: str
    parameters: int
    quantization: str
    size: int
    files: int
    gguf_version: int
    tensors: int
    n_ctx_train: int
    layers: int
    embedding: int
    vocabulary: int
    tokenizer: str
    template: str
    metadata: dict[str, Any]


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("model", nargs="?", default=library.TINY, metavar="MODEL", help="A name or a path.")
    parser.add_argument("--all", action="store_true", help="Every key of the file's metadata.")
    parser.add_argument("--template", action="store_true", help="Only the chat template, whole.")
    parser.add_argument("--json", action="store_true", help="One object of JSON with all of it.")


def execute(arguments: Any) -> int:
    """Print what the file says."""
    found = library.find(arguments.model)
    info = described(found.name, found.path)
    if arguments.json:
        print(msgspec.json.encode(info, enc_hook=int).decode())
    elif arguments.template:
        print(harmless(info.template) or f"{info.name} has no chat template.")
    else:
        print(table(_short(info)))
        if arguments.all:
            print("\n" + table([(on_one_line(key), _value(value)) for key, value in info.metadata.items()]))
    return 0


def described(name: str, path: Path) -> Info:
    """The head of a model's file, and of the others where it is split.

    Raises:
        ModelNotFound, ModelFileError: it cannot be read, or is damaged.
    """
    header = gguf.read(path)
    parts = [header, *map(gguf.read, _other_parts(path))]
    about, architecture = header.metadata, header.architecture
    return Info(
        name=name, path=str(path), title=header.name, architecture=architecture,
        parameters=sum(part.parameters for part in parts), quantization=header.quantization,
        size=sum(part.size for part in parts), files=_whole(about.get("split.count")) or 1,
        gguf_version=header.version, tensors=sum(part.tensors for part in parts),
        n_ctx_train=_whole(about.get(f"{architecture}.context_length")),
        layers=_whole(about.get(f"{architecture}.block_count")),
        embedding=_whole(about.get(f"{architecture}.embedding_length")),
        vocabulary=_whole(about.get("tokenizer.ggml.tokens")), tokenizer=str(about.get("tokenizer.ggml.model", "")),
        template=str(about.get(TEMPLATE, "")), metadata=about,
    )  # fmt: skip


def _other_parts(path: Path) -> list[Path]:
    found = re.fullmatch(r"(.*)-00001-of-(\d{5})\.gguf", path.name)
    if not found or int(found[2]) > 1000:
        return []
    paths = [path.with_name(f"{found[1]}-{part:05}-of-{found[2]}.gguf") for part in range(2, int(found[2]) + 1)]
    missing = [part.name for part in paths if not part.exists()]
    if missing:
        raise ModelError(f"{path.name} is split into {found[2].lstrip('0')} files and {missing[0]} is missing.")
    return paths


def _short(info: Info) -> list[tuple[str, str]]:
    tokenizer = TOKENIZERS.get(info.tokenizer, info.tokenizer) or "no tokenizer"
    rows = [
        ("name", f"{info.name} ({info.title})" if info.title and info.title != info.name else info.name),
        ("file", info.path + (f" and {info.files - 1} more" if info.files > 1 else "")),
        ("architecture", info.architecture),
        ("parameters", f"{info.parameters:,} in {info.tensors} tensors"),
        ("quantization", info.quantization),
        ("size", f"{size(info.size)}, GGUF version {info.gguf_version}"),
        ("context window", f"{info.n_ctx_train:,} tokens" if info.n_ctx_train else "the file does not say"),
        ("layers", f"{info.layers}, embeddings of {info.embedding:,}" if info.layers else "the file does not say"),
        ("vocabulary", f"{info.vocabulary:,} tokens, {tokenizer}"),
        ("chat template", f"{len(info.template):,} characters" if info.template else "none"),
    ]
    return [(name, on_one_line(value)) for name, value in rows]


def _value(value: Any) -> str:
    if isinstance(value, Items):
        return f"{value:,} items"
    text = on_one_line(str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
