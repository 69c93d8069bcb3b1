"""JupyterLab and D-Tale of the code environment, opened on a folder or a file of the user's.

Both run in the same sandbox as generated code, with a network of their own, and answer only to their token: a notebook
may touch its folder and what was granted, and nothing else, however untrusted the code in it is. So `pip install` does
not work in it, nor anything else that needs the internet. Where there is no sandbox they run only with full access:
then they are the user's own programs, which may do whatever the user may.

Both go on until they are closed (`background.py`), also when the program ends.
"""

import contextlib
import os
import re
import secrets
import subprocess
import sys
import threading
from pathlib import Path

import msgspec

from samantha import settings
from samantha.code import background, proof
from samantha.code.background import Entry
from samantha.code.code import CodeError
from samantha.code.environment import CodeEnvironment
from samantha.code.keeper import Answer, Service
from samantha.code.runner import INSIDE
from samantha.code.workplace import workplace
from samantha.sandbox.access import GIB, Access, Limits

LIMITS = Limits(
    seconds=7 * 24 * 3600, cpu_seconds=7 * 24 * 3600, file_size=4 * GIB, disk=16 * GIB, files=200_000, processes=512,
    open_files=4096,
)  # fmt: skip
"""A notebook is open for days and starts an interpreter for each of its kernels."""

NOTEBOOKS = "notebooks"
"""The work folder that JupyterLab is opened on when none is named."""

TABLES = "tables"
"""The work folder that D-Tale has while it looks at a file from elsewhere."""

PYTHON = ("{python}", "-I", "-B", "-X", "utf8")

TEMPORARY = "/tmp"
"""The sandbox's own."""


def jupyter(run: str = "", folder: Path | None = None, access: Access = Access()) -> Entry:
    """Start JupyterLab on the work folder of a run, or on a folder of the user's, and give its address with its token.

    Args:
        run: the run whose work folder is opened; empty for one that is kept for notebooks.
        folder: a folder of the user's instead, which JupyterLab may write.

    Raises:
        CodeError: the folder cannot be used, the code environment is not whole, or there is no sandbox.
    """
    root = "{box}"
    if folder is not None:
        if not folder.is_dir():
            raise CodeError(f"{folder} is no folder that can be opened: give one that is there.")
        run, root = _in_a_box(folder.resolve())
    if folder is not None and not run:
        access = msgspec.structs.replace(access, writable=(*access.writable, folder.resolve()))
    token = secrets.token_urlsafe(32)
    command = (*PYTHON, "{inside}/notebook.py", f"--ServerApp.root_dir={root}", *JUPYTER_OPTIONS)
    service = _service(run or NOTEBOOKS, command, access, token, _jupyter_places(access))
    service = msgspec.structs.replace(
        service, at_socket=("--ServerApp.sock={socket}", "--ServerApp.sock_mode=0660"),
        at_port=("--ServerApp.ip=127.0.0.1", "--ServerApp.port={port}", "--ServerApp.port_retries=0"),
    )  # fmt: skip
    return _start("JupyterLab", service, f"lab?token={token}", run)


JUPYTER_OPTIONS = (
    "--no-browser", "--allow-root", "--ServerApp.password=", "--ServerApp.allow_remote_access=False",
    "--ServerApp.quit_button=True", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)  # fmt: skip
"""Token only, this computer only, and nothing asked of the internet."""


def _jupyter_places(access: Access) -> dict[str, str]:
    """Its settings are Samantha's own, so that nothing in the user's takes the token away."""
    place = str(settings.data_folder() / "jupyter") if access.full else f"{TEMPORARY}/jupyter"
    return {
        "JUPYTER_CONFIG_DIR": f"{place}/config", "JUPYTER_DATA_DIR": f"{place}/data",
        "JUPYTER_RUNTIME_DIR": f"{place}/runtime", "IPYTHONDIR": f"{place}/ipython", "JUPYTER_NO_CONFIG": "1",
        "JUPYTERLAB_SETTINGS_DIR": f"{place}/settings", "JUPYTERLAB_WORKSPACES_DIR": f"{place}/workspaces",
    }  # fmt: skip


