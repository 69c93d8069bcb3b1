"""What the Code tab may ask for: running code, numbered files, and the tools around it. Functions for its scripts.

Each names its tab and is answered in plain JSON, with a `problem` where it could not be done. The tools themselves are
`samantha.code`'s; which of them are in a sandbox is said there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from samantha import settings
from samantha.ui.code_access import Answer, acted
from samantha.ui.components import named
from samantha.ui.controls import FieldError
from samantha.ui.grants import typed_path
from samantha.ui.session import Session
from samantha.ui.view import Card
from samantha.ui.workbench import Workbench

LARGEST_CODE = 1 << 20
"""Characters of code that are taken from an editor or the clipboard."""

SHOWN_ROWS = 100


def functions(bench: Workbench) -> list[Callable[[Any], Any]]:
    """The functions of the tab, by the names that `static/desk.js` and `static/workshop.js` call."""

    def asking(ask: Callable[..., Any]) -> Callable[..., Answer]:
        def asked(tab: str = "", *given: Any) -> Answer:
            return acted(bench, tab, lambda session: ask(session, *given))

        return asked

    def close(_: Session, entry: str = "") -> Answer:
        return _close(bench, entry)

    def folders(session: Session) -> Answer:
        return _folders(bench, session)

    def database(_: Session, file: Any, run: Any) -> Answer:
        return _database(bench, file, run)

    tools: dict[str, Callable[..., Any]] = {
        "run_text": run_text, "run_last": run_last, "last_code": last_code,
        "stop": lambda session: session.desk.stop(), "clear": lambda session: session.desk.clear(),
        "folders": folders, "save_numbered": save_numbered, "numbered_files": numbered_files,
        "run_numbered": run_numbered, "jupyter": jupyter, "dtale": dtale, "database": database, "rows": rows,
        "browse": browse, "executable": executable, "processes": processes, "close": close, "packages": packages,
    }  # fmt: skip
    return [named(name, asking(tool)) for name, tool in tools.items()]


def run_text(session: Session, text: Any, title: Any) -> None:
    """Run code of the editor or the clipboard: what is marked with #IDE, else the Python blocks, else all of it."""
    code = runnable(str(text))
    if not code.strip():
        raise FieldError("start", key="problem.no_code")
    session.desk.execute(code, str(title)[:80])


def runnable(text: str) -> str:
    """The code in a text that was typed or copied."""
    from samantha.code import blocks

    if len(text) > LARGEST_CODE:
        raise FieldError("start", key="problem.code_length")
    return blocks.runnable(text)


def run_last(session: Session, title: Any) -> None:
    """Run the code of the last response again."""
    session.desk.execute(str(last_code(session)["code"]), str(title)[:80])


def last_code(session: Session) -> Answer:
    """The Python code of the last response that has some."""
    from samantha.code import blocks

    for line in reversed(session.view.shown()):
        if isinstance(line, Card) and (code := blocks.extract(str(line.text)).python).strip():
            return {"code": code, "step": line.step}
    raise FieldError("start", key="problem.no_last_code")


def _folders(bench: Workbench, session: Session) -> Answer:
    """The work folders of this tab's runs, the folder of numbered files, and the run store."""
    runs = [line.code.run for line in session.view.shown() if isinstance(line, Card) and line.code]
    return {
        "runs": [session.desk.run_id, *dict.fromkeys(reversed(runs))],
        "numbered": str(settings.data_folder() / "code"), "store": str(bench.store_path),
    }  # fmt: skip


def _work_folder(run: Any) -> Path:
    from samantha.code.workplace import workplace

    return workplace(str(run)).box


def save_numbered(_: Session, code: Any, folder: Any, name: Any) -> Answer:
    """Save code as the next numbered file of a folder."""
    from samantha.code import numbered

    return {"saved": str(numbered.save(runnable(str(code)), typed_path(str(folder)), str(name) or "code"))}


def numbered_files(_: Session, folder: Any) -> Answer:
    """The numbered files of a folder, in order."""
    from samantha.code import numbered

    return {"files": [file.name for file in numbered.files(typed_path(str(folder)))]}


def run_numbered(session: Session, folder: Any) -> None:
    """Run the numbered files of a folder in order."""
    session.desk.execute_files(typed_path(str(folder)))


def jupyter(session: Session, run: Any) -> Answer:
    """JupyterLab on the work folder of a run."""
    from samantha.code import tools

    return {"url": tools.jupyter(str(run), access=session.grants.access).url}


def dtale(session: Session, table: Any, run: Any) -> Answer:
    """D-Tale on a CSV file: a full path, or a name in the work folder."""
    from samantha.code import tools

    return {"url": tools.dtale(typed_path(str(table), _work_folder(run)), session.grants.access).url}


def _database(bench: Workbench, file: Any, run: Any) -> Answer:
    """The tables of a database file, and whether DB Browser is installed."""
    from samantha.code import databases

    place = typed_path(str(file), _work_folder(run))
    if place == bench.store_path:
        bench.settle_store()
    found: dict[str, Any] = msgspec.to_builtins(databases.contents(place))
    return found | {"file": str(place), "browser": databases.browser() is not None}


def rows(_: Session, file: Any, table: Any, offset: Any = 0) -> Answer:
    """Rows of a table."""
    from samantha.code import databases

    begin = int(offset) if isinstance(offset, int | float) else 0
    found: Answer = msgspec.to_builtins(databases.rows(typed_path(str(file)), str(table), begin, SHOWN_ROWS))
    return found


def browse(_: Session, file: Any) -> None:
    """Open a database file in DB Browser."""
    from samantha.code import databases

    program = databases.browser()
    if program is None:
        raise FieldError("start", key="problem.no_browser")
    databases.open_in_browser(typed_path(str(file)), program)


def executable(session: Session, code: Any, name: Any, folder: Any) -> None:
    """Make an executable of code."""
    session.desk.build(runnable(str(code)), str(name).strip(), typed_path(str(folder)))


def processes(_: Session) -> Answer:
    """What code and tools left running."""
    from samantha.code import background

    found = background.entries()
    return {"processes": [{"id": one.id, "title": one.title, "url": one.url, "run": one.run} for one in found]}


def _close(bench: Workbench, entry: str) -> Answer:
    """End one of them, or all when none is named."""
    from samantha.code import background

    if not entry:
        return {"closed": bench.code.close_processes()}
    for one in background.entries():
        if one.id == entry:
            background.close(one)
    return {"closed": 1}


def packages(_: Session) -> Answer:
    """What the code environment offers."""
    from samantha.code.environment import CodeEnvironment

    return {"packages": msgspec.to_builtins(CodeEnvironment().packages())}
