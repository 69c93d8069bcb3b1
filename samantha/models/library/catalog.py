"""Models from files: split ones joined, copies recognised, names made unique, each described from its head.

`heads` remembers what was read.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from samantha.errors import ModelError, ModelNotFound
from samantha.models import gguf
from samantha.models.library.heads import Heads
from samantha.models.library.places import ollama_models, places
from samantha.models.library.walk import Walk

TINY = "tiny"
TINY_PATH = Path(__file__).resolve().parents[1] / "tiny" / "samantha-tiny.gguf"
TINY_NOTE = (
    "Samantha Tiny is a toy of a few million parameters that does a handful of tasks, so that everything can be tried"
    " at once and offline. Real work wants a real model: put a .gguf file into your downloads folder, or name its path."
)

_WALK = Walk()


class ModelFile(msgspec.Struct, frozen=True):
    """A model that can be chosen. `header` is None where the file cannot be used; `problem` then says why.

    `program` is whose folder it is in, "" for the user's own; `copies` are other files of the same content.
    """

    name: str
    path: Path
    header: gguf.Header | None = None
    problem: str = ""
    program: str = ""
    copies: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is made of."""
        return gguf.parts_of(self.path)


class State(msgspec.Struct, frozen=True):
    """What tells a file from what it was before, and from every other: nothing of its content."""

    size: int
    changed: int
    device: int
    number: int


class Entry(msgspec.Struct):
    """A model before its head is read. `label` tells it from another one of the same name."""

    name: str
    label: str
    path: Path
    states: tuple[State, ...]
    program: str
    copies: list[Path] = []

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(state.size for state in self.states)

    @property
    def key(self) -> str:
        """What a remembered head hangs on."""
        return " ".join([str(self.path), *(f"{state.size}:{state.changed}" for state in self.states)])


def models() -> list[ModelFile]:
    """Samantha Tiny first, then every model in the folders, described from its head."""
    with Heads() as remembered:
        tiny = Entry(TINY, "", TINY_PATH, _states(TINY_PATH), "")
        return [_described(entry, remembered) for entry in (tiny, *_entries(remembered))]


def names() -> list[str]:
    """The names of all models, without reading any head."""
    with Heads() as remembered:
        return [TINY, *(entry.name for entry in _entries(remembered))]


def find(name: str) -> ModelFile:
    """The model of that name or path.

    Raises:
        ModelNotFound: there is none; the nearest name is given.
        ModelError: a link or a server, which are not files.
    """
    if name == TINY:
        return ModelFile(TINY, TINY_PATH)
    if re.match(r"[a-z][a-z0-9+.-]+://", name):
        raise ModelError(f"{name} is a link, not a file: download it and give its path.")
    path = Path(name).expanduser()
    if (path.suffix == ".gguf" and len(path.parts) > 1) or path.is_file():
        gguf.read_model(path)
        return ModelFile(path.stem, path)
    if path.is_dir():
        raise ModelNotFound(f"{name} is a folder, not a model file: choose a .gguf file in it.")
    with Heads() as remembered:
        entries = _entries(remembered)
    for entry in entries:
        if name == entry.name:
            return _plain(entry)
    for entry in entries:
        if any(name in _other_names(entry, path) for path in (entry.path, *entry.copies)):
            return _plain(entry)
    if name.startswith("hf.co/"):
        raise ModelError(f"{name} is a link, not a file: download it and give its path.")
    raise ModelNotFound(_unknown(name, [TINY, *(entry.name for entry in entries)]))


def snapshot() -> tuple[tuple[str, str], ...]:
    """What the list is made of: it differs when a file came, went or changed, or a folder was chosen."""
    return tuple((entry.name, entry.key) for entry in _found())


def _plain(entry: Entry) -> ModelFile:
    return ModelFile(entry.name, entry.path, program=entry.program, copies=tuple(entry.copies))


