"""What the Models tab asks and tells: JSON below /samantha/models/, made by `learn_routes.asked` and `told`.

`state` is asked again and again while the tab is seen: the library, what is in memory, downloads, servers. Look-ups,
searches and checks are begun, and asked for until they are over. The work is done by the desks and tasks beside this.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from samantha.errors import SamanthaError
from samantha.models import hub, library
from samantha.models.endpoints import address, keys, known
from samantha.settings import Endpoint
from samantha.ui import hub_tasks
from samantha.ui.controls import FieldError
from samantha.ui.hub_tasks import LinksTask, LookUpTask, SearchTask, ServerTask
from samantha.ui.learn_routes import Act, NotThere, asked, told
from samantha.ui.library_desk import options_of
from samantha.ui.model_desk import Task
from samantha.ui.session import Session
from samantha.ui.workbench import Workbench

ROUTE = "/samantha/models"

AT_ONCE = 0.2
"""Seconds that an answer waits for a task before it says that it goes on."""

LONGEST = 50_000
"""Characters of a pasted list."""

Sent = Mapping[str, Any]
Reply = dict[str, Any]
Kind = TypeVar("Kind", bound=Task)


def models_tab_routes(bench: Workbench) -> list[Any]:
    """The routes, for FastAPI."""
    changes = _of_files(bench) | _of_downloads(bench) | _of_hub(bench) | _of_servers(bench)
    questions: dict[str, Act] = {
        "state": lambda _, sent: state(bench, sent),
        "lookup": lambda session, _: _told(_task(bench, session, LookUpTask), hub_tasks.looked_up),
        "links": lambda session, _: _told(_task(bench, session, LinksTask), hub_tasks.links),
        "search": lambda session, _: _told(_task(bench, session, SearchTask), hub_tasks.searched),
        "server": lambda session, _: _told(_task(bench, session, ServerTask), hub_tasks.checked),
    }
    return [
        *(told(bench, *one, route=ROUTE) for one in changes.items()),
        *(asked(bench, *one, route=ROUTE) for one in questions.items()),
    ]


def state(bench: Workbench, sent: Sent) -> Reply:
    """All that can change by itself. `have` is the version of the library that the page has."""
    have = str(sent.get("have", ""))
    version = int(have) if have.isascii() and have.isdigit() else 0
    return {
        "library": bench.library.shown(version, options_of(dict(sent))), "memory": bench.memory.shown(),
        "downloads": bench.downloads.shown(), "servers": servers(),
    }  # fmt: skip


def servers() -> Reply:
    """The servers that have a name; of keys only whether there is one."""
    try:
        kept, named = keys.origins(), known.endpoints()
        rows = [_server(name, entry, kept) for name, entry in named.items()]
    except SamanthaError as error:
        return {"rows": [], "problem": str(error)}
    return {"rows": rows}


def _server(name: str, entry: Endpoint, kept: set[str]) -> Reply:
    return {
        "name": name, "address": entry.address, "variable": entry.key_variable, "parallel": entry.parallel,
        "key": bool(entry.key_variable) or address.parse(entry.address).origin in kept,
    }  # fmt: skip


def _of_files(bench: Workbench) -> dict[str, Act]:
    return {
        "delete": lambda _, sent: bench.library.delete(_text(sent, "name")),
        "folder/add": lambda _, sent: bench.library.add_folder(_text(sent, "path")),
        "folder/remove": lambda _, sent: bench.library.remove_folder(_text(sent, "path")),
        "program": lambda _, sent: bench.library.use_program(_text(sent, "name"), bool(sent.get("on"))),
        "unload": lambda _, sent: bench.memory.unload(_text(sent, "name")),
        "budget": lambda _, sent: bench.memory.set_budget(sent.get("budget")),
    }


def _of_downloads(bench: Workbench) -> dict[str, Act]:
    def keep(session: Session, sent: Sent) -> Reply:
        folder = _folder(_text(sent, "folder"))
        path = hub_tasks.keep(_download(bench, session, sent), folder, bool(sent.get("testing")))
        return {"path": str(path)}

    return {
        "download": lambda _, sent: {"number": bench.downloads.begin(_text(sent, "asked")).number},
        "pause": lambda _, sent: bench.downloads.pause(sent.get("number")),
        "resume": lambda _, sent: bench.downloads.resume(sent.get("number")),
        "cancel": lambda _, sent: bench.downloads.remove(sent.get("number")),
        "keep": keep,
    }


def _of_hub(bench: Workbench) -> dict[str, Act]:
    desks = bench.desks

    def look_up(session: Session, sent: Sent) -> Reply:
        text = _text(sent, "text")
        if not hub.items(text):
            raise FieldError("models", key="hub.nothing_pasted")
        return {"number": desks.of(session).begin(LookUpTask, text).number}

    def links(session: Session, sent: Sent) -> Reply:
        items = hub.items(_text(sent, "text"))
        if not items:
            raise FieldError("models", key="hub.nothing_pasted")
        return {"number": desks.of(session).begin(LinksTask, items[0]).number}

    def search(session: Session, sent: Sent) -> Reply:
        words, family, kind = (_text(sent, name)[:100] for name in ("words", "family", "quantization"))
        return {"number": desks.of(session).begin(SearchTask, words, family, kind, _billions(sent)).number}

    def stop(session: Session, _: Sent) -> None:
        for kind in (LookUpTask, LinksTask, SearchTask, ServerTask):
            task = desks.of(session).newest(kind)
            if task:
                task.stop()

    def confirm(_: Session, sent: Sent) -> None:
        hub.confirm(_text(sent, "host"))

    return {"lookup": look_up, "links": links, "search": search, "stop": stop, "confirm": confirm}


def _of_servers(bench: Workbench) -> dict[str, Act]:
    def add(_: Session, sent: Sent) -> Reply:
        name, variable = _text(sent, "name"), _text(sent, "variable")
        parallel = _text(sent, "parallel") or "0"
        if not parallel.isascii() or not parallel.isdigit() or int(parallel) > 1000:
            raise FieldError("models", key="servers.bad_limit")
        return {"address": str(known.add(name, Endpoint(_text(sent, "address"), variable, int(parallel))))}

    def remove(_: Session, sent: Sent) -> None:
        known.remove(_text(sent, "name"))

    def check(session: Session, sent: Sent) -> Reply:
        name = _text(sent, "name")
        if not name:
            raise FieldError("models", key="servers.nothing_named")
        return {"number": bench.desks.of(session).begin(ServerTask, name).number}

    def confirm(_: Session, sent: Sent) -> None:
        address.confirm(_text(sent, "origin"))

    return {"server/add": add, "server/remove": remove, "server/check": check, "server/confirm": confirm}


def _told(task: Kind, shown: Callable[[Kind], Reply]) -> Reply:
    """How far a task is and what it found until now."""
    task.wait(AT_ONCE)
    phase = task.phase
    found: Reply = {"number": task.number, "phase": phase, "done": task.done, "total": task.total}
    return found | shown(task) | ({"problem": task.problem} if phase == "failed" else {})


def _task(bench: Workbench, session: Session, kind: type[Kind]) -> Kind:
    task = bench.desks.of(session).newest(kind)
    if not isinstance(task, kind):
        raise NotThere("Nothing was looked up here yet.")
    return task


def _download(bench: Workbench, session: Session, sent: Sent) -> hub.Download:
    """What a link means, as it was looked up in the tab or downloaded here; else it is looked up now."""
    link = _text(sent, "asked")
    for job in bench.downloads.jobs():
        if job.asked == link and job.download:
            return job.download
    task = bench.desks.of(session).newest(LookUpTask)
    for one in task.found if isinstance(task, LookUpTask) else ():
        if isinstance(one, hub.Download) and one.asked == link:
            return one
    return hub.resolve(link)


def _folder(given: str) -> Path:
    """One of the model folders; the first where none is named."""
    folders = library.folders()
    if not given:
        return folders[0]
    found = next((folder for folder in folders if str(folder) == given), None)
    if found is None:
        raise FieldError("models", key="library.not_a_folder", path=given)
    return found


def _billions(sent: Sent) -> float | None:
    text = _text(sent, "largest").lower().removesuffix("b").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise FieldError("models", key="hub.bad_size", text=text)
    return value


def _text(sent: Sent, name: str) -> str:
    text = sent.get(name)
    return text.strip()[:LONGEST] if isinstance(text, str) else ""
