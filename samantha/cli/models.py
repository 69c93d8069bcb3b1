"""`samantha models`: what can be used, whether it fits, where it is looked for, and deleting. It loads nothing."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from samantha import settings
from samantha.cli.parsing import whole_number
from samantha.cli.tables import size, table
from samantha.errors import ChainError
from samantha.hyperparameters import DEFAULTS
from samantha.models import library, memory
from samantha.models.model import LoadOptions

DESCRIPTION = """\
The models that can be used: Samantha Tiny, and the .gguf files in the model folders.

  samantha models [list]             each with its size, the memory it needs at --n_ctx, and whether it fits
  samantha models folders            where models are looked for; --add and --remove change that
  samantha models delete NAME ...    delete the files of models"""
USAGE = "samantha models [list | folders | delete NAME ...] [OPTIONS]"

FITS = {"yes": "yes", "tight": "other programs closed", "no": "no"}


class Listed(msgspec.Struct, frozen=True):
    """A model in the list. Sizes are bytes, `n_ctx` is what it was trained for, in tokens.

    `needed` is the memory at the context window that was asked for, `fits` one of yes, tight, no. `problem` says why a
    file cannot be used; then nothing else is known of it.
    """

    name: str
    path: str
    architecture: str = ""
    quantization: str = ""
    size: int = 0
    parameters: int = 0
    n_ctx: int = 0
    needed: int = 0
    fits: str = ""
    program: str = ""
    copies: tuple[str, ...] = ()
    problem: str = ""


class Folder(msgspec.Struct, frozen=True):
    """A folder that is looked into; `program` is whose it is, "" for the user's own."""

    path: str
    program: str
    there: bool


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("action", nargs="?", choices=tuple(ACTIONS), default="list", help="What to do (default list).")
    parser.add_argument("what", nargs="*", metavar="NAME", help="With delete: the models.")
    parser.add_argument(
        "--n_ctx", type=whole_number, default=DEFAULTS.n_ctx, metavar="TOKENS",
        help=f"The context window that the memory is estimated for (default {DEFAULTS.n_ctx}; 0: the model's own).",
    )  # fmt: skip
    programs = ", ".join(library.PROGRAMS)
    parser.add_argument(
        "--add", action="append", default=[], metavar="FOLDER",
        help=f"With folders: look there too; a folder, or one of {programs}.",
    )  # fmt: skip
    parser.add_argument(
        "--remove", action="append", default=[], metavar="FOLDER", help="With folders: do not look there any more."
    )
    parser.add_argument("--json", action="store_true", help="Print each model or folder as a line of JSON.")
    parser.add_argument("--yes", action="store_true", help="With delete: do not ask.")


def execute(arguments: Any) -> int:
    """Do what was asked."""
    if arguments.what and arguments.action != "delete":
        raise ChainError(f"{arguments.what[0]} is not needed here: samantha models {arguments.action} takes no name.")
    return ACTIONS[arguments.action](arguments)


def listed(model: library.ModelFile, n_ctx: int) -> Listed:
    """A row of the list."""
    header, copies = model.header, tuple(map(str, model.copies))
    if header is None:
        return Listed(model.name, str(model.path), program=model.program, copies=copies, problem=model.problem)
    found = memory.verdict(header, LoadOptions(n_ctx=n_ctx))
    return Listed(
        model.name, str(model.path), header.architecture, header.quantization, header.size, header.parameters,
        header.n_ctx_train, found.estimate.needed, found.fit, model.program, copies,
    )  # fmt: skip


