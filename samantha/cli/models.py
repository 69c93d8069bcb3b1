"""`samantha models`: what can be used. Loading and downloading are not here."""

import sys
from typing import Any

import msgspec

from samantha.cli.tables import size, table
from samantha.models import library

DESCRIPTION = ""
USAGE = "samantha models [OPTIONS]"


class Listed(msgspec.Struct, frozen=True):
    """A model in the list. Sizes are bytes, `n_ctx` is in tokens; `problem` says why it cannot be used."""

    name: str
    path: str
    architecture: str = ""
    quantization: str = ""
    size: int = 0
    parameters: int = 0
    n_ctx: int = 0
    problem: str = ""


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="Print each model as a line of JSON.")


def execute(arguments: Any) -> int:
    """Print the list."""
    models = [_listed(model) for model in library.models()]
    if arguments.json:
        for model in models:
            print(msgspec.json.encode(model).decode())
        return 0
    if usable := [_row(model) for model in models if not model.problem]:
        print(table([("NAME", "ARCHITECTURE", "WEIGHTS", "PARAMETERS", "CONTEXT", "SIZE"), *usable]))
    for model in models:
        if model.problem:
            print(f"{model.name}: {model.problem}", file=sys.stderr)
    print(f"\n{library.TINY_NOTE}\nFolders that are looked into: {', '.join(map(str, library.folders()))}.")
    return 0


def _listed(model: library.ModelFile) -> Listed:
    header = model.header
    if header is None:
        return Listed(model.name, str(model.path), problem=model.problem)
    return Listed(
        model.name, str(model.path), header.architecture, header.quantization, header.size, header.parameters,
        header.n_ctx_train,
    )  # fmt: skip


def _row(model: Listed) -> tuple[str, ...]:
    context = str(model.n_ctx) if model.n_ctx else "?"
    parameters = f"{model.parameters / 1e9:.1f} B" if model.parameters >= 1e9 else f"{model.parameters / 1e6:.1f} M"
    return model.name, model.architecture, model.quantization, parameters, context, size(model.size)
