"""`samantha download`: fetch models, list those of a repository, search the hub. The work is done by `models/hub`."""

import argparse
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from samantha.cli.interruption import stopped_by_interrupt
from samantha.cli.parsing import whole_number
from samantha.cli.reading import standard_input
from samantha.cli.tables import duration, size, table
from samantha.errors import ChainError, DownloadCancelled, DownloadError, HostNotConfirmed
from samantha.models import hub, library

DESCRIPTION = """\
Fetch models from the Hugging Face hub (or from an https link of a host that you confirmed) as files of yours.

  samantha download user/repo                 its Q4_K_M file
  samantha download user/repo:Q8_0            another quantization
  samantha download LINK ...                  links of pages or files, as they are copied
  samantha download links.txt                 a list of them; `---` before one leaves it out
  samantha download --list user/repo          what there is, and what fits your memory
  samantha download --search llama 3b         look for models

What was stopped or cut goes on where it was when the same command is given again. A file counts only when its size
and SHA-256 are those that the hub vouches for. For gated and private repositories: `hf auth login` or HF_TOKEN."""
USAGE = "samantha download LINK ... [--to FOLDER] [OPTIONS]"


class Done(msgspec.Struct, frozen=True):
    """How a link ended, for `--json`."""

    asked: str
    path: str = ""
    problem: str = ""


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument(
        "links", nargs="*", metavar="LINK", help="Links, names, files with a list; - is standard input."
    )
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, help="Where to put the files (default: the models folder)."
    )
    parser.add_argument("--testing", action="store_true", help="Keep it as MODEL_FOR_TESTING.gguf, until the next one.")
    parser.add_argument("--list", action="store_true", help="List the models of the repositories, fetch nothing.")
    parser.add_argument("--search", action="store_true", help="Search the hub for the words given, fetch nothing.")
    parser.add_argument("--family", default="", metavar="NAME", help="With --search: llama, qwen, gemma, phi ...")
    parser.add_argument("--quantization", default="", metavar="NAME", help="With --list and --search: only these.")
    parser.add_argument("--largest", type=_billions, metavar="B", help="With --search: billions of parameters at most.")
    parser.add_argument("--limit", type=whole_number, default=20, metavar="N", help="With --search: how many (20).")
    parser.add_argument("--confirm", action="append", default=[], metavar="HOST", help="Trust this host from now on.")
    parser.add_argument("--json", action="store_true", help="Lines of JSON: progress and results, or the list.")


def _billions(text: str) -> float:
    try:
        value = float(text.lower().removesuffix("b"))
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of billions, as in 7 or 0.6")
    return value


def execute(arguments: Any) -> int:
    """Fetch, list or search. 1 where a link failed; the others are fetched nevertheless."""
    for host in arguments.confirm:
        hub.confirm(host)
        print(f"{host} is trusted from now on.", file=sys.stderr)
    stopped = threading.Event()
    try:
        with stopped_by_interrupt(stopped.set):
            return _do(arguments, stopped)
    except DownloadCancelled:
        _progress("")
        print("Stopped. What has come is kept: the same command goes on from there.", file=sys.stderr)
        raise KeyboardInterrupt from None


def _do(arguments: Any, stopped: threading.Event) -> int:
    if arguments.search:
        return _search(arguments, stopped)
    asked = [item for link in arguments.links for item in _items(link)]
    if not asked:
        if arguments.confirm:
            return 0
        raise ChainError("Download what? Give a link or user/repo; `samantha download --search WORDS` finds some.")
    return _list(asked, arguments, stopped) if arguments.list else _download(asked, arguments, stopped)