def dtale(table: Path, access: Access = Access()) -> Entry:
    """Start D-Tale on a CSV file, which is only read, and give its address with its token.

    Raises:
        CodeError: the file cannot be read as a table, the code environment is not whole, or there is no sandbox.
    """
    _check_table(table)
    named = table.parent.resolve() / table.name
    table = table.resolve()
    run, place = _in_a_box(table)
    if _in_a_box(named)[0] != run:
        raise CodeError(f"{named} leads out of the work folder: give the file itself.")
    if not run:
        access = msgspec.structs.replace(access, readable=(*access.readable, table))
    token = secrets.token_urlsafe(32)
    command = (*PYTHON, "{inside}/explore.py", place)
    service = _service(run or TABLES, command, access, token)
    service = msgspec.structs.replace(service, at_socket=("unix://{socket}", "0"), at_port=("127.0.0.1", "{port}"))
    return _start(f"D-Tale: {table.name}", service, f"?token={token}", run)


def _in_a_box(place: Path) -> tuple[str, str]:
    """The run in whose work folder a place lies, and its name there; no run, and the place itself, for any other.

    What lies in a work folder cannot be granted, as the program's own data, but the code of that run sees it anyway.
    """
    work = (settings.data_folder() / "work").resolve()
    parts = place.relative_to(work).parts if place.is_relative_to(work) else ()
    if len(parts) < 2 or parts[1] != "box":
        return "", str(place)
    return parts[0], "/".join(("{box}", *parts[2:]))


def _check_table(table: Path) -> None:
    if table.is_dir():
        raise CodeError(f"{table} is a folder: give the path of a CSV file in it.")
    if not table.exists():
        raise CodeError(f"There is no file {table}: check its name and folder.")
    if not table.is_file():
        raise CodeError(f"{table} is not an ordinary file, so it cannot be read as a table.")
    try:
        with table.open("rb") as stream:
            if not stream.read(1):
                raise CodeError(f"{table} is empty: there is no table in it.")
    except OSError as error:
        raise CodeError(f"{table} cannot be read ({error.strerror}): check its permissions.") from error


def _service(
    run: str, command: tuple[str, ...], access: Access, token: str, variables: dict[str, str] | None = None
) -> Service:
    """A service in the work folder of `run`.

    Raises:
        CodeError: the code environment is not whole, or what is asked for needs full access.
    """
    environment = CodeEnvironment()
    if not environment.ready:
        raise CodeError(environment.sentence)
    if not access.full and (mode := proof.proof().mode) != "isolated":
        raise CodeError(f"This needs an isolated sandbox, but here it is {mode}: allow full access to open it anyway.")
    command = tuple(str(environment.python) if part == "{python}" else part for part in command)
    return Service(command, (), (), workplace(run), environment.folder, INSIDE, access, LIMITS, variables or {}, token)


def _start(title: str, service: Service, page: str, run: str) -> Entry:
    """Start a keeper, wait for its answer and register it."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "samantha.code.keeper"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(settings.ROOT)},
            start_new_session=sys.platform != "win32", creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
    except OSError as error:
        raise CodeError(f"{title} cannot be started ({error.strerror}): end some programs.") from error
    assert process.stdin
    assert process.stdout
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(service.told())
    with process.stdout:
        line = process.stdout.readline()
    threading.Thread(target=process.wait, name=title, daemon=True).start()
    answer = msgspec.json.decode(line, type=Answer) if line else Answer(problem="its keeper ended")
    if not answer.url:
        raise CodeError(f"{title} did not start: {_sentence(answer.problem)}")
    return background.register(answer.pid, title, answer.url + page, run)


def _sentence(problem: str) -> str:
    """Without the mark that log lines begin with."""
    plain = re.sub(r"^\[\w [^\]]*\]\s*", "", problem)
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."
