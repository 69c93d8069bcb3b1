"""Collections of prompts: text files whose entries a line `$-$-$` separates, each to be put into a field at one click.

An entry that begins with a line `--- some note` is called by that note, which is not part of its text. Everything is
read from the files each time, so edits appear without a restart. What is not here: the grammar of what an entry holds.
"""

from pathlib import Path
from typing import Literal

import msgspec

from samantha.chain.text_files import read_text
from samantha.settings import material

SEPARATOR = "$-$-$"

Field = Literal["system", "prompts"]


class Entry(msgspec.Struct, frozen=True):
    """One text of a collection. `title` is one line; `text` has the line breaks of the file as `\\n`."""

    title: str
    text: str


class Collection(msgspec.Struct, frozen=True):
    """A file with entries, and the field of a chain that they are for."""

    name: str
    path: Path
    field: Field

    def entries(self) -> list[Entry]:
        """What the file holds now; see `read_collection`."""
        return read_collection(self.path)


def collections() -> list[Collection]:
    """The collections that are there now: the two at the root, then each `.txt` in `prompts/`, by name."""
    root = [Collection("user_prompts", material("user_prompts.txt"), "prompts"),
            Collection("system_prompts", material("system_prompts.txt"), "system")]
    folder = material("prompts")
    others = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".txt") if folder.is_dir() else []
    return [each for each in root if each.path.is_file()] + [Collection(path.stem, path, "prompts") for path in others]


def chain_files() -> list[Path]:
    """The chain files in `prompts/`, by name."""
    folder = material("prompts")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".toml") if folder.is_dir() else []


def read_collection(path: Path) -> list[Entry]:
    """The entries of a file in order; empty ones, and those that hold only a note, are left out.

    Raises:
        ChainError: the file cannot be read.
    """
    entries: list[list[str]] = [[]]
    for line in read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.strip() == SEPARATOR:
            entries.append([])
        else:
            entries[-1].append(line)
    found = [_entry("\n".join(lines).strip()) for lines in entries]
    return [entry for entry in found if entry.text]


def _entry(text: str) -> Entry:
    first, _, rest = text.partition("\n")
    if note := first.lstrip("-").strip() if first.startswith("---") else "":
        return Entry(note, rest.strip())
    return Entry(first.strip(), text)