def _items(link: str) -> list[str]:
    """The links of an argument: itself, those of a list in a file, or those of standard input."""
    if link == "-":
        return hub.items(standard_input())
    if link.lower().endswith(".txt"):
        try:
            return hub.items(Path(link).read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise ChainError(
                f"The list {link} cannot be read ({error}): check its path, and save it as UTF-8."
            ) from None
    return [link]


def _search(arguments: Any, stopped: threading.Event) -> int:
    words = " ".join(arguments.links)
    kind, largest = arguments.quantization, arguments.largest
    found = hub.search(words, arguments.family, kind, largest, arguments.limit, stopped.is_set)
    if arguments.json:
        for one in found:
            print(msgspec.json.encode(one).decode())
    elif found:
        print(table([("REPOSITORY", "PARAMETERS", "DOWNLOADS", "UPDATED", "QUANTIZATIONS"), *map(_found_row, found)]))
        print("\n`samantha download --list REPOSITORY` shows what is in one.", file=sys.stderr)
    else:
        print("Nothing was found: try fewer or other words.", file=sys.stderr)
    return 0


def _found_row(found: hub.Found) -> tuple[str, ...]:
    parameters = f"{found.parameters / 1e9:.1f} B" if found.parameters else "?"
    gated = " (gated)" if found.gated else ""
    kinds = " ".join(found.quantizations)
    return found.repository + gated, parameters, str(found.downloads), found.updated[:10], kinds


def _list(asked: list[str], arguments: Any, stopped: threading.Event) -> int:
    for text in asked:
        kind = arguments.quantization.upper()
        models = [model for model in hub.listed(text, stopped.is_set) if kind in ("", model.quantization)]
        if arguments.json:
            for model in models:
                print(msgspec.json.encode(model).decode())
        else:
            print(table([("SIZE", "QUANTIZATION", "FITS YOUR MEMORY", "LINK"), *map(_listed_row, models)]))
    return 0


def _listed_row(model: hub.Listed) -> tuple[str, ...]:
    fits = {"yes": "yes", "tight": "with other programs closed", "no": "no"}[model.fits]
    parts = f" ({model.parts} parts)" if model.parts > 1 else ""
    return size(model.size), model.quantization or "?", fits, model.url + parts + (" (gated)" if model.gated else "")


def _download(asked: list[str], arguments: Any, stopped: threading.Event) -> int:
    """Look everything up first, so that mistakes show before anything is fetched; then one after the other."""
    found: list[hub.Download] = []
    problems = 0
    for text in asked:
        try:
            _progress(f"looking up {text}")
            found.append(_resolved(text, stopped))
        except DownloadCancelled:
            raise
        except DownloadError as error:
            problems += 1
            _tell(arguments, Done(text, problem=str(error)))
    hub.check_room(found)
    for download in found:
        try:
            path = _fetched(download, arguments, stopped)
            _tell(arguments, Done(download.asked, str(path)))
        except DownloadCancelled:
            raise
        except DownloadError as error:
            problems += 1
            _tell(arguments, Done(download.asked, problem=str(error)))
    return 1 if problems else 0


def _resolved(text: str, stopped: threading.Event) -> hub.Download:
    try:
        return hub.resolve(text, stopped.is_set)
    except HostNotConfirmed as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        _progress("")
        print(
            f"{error.host} is not the Hugging Face hub. Fetch from it, now and later? [y/N] ", end="", file=sys.stderr
        )
        if input().strip().lower() not in ("y", "yes"):
            raise
        hub.confirm(error.host)
        return hub.resolve(text, stopped.is_set)


def _fetched(download: hub.Download, arguments: Any, stopped: threading.Event) -> Path:
    folder = arguments.to.expanduser() if arguments.to else library.folders()[0]
    for item in hub.fetch(download, stopped.is_set):
        if isinstance(item, hub.Progress):
            if arguments.json:
                print(msgspec.json.encode(item).decode(), flush=True)
            _progress(f"{download.title}  {in_words(item)}")
    return hub.for_testing(download, folder) if arguments.testing else hub.keep(download, folder)


def in_words(progress: hub.Progress) -> str:
    """E.g. `1.2 GB of 4.9 GB, 24 %, 11 MB/s, 5 min 20 s left`."""
    said = [size(progress.done)]
    if progress.total:
        said = [f"{size(progress.done)} of {size(progress.total)}", f"{progress.done / progress.total:.0%}"]
    if progress.note:
        return ", ".join(said) + f" · {progress.note}"
    if progress.rate:
        said.append(f"{size(progress.rate)}/s")
    if progress.left is not None:
        said.append(f"{duration(progress.left)} left")
    return ", ".join(said)


def _tell(arguments: Any, done: Done) -> None:
    _progress("")
    if arguments.json:
        print(msgspec.json.encode(done).decode(), flush=True)
    elif done.path:
        print(done.path, flush=True)
    else:
        print(f"{hub.shown(done.asked)}: {done.problem}", file=sys.stderr)


def _progress(text: str) -> None:
    """Rewrite the line of progress on standard error, on a terminal only; empty takes it away."""
    if sys.stderr.isatty():
        width = 110
        sys.stderr.write(f"\r{text[:width]:{width}}" + ("" if text else "\r"))
        sys.stderr.flush()
