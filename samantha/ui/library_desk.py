"""The model files as the page shows them, and what a person changes about them: folders, programs, deleting a file.

Rows are made anew only when a file came, went or changed, so that a page may ask every second. What a file is, and
what memory it needs, is said by `models/library` and `models/memory.py`.
"""

import contextlib
import threading
from pathlib import Path
from typing import Any

import msgspec

from samantha import settings
from samantha.errors import SamanthaError
from samantha.models import library, memory
from samantha.models.library import ModelFile
from samantha.models.memory import CACHE_TYPES
from samantha.models.model import LoadOptions
from samantha.models.residency import Residency
from samantha.ui.controls import FieldError

Row = dict[str, Any]

LARGEST_CONTEXT = 10_000_000


class LibraryDesk:
    """The model files. One for the program. Thread-safe."""

    def __init__(self, residency: Residency | None) -> None:
        self._residency = residency
        self._lock = threading.Lock()
        self._watch = library.Watch()
        self._models: list[ModelFile] = []
        self._version = 0

    def shown(self, have: int, options: LoadOptions) -> Row:
        """The rows with what each needs of memory at the chain's `options`; no `rows` where the page has them.

        Args:
            have: the version that the page has.
        """
        try:
            version, models = self._current()
            kept = settings.load()
            folders = [{"path": str(folder), "there": folder.is_dir()} for folder in library.folders()]
        except SamanthaError as error:
            return {"problem": str(error), "version": 0}
        found: Row = {
            "version": version, "folders": folders, "chosen": bool(kept.model_folders),
            "programs": [{"name": name, "on": name in kept.model_caches} for name in library.PROGRAMS],
        }  # fmt: skip
        return found | ({} if have == version else {"rows": [row(model, options) for model in models]})

    def delete(self, name: str) -> Row:
        """Delete a model's files: `deleted` names them, `freed` are the bytes that are free now.

        Raises:
            FieldError: a run uses it.
            ModelError: see `library.delete`.
        """
        loaded = {one for one, _ in self._residency.loaded()} if self._residency else set()
        if self._residency and name in loaded and not self._residency.unload(name):
            raise FieldError("models", key="library.in_use", name=name)
        gone = library.delete(name)
        return {"deleted": [path.name for path in gone.paths], "freed": gone.freed}

    def add_folder(self, given: str) -> None:
        """Look for models in a folder from now on, beside those that are looked in already.

        Raises:
            FieldError: there is no such folder.
            SettingsError: the settings cannot be written.
        """
        text = given.strip().strip("\"'")
        folder = Path(text).expanduser()
        with contextlib.suppress(OSError, ValueError):
            if text and folder.is_absolute() and folder.is_dir():
                now = [str(one) for one in library.folders()]
                _keep(model_folders=tuple(dict.fromkeys([*now, str(folder)])))
                return
        raise FieldError("models", key="library.no_folder", path=text)

    def remove_folder(self, given: str) -> None:
        """Look in a folder no more; its files stay. Without any, the downloads folder is looked in.

        Raises:
            SettingsError: the settings cannot be written.
        """
        _keep(model_folders=tuple(str(one) for one in library.folders() if str(one) != given))

    def use_program(self, name: str, on: bool) -> None:
        """Look, or look no more, where another program keeps its models.

        Raises:
            FieldError: a program whose folders are not known.
            SettingsError: the settings cannot be written.
        """
        if name not in library.PROGRAMS:
            raise FieldError("models", key="library.no_program", name=name)
        left = [one for one in settings.load().model_caches if one != name]
        _keep(model_caches=(*left, name) if on else tuple(left))

    def _current(self) -> tuple[int, list[ModelFile]]:
        """The version and the models; described again where something changed on the disk."""
        with self._lock:
            found = self._watch.models()
            if found is not None:
                self._models, self._version = found, self._version + 1
            return self._version, self._models


def row(model: ModelFile, options: LoadOptions) -> Row:
    """A model as the page takes it; bytes and tokens."""
    found: Row = {
        "name": model.name, "file": model.path.name, "path": str(model.path), "folder": str(model.path.parent),
        "own": model.path == library.TINY_PATH, "problem": model.problem, "program": model.program,
        "copies": [str(path) for path in model.copies], "size": 0, "parts": len(model.files),
    }  # fmt: skip
    with contextlib.suppress(OSError):
        found["size"] = sum(part.stat().st_size for part in model.files if part.is_file())
    head = model.header
    if head is None:
        return found
    verdict = memory.verdict(head, options)
    return found | {
        "title": head.name, "architecture": head.architecture, "parameters": head.parameters,
        "quantization": head.quantization, "context": head.n_ctx_train, "needed": verdict.estimate.needed,
        "cache": verdict.estimate.cache, "fits": verdict.fit, "window": memory.fitting_context(head, options.n_ctx),
    }  # fmt: skip


def options_of(sent: Row) -> LoadOptions:
    """The options of the Chain tab's settings as the page sends them; what makes no sense is the default."""
    usual = LoadOptions()
    context = _whole(sent.get("n_ctx"), usual.n_ctx)
    types = {name: sent[name] for name in ("cache_type_k", "cache_type_v") if sent.get(name) in CACHE_TYPES}
    return msgspec.structs.replace(
        usual, n_ctx=context if 0 <= context <= LARGEST_CONTEXT else usual.n_ctx,
        n_gpu_layers=_whole(sent.get("n_gpu_layers"), usual.n_gpu_layers),
        flash_attention=str(sent.get("flash_attention", "")).lower() == "true", **types,
    )  # fmt: skip


def _whole(given: object, otherwise: int) -> int:
    try:
        return int(str(given))
    except ValueError:
        return otherwise


def _keep(**changes: Any) -> None:
    """Raises SettingsError."""
    settings.save(msgspec.structs.replace(settings.load(), **changes))
