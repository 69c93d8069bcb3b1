"""Deletes a model's files, all parts of it and nothing else. Only what is in the user's own folders."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from samantha.errors import ModelError
from samantha.models.library.catalog import TINY, TINY_PATH, ModelFile, find
from samantha.models.library.places import folders


class Deleted(msgspec.Struct, frozen=True):
    """What is gone, the bytes that are free now, and copies that are still there."""

    paths: tuple[Path, ...]
    freed: int
    copies: tuple[Path, ...] = ()


def delete(name: str, in_use: Collection[Path] = ()) -> Deleted:
    """Delete the files of a model.

    Args:
        in_use: files of models that are loaded.

    Raises:
        ModelNotFound: there is no such model.
        ModelError: it is Samantha Tiny, in use, another program's, outside the folders, or the system refuses.
    """
    found = find(name)
    if name == TINY or found.path == TINY_PATH:
        raise ModelError("Samantha Tiny is part of the program and stays.")
    paths = [path for path in found.files if path.is_symlink() or path.is_file()]
    _check(found, paths, in_use)
    freed = sum(_freed(path) for path in paths)
    for path in reversed(paths):  # the first part last: what is left of a model after an error still says what it was
        try:
            path.unlink()
        except OSError as error:
            raise ModelError(
                f"{path} cannot be deleted ({error.strerror or error}): close what uses it, or delete it yourself."
            ) from error
    return Deleted(tuple(paths), freed, found.copies)


def _check(found: ModelFile, paths: Sequence[Path], in_use: Collection[Path]) -> None:
    if found.program:
        raise ModelError(f"{found.name} belongs to {found.program}: delete it there.")
    own = [folder.resolve() for folder in folders()]
    for path in paths:
        if not any(path.absolute().parent.resolve().is_relative_to(folder) for folder in own):
            where = " and ".join(map(str, folders()))
            raise ModelError(f"{path} is not in a model folder ({where}): delete it yourself.")
        if any(used.exists() and path.exists() and used.samefile(path) for used in in_use):
            raise ModelError(f"{found.name} is loaded: unload it first.")


def _freed(path: Path) -> int:
    """Bytes that its deletion frees: a link frees none, and a file with a second name neither."""
    state = path.lstat()
    return 0 if path.is_symlink() or state.st_nlink > 1 else state.st_size