def _other_names(entry: Entry, path: Path) -> set[str]:
    """What a file may be called beside its name in the list."""
    return {path.name, path.stem, _stem(path), f"{_stem(path)}@{entry.label}", f"{_stem(path)}@{path.parent.name}"}


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    there = [place.folder for place in places() if not place.program or place.folder.is_dir()]
    where = " and ".join(map(str, there))
    return f"There is no model {name!r}. {hint}Looked in {where}; a path works too, and {TINY} is always there."


def _entries(remembered: Heads) -> list[Entry]:
    """The models of all folders, copies put together, with names of their own."""
    return _named(_without_copies(list(_found()), remembered))


def _found() -> Iterator[Entry]:
    for place in places():
        if place.program == "Ollama":
            named: Iterable[tuple[str, str, Path]] = ((n, n, path) for n, path in ollama_models(place.folder))
        else:
            named = ((_own_name(path), _label(path, place.folder), path) for path in _firsts(place.folder))
        for name, label, path in named:
            if states := _states(path):
                yield Entry(name, label, path, states, place.program, [])


def _firsts(folder: Path) -> Iterator[Path]:
    """The files below a folder; of a split model only its first part, or the first one that is there."""
    seen: set[Path] = set()
    for path in _WALK.files(folder):
        parts = gguf.parts_of(path)
        if parts[0] not in seen:
            seen.add(parts[0])
            yield path


def _states(path: Path) -> tuple[State, ...]:
    """The state of each part, of a missing one nothing but zeros; empty when the file is none or gone."""
    states = []
    for part in gguf.parts_of(path):
        try:
            found = part.stat()
        except OSError:
            found = None
        if found is None or not part.is_file():
            if part == path:
                return ()
            states.append(State(0, 0, 0, 0))
        else:
            states.append(State(found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino))
    return tuple(states)


def _stem(path: Path) -> str:
    return re.sub(r"-\d{5}-of-\d{5}$", "", path.stem)


def _own_name(path: Path) -> str:
    """The file's name, or its folder's where a program calls every file alike."""
    return path.parent.name if path.name == "model.gguf" and path.parent.name else _stem(path)


def _label(path: Path, folder: Path) -> str:
    """The folder it is in; in the hub's cache, where that is a commit, the repository."""
    repository = re.search(r"models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]", str(path))
    if repository:
        return f"{repository[1]}/{repository[2]}"
    return path.parent.name or str(folder)


def _without_copies(entries: Sequence[Entry], remembered: Heads) -> list[Entry]:
    """Files of the same content are one model: the same file under two names, or the same sampled hash."""
    sizes: dict[tuple[int, ...], list[Entry]] = {}
    kept = []
    for entry in entries:
        alike = sizes.setdefault(tuple(state.size for state in entry.states), [])
        same = next((other for other in alike if _same(entry, other, remembered)), None)
        if same is None:
            alike.append(entry)
            kept.append(entry)
        elif entry.path != same.path:
            same.copies.append(entry.path)
    return kept


def _same(entry: Entry, other: Entry, remembered: Heads) -> bool:
    if [(state.device, state.number) for state in entry.states] == [(s.device, s.number) for s in other.states]:
        return all(state.number for state in entry.states) or entry.path == other.path
    hashes = remembered.hash(entry.path, entry.key)
    return bool(hashes) and hashes == remembered.hash(other.path, other.key)


def _named(entries: Sequence[Entry]) -> list[Entry]:
    """The first of a name keeps it; the next one says where it is, too."""
    taken = {TINY}
    for entry in entries:
        candidates = (entry.name, f"{entry.name}@{entry.label}", str(entry.path))
        entry.name = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(entry.name)
    return list(entries)


def _described(entry: Entry, remembered: Heads) -> ModelFile:
    copies = tuple(entry.copies)
    try:
        header = remembered.header(entry.path, entry.key)
    except ModelError as error:
        return ModelFile(entry.name, entry.path, None, str(error), entry.program, copies)
    return ModelFile(entry.name, entry.path, header, "", entry.program, copies)
