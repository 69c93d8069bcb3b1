"""The folders of a run's code below the user's data: made, and discarded with the run. Nothing is run here."""

import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from samantha import settings
from samantha.code.code import CodeError
from samantha.sandbox.access import Folders

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def workplace(run: str, root: Path | None = None) -> Folders:
    """The folders of a run, made when missing.

    Raises:
        CodeError: no name of a run, or the folders cannot be made.
    """
    place = _place(run, root)
    folders = Folders(place / "box", place / "code", place / "shown", place / "relay")
    try:
        for folder in (folders.box, folders.code, folders.shown, folders.relay):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CodeError(f"The work folder {place} cannot be made ({error.strerror}): free some disk.") from error
    return folders


def discard(run: str, root: Path | None = None) -> None:
    """Delete all that the code of a run left; nothing where there is nothing.

    Raises:
        CodeError: something of it cannot be deleted.
    """
    place = _place(run, root)
    if not place.exists():
        return
    try:
        shutil.rmtree(place, onerror=_again)
    except OSError as error:
        raise CodeError(f"{error.filename} cannot be deleted ({error.strerror}): delete {place} by hand.") from error


def _again(_: Callable[[str], None], name: str, __: object) -> None:
    """Code may have closed a folder of its own; whoever owns it opens it and goes on."""
    path = Path(name)
    path.parent.chmod(0o700)
    if stat.S_ISDIR(path.lstat().st_mode):
        path.chmod(0o700)
        shutil.rmtree(path)
    else:
        path.unlink()


def _place(run: str, root: Path | None) -> Path:
    if not _RUN.fullmatch(run):
        raise CodeError(f"{run!r} is not the name of a run.")
    return (root or settings.data_folder() / "work") / run
