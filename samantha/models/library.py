"""Which models there are: Samantha Tiny in the package, and .gguf files in the user's folders. It loads none."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from samantha import settings
from samantha.errors import ModelError, ModelNotFound
from samantha.models import gguf

TINY = "tiny"
TINY_PATH = Path(__file__).resolve().parent / "tiny" / "samantha-tiny.gguf"
TINY_NOTE = (
    "Samantha Tiny is a toy of a few million parameters that does a handful of tasks, so that everything can be tried"
    " at once and offline. Real work wants a real model: put a .gguf file into your downloads folder, or name its path."
)


class ModelFile(msgspec.Struct, frozen=True):
    """A model that can be chosen. `header` is None where the file cannot be used; `problem` then says why."""

    name: str
    path: Path
    header: gguf.Header | None = None
    problem: str = ""


def folders() -> tuple[Path, ...]:
    """Where model files are looked for: the folders of the settings, or the downloads folder."""
    chosen = settings.load().model_folders
    return tuple(Path(folder).expanduser() for folder in chosen) or (settings.downloads_folder(),)


def models() -> list[ModelFile]:
    """Samantha Tiny first, then every model file in the folders, described from its head."""
    return [_described(TINY, TINY_PATH), *(_described(path.stem, path) for path in _files())]


def names() -> list[str]:
    """The names of all models, without reading any file."""
    return [TINY, *(path.stem for path in _files())]


def find(name: str) -> ModelFile:
    """The model of that name or path.

    Raises:
        ModelNotFound: there is none; the nearest name is given.
        ModelError: a link or a server, which this version cannot use yet.
    """
    if name == TINY:
        return ModelFile(TINY, TINY_PATH)
    if re.match(r"[a-z][a-z0-9+.-]+://", name) or name.startswith("hf.co/"):
        raise ModelError(f"{name} is a link: this version uses files. Download it and give its path.")
    path = Path(name).expanduser()
    if (path.suffix == ".gguf" and len(path.parts) > 1) or path.is_file():
        gguf.read(path)
        return ModelFile(path.stem, path)
    if path.is_dir():
        raise ModelNotFound(f"{name} is a folder, not a model file: choose a .gguf file in it.")
    for found in _files():
        if name in (found.stem, found.name):
            return ModelFile(found.stem, found)
    raise ModelNotFound(_unknown(name))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, names(), 1, 0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    where = " and ".join(str(folder) for folder in folders())
    return f"There is no model {name!r}. {hint}Looked in {where}; a path works too, and {TINY} is always there."


def _files() -> Iterator[Path]:
    """The .gguf files of the folders; of a split model only its first part."""
    for folder in folders():
        if folder.is_dir():
            for path in sorted(folder.rglob("*.gguf")):
                part = re.search(r"-(\d{5})-of-\d{5}$", path.stem)
                if part is None or int(part[1]) == 1:
                    yield path


def _described(name: str, path: Path) -> ModelFile:
    try:
        return ModelFile(name, path, gguf.read(path))
    except ModelError as error:
        return ModelFile(name, path, problem=str(error))