def _list(arguments: Any) -> int:
    models = [listed(model, max(0, arguments.n_ctx)) for model in library.models()]
    if arguments.json:
        _print_json(models)
        return 0
    if usable := [_row(model) for model in models if not model.problem]:
        head = ("NAME", "ARCHITECTURE", "WEIGHTS", "PARAMETERS", "CONTEXT", "SIZE", "NEEDS", "FITS")
        print(table([head, *usable]))
    for model in models:
        if model.problem:
            print(f"{model.name}: {model.problem}", file=sys.stderr)
    there = memory.memory()
    window = f"with a context window of {arguments.n_ctx} tokens" if arguments.n_ctx > 0 else "with its own context"
    print(f"\nNEEDS is the memory of a model {window}; {size(there.available)} of {size(there.total)} are free.")
    print(f"{library.TINY_NOTE}\nFolders that are looked into: {', '.join(map(str, library.folders()))}.")
    return 0


def _row(model: Listed) -> tuple[str, ...]:
    context = str(model.n_ctx) if model.n_ctx else "?"
    parameters = f"{model.parameters / 1e9:.1f} B" if model.parameters >= 1e9 else f"{model.parameters / 1e6:.1f} M"
    return (
        model.name, model.architecture, model.quantization, parameters, context, size(model.size), size(model.needed),
        FITS[model.fits],
    )  # fmt: skip


def _folders(arguments: Any) -> int:
    if arguments.add or arguments.remove:
        _change(arguments.add, arguments.remove)
    places = [Folder(str(place.folder), place.program, place.folder.is_dir()) for place in library.places()]
    if arguments.json:
        _print_json(places)
        return 0
    rows = [(place.path, place.program or "your own", "there" if place.there else "not there") for place in places]
    print(table([("FOLDER", "WHOSE", ""), *rows]))
    absent = [program for program in library.PROGRAMS if program not in settings.load().model_caches]
    if absent:
        print(f"\nOn request (--add NAME) also the models of: {', '.join(absent)}.")
    return 0


def _change(added: list[str], removed: list[str]) -> None:
    """Keep the folders and programs that are chosen from now on.

    Raises:
        ChainError: a folder that is not there, or was not chosen.
    """
    from pathlib import Path

    kept = settings.load()
    folders = list(kept.model_folders)
    programs = list(kept.model_caches)
    for name in added:
        if program := _program(name):
            programs += [program] * (program not in programs)
            continue
        folder = Path(name).expanduser().absolute()
        if not folder.is_dir():
            raise ChainError(f"{folder} is no folder: make it first, or name one of {', '.join(library.PROGRAMS)}.")
        folders = folders or [str(settings.downloads_folder())]
        folders += [str(folder)] * (str(folder) not in folders)
    for name in removed:
        place = _program(name) or name
        chosen = programs if place in programs else folders
        spelled = next((one for one in chosen if one == place or Path(one) == Path(name).expanduser().absolute()), None)
        if spelled is None:
            raise ChainError(f"{name} is not among the chosen folders: `samantha models folders` shows them.")
        chosen.remove(spelled)
    settings.save(msgspec.structs.replace(kept, model_folders=tuple(folders), model_caches=tuple(programs)))


def _program(name: str) -> str:
    """The program of that name, however it is spelled; "" when it is none."""
    plain = name.lower().replace(" ", "").replace("_", "").replace("-", "")
    return next((program for program in library.PROGRAMS if program.lower().replace(" ", "") == plain), "")


def _delete(arguments: Any) -> int:
    if not arguments.what:
        raise ChainError("Which model? samantha models delete NAME.")
    found = [library.find(name) for name in arguments.what]
    question = f"Delete {', '.join(str(file) for model in found for file in model.files)}? [y/N] "
    if not arguments.yes and not _agreed(question):
        print("Nothing was deleted.", file=sys.stderr)
        return 1
    for name in arguments.what:
        gone = library.delete(name)
        files = f"{len(gone.paths)} files" if len(gone.paths) > 1 else str(gone.paths[0])
        print(f"{name}: deleted {files}, {size(gone.freed)} are free now.")
        if gone.copies:
            print(f"  Copies are still there: {', '.join(map(str, gone.copies))}.")
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print_json(rows: list[Any]) -> None:
    for row in rows:
        print(msgspec.json.encode(row).decode())


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {"list": _list, "folders": _folders, "delete": _delete}
"""What can be done, and by what."""
