"""What the tabs share: sessions, the store, the model list, presets and language. One per program; no Gradio here."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from samantha import settings
from samantha.chain.chain import Chain
from samantha.chain.record import Answer, Record
from samantha.errors import SamanthaError
from samantha.events import Event
from samantha.models import library
from samantha.models.model import ModelSource
from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui import branching, code_files, texts, view, wire
from samantha.ui.branching import Wish
from samantha.ui.code_room import CodeRoom, asked_for
from samantha.ui.controls import checked_preset
from samantha.ui.download_desk import DownloadDesk
from samantha.ui.grants import Grants
from samantha.ui.library_desk import LibraryDesk
from samantha.ui.memory_desk import MemoryDesk
from samantha.ui.model_desk import Desks
from samantha.ui.session import RunningChain, Session, Sessions

LISTED_RUNS = 200
"""How many stored runs the history shows."""


class Workbench:
    """The program behind the page. Models and store are made by who starts it, and outlive every session."""

    def __init__(self, models: ModelSource, store: RunStore) -> None:
        self._models = models
        self._store = store
        self.code = CodeRoom()
        self.sessions = Sessions(self._begin, room=self.code)
        self.desks = Desks(models, self.sessions)
        residency = models if isinstance(models, Residency) else None
        self.memory = MemoryDesk(residency)
        self.library = LibraryDesk(residency)
        self.downloads = DownloadDesk()

    def _begin(self, chain: Chain, grants: Grants, trace: int) -> tuple[RunningChain, Iterator[Event]]:
        from samantha.chain import engine

        if not chain.run_code:
            run = engine.run(chain, self._models, trace=trace)
            return run, self._store.record(run)
        asked_for(chain, grants)
        runner = self.code.runner(grants)
        run = engine.run(chain, self._models, code=runner, trace=trace)
        return run, self.code.watched(self._store.record(run), runner)

    @property
    def store_path(self) -> Path:
        """The file of the run store, which any tool for SQLite opens."""
        return self._store.path

    def settle_store(self) -> None:
        """Bring what the store wrote last into its one file, for whoever reads only that, if it is not busy."""
        with contextlib.closing(sqlite3.connect(self.store_path, timeout=2)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """The program ends: every run, every download, and what its code serves."""
        self.sessions.close()
        self.downloads.close()
        self.code.close()

    def language(self) -> str:
        """The language that the user chose to keep, or nothing."""
        try:
            kept = settings.load().language
        except SamanthaError:
            return ""
        return kept if kept in texts.LANGUAGES else ""

    def keep_language(self, language: str) -> None:
        """Remember the language for the next start; a settings file that cannot be written is no reason to stop."""
        try:
            settings.save(msgspec.structs.replace(settings.load(), language=language))
        except SamanthaError:
            return

    def choices(self) -> list[dict[str, str]]:
        """The models that can be chosen, with size and context window, read anew."""
        try:
            return [_choice(model) for model in library.models()]
        except SamanthaError:
            return [{"name": library.TINY, "detail": ""}]

    def own_presets(self) -> dict[str, Any]:
        """The user's presets."""
        try:
            return dict(settings.load().presets)
        except SamanthaError:
            return {}

    def save_preset(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Keep a preset: all own presets, or a `problem`."""
        return self._change_presets(lambda presets: presets | {str(name)[:60]: checked_preset(values)})

    def delete_preset(self, name: str) -> dict[str, Any]:
        """Forget a preset of the user's own: those that are left, or a `problem`."""
        return self._change_presets(lambda presets: {key: kept for key, kept in presets.items() if key != name})

    def _change_presets(self, change: Any) -> dict[str, Any]:
        try:
            current = settings.load()
            presets = change(dict(current.presets))
            settings.save(msgspec.structs.replace(current, presets=presets))
        except SamanthaError as error:
            return {"problem": str(error)}
        return {"presets": presets}

    def stored_runs(self) -> dict[str, Any]:
        """The newest stored runs, or a `problem`."""
        try:
            found = self._store.runs(limit=LISTED_RUNS)
        except SamanthaError as error:
            return {"problem": str(error)}
        return {"runs": [_summary(run) for run in found]}

    def stored_run(self, run: str) -> dict[str, Any]:
        """A stored run as lines, or a `problem`."""
        try:
            rebuilt = view.rebuilt(self._store.events(str(run)))
        except SamanthaError as error:
            return {"problem": str(error)}
        if rebuilt.active:
            rebuilt = view.interrupted(rebuilt, "")
        lines: list[dict[str, Any]] = msgspec.to_builtins(wire.whole(rebuilt))
        code_files.mark_gone(lines)
        return {"lines": lines}

    def record(self, session: Session, run: str) -> Record:
        """A run as learning mode looks at it: the tab's newest, the one that it opened, or any stored one, read anew.

        Raises:
            StoreError: there is no such run, or it cannot be read.
        """
        return session.learning.of(run) or Record.of(self._store.events(run))

    def branch(self, session: Session, parent: Answer, wished: Wish) -> None:
        """Begin a branch of an answer, see `branching.begin`."""
        branching.begin(session, self._store, self._models, parent, wished)

    def stored_chain(self, run: str) -> Chain:
        """The chain of a stored run.

        Raises:
            SamanthaError: there is none, or it cannot be read.
        """
        return msgspec.convert(self._store.chain(run), Chain)


def _choice(model: library.ModelFile) -> dict[str, str]:
    if model.problem or model.header is None:
        return {"name": model.name, "detail": ""}
    size = model.header.size
    shown = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
    return {"name": model.name, "detail": shown}


def _summary(run: Any) -> dict[str, Any]:
    return {
        "id": run.id, "started": run.started, "title": run.title, "models": ", ".join(map(_short, run.models)),
        "steps": run.steps, "reason": run.status,
    }  # fmt: skip


def _short(model: str) -> str:
    """A file without its folders, a model on a server without its address."""
    return model.rpartition("#")[2] if "://" in model and "#" in model else Path(model).name or model
