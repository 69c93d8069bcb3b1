"""A download as a file of the user's: under its own name, or as MODEL_FOR_TESTING.gguf until the next one comes.

A hard link where the disk is the same, so that nothing takes its room twice; else a copy.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from samantha.errors import DownloadError
from samantha.models.hub import room
from samantha.models.hub.cache import Cache, place
from samantha.models.hub.downloads import Download
from samantha.models.hub.part import sync_folder
from samantha.models.hub.quantization import split

FOR_TESTING = "MODEL_FOR_TESTING"


def keep(download: Download, folder: Path, cache: Cache | None = None) -> Path:
    """Put a finished download into `folder` under its own name, for good: the path of its (first) file.

    Raises:
        DownloadError: it is not finished, another file of that name is there, or the folder takes no files.
    """
    cache = cache or Cache()
    targets = [folder / file.name for file in download.files]
    paths = _finished(download, cache)
    for source, target in zip(paths, targets, strict=True):
        if target.exists() and not _same(source, target):
            raise DownloadError(f"{target} is there already and is another file: rename it, or choose another folder.")
    _put(paths, targets)
    record = cache.entry(download.key).record()
    if record:
        places = tuple(place(target) for target in targets)
        cache.entry(download.key).write(msgspec.structs.replace(record, places=places, kept=True))
        _let_go(paths, cache.entry(download.key).folder)
    return targets[0]


def for_testing(download: Download, folder: Path, cache: Cache | None = None) -> Path:
    """Put a finished download into `folder` as MODEL_FOR_TESTING.gguf, in place of the one before it.

    On another disk than the downloads nothing is copied: the path of the download itself is given back.
    """
    paths = _finished(download, cache or Cache())
    if os.stat(paths[0]).st_dev != os.stat(_existing(folder)).st_dev:  # noqa: PTH116 - two kinds of paths alike
        return paths[0]
    targets = [folder / _testing_name(path.name) for path in paths]
    for old in folder.glob(f"{FOR_TESTING}*.gguf"):
        if old not in targets:
            old.unlink()
    _put(paths, targets)
    return targets[0]


def _testing_name(name: str) -> str:
    part = split(name)
    return f"{FOR_TESTING}.gguf" if part is None else f"{FOR_TESTING}-{part[1]:05}-of-{part[2]:05}.gguf"


def _finished(download: Download, cache: Cache) -> tuple[Path, ...]:
    paths = cache.entry(download.key).paths()
    if not paths:
        raise DownloadError(f"{download.title} has not been downloaded (or was changed since): download it first.")
    return paths


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


def _same(source: Path, target: Path) -> bool:
    """The same file, or one with the same bytes."""
    if source.samefile(target):
        return True
    import filecmp

    return source.stat().st_size == target.stat().st_size and filecmp.cmp(source, target, shallow=False)


def _put(paths: Sequence[Path], targets: Sequence[Path]) -> None:
    try:
        targets[0].parent.mkdir(parents=True, exist_ok=True)
        for source, target in zip(paths, targets, strict=True):
            _link_or_copy(source, target)
        sync_folder(targets[0].parent)
    except OSError as error:
        raise DownloadError(
            f"{targets[0].name} cannot be put into {targets[0].parent} ({error.strerror}): choose another folder."
        ) from error


def _link_or_copy(source: Path, target: Path) -> None:
    """Under a name of its own first, so that a half copy never looks whole."""
    if target.exists() and source.samefile(target):
        return
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    try:
        partial.hardlink_to(source)
    except OSError:
        _copy(source, partial)
    partial.replace(target)


def _copy(source: Path, partial: Path) -> None:
    room.check(partial.parent, source.stat().st_size, partial.name)
    try:
        shutil.copyfile(source, partial)
        with partial.open("r+b") as copied:
            os.fsync(copied.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _let_go(paths: Sequence[Path], folder: Path) -> None:
    """What is the user's now stays nowhere else: deleting it there must free its room."""
    for source in paths:
        if source.parent == folder:
            with contextlib.suppress(OSError):  # in use on Windows: a second name stays
                source.unlink()
