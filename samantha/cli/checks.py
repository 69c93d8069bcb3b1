"""What `samantha doctor` looks at: each check says whether its part is ok, degraded or missing, and what to do.

Checks look and change nothing. The native library is looked at in a process of its own, which it may abort.
"""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from samantha import settings
from samantha.cli.tables import size
from samantha.errors import SamanthaError

PATIENCE = 120
"""Seconds for the native library: a cold disk and a virus scanner can take long."""

LEAST_MEMORY = 4e9
LEAST_DISK = 2e9

NATIVE = """
import json
from samantha.models.llama import native
import llama_cpp
drift = native.struct_drift()
print(json.dumps({"version": llama_cpp.__version__, "expected": native.EXPECTED_VERSION, "drift": drift,
                  "system": native.lib.llama_print_system_info().decode()}))
"""


class Finding(msgspec.Struct, frozen=True):
    """What a check found. A necessary part that is missing keeps the program from doing its main job."""

    part: str
    state: Literal["ok", "degraded", "missing"]
    message: str
    necessary: bool = False


def findings() -> list[Finding]:
    """All checks, in order."""
    library = native_library()
    return [python(), *library, *(check() for check in CHECKS)]


def python() -> Finding:
    """The Python that runs this."""
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "ok", f"{version} at {sys.executable}")
    return Finding("python", "missing", f"{version} is not 3.11 to 3.13: install one of these, then Samantha.", True)


def native_library() -> list[Finding]:
    """llama.cpp: whether it loads, is the version this program is written for, and what of the processor it uses."""
    environment = os.environ | {"PYTHONPATH": str(settings.ROOT), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", NATIVE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
        told = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return [Finding("llama.cpp", "missing", f"It did not load within {PATIENCE} s: run the installer again.", True)]
    if told is None:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return [Finding("llama.cpp", "missing", f"It does not load ({last}): run the installer again.", True)]
    if told["drift"]:
        message = f"llama-cpp-python {told['version']} is not {told['expected']} ({told['drift']}): run the installer."
        return [Finding("llama.cpp", "missing", message, True)]
    return [Finding("llama.cpp", "ok", f"llama-cpp-python {told['version']}"), processor(told["system"])]


def processor(system: str) -> Finding:
    """The processor's features that llama.cpp uses; `system` is what `llama_print_system_info` says."""
    features = [part.split("=")[0].split(":")[-1].strip() for part in system.split("|") if part.strip().endswith("= 1")]
    cores = _psutil().cpu_count(logical=False) or os.cpu_count()
    message = f"{cores} cores; llama.cpp uses {', '.join(features) or 'no special instructions'}"
    if platform.machine().lower() in ("x86_64", "amd64") and "AVX2" not in features:
        return Finding("processor", "degraded", f"{message}; without AVX2 generation is several times slower.")
    return Finding("processor", "ok", message)


def memory() -> Finding:
    """Total and free memory."""
    found = _psutil().virtual_memory()
    message = f"{size(found.available)} of {size(found.total)} free"
    if found.available < LEAST_MEMORY:
        return Finding("memory", "degraded", f"{message}: choose models whose file is smaller, or end programs.")
    return Finding("memory", "ok", message)


def disk() -> Finding:
    """Free space where the store and downloads go."""
    folder = settings.data_folder()
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        return Finding("disk", "degraded", f"{size(free)} free in {folder}: models need more, so free some space.")
    return Finding("disk", "ok", f"{size(free)} free in {folder}")


def store() -> Finding:
    """Whether the run store can be opened and written."""
    from samantha.runs.store import RunStore

    with RunStore() as opened:
        newest = opened.runs(limit=1)
        return Finding("store", "ok", f"{opened.path}, newest run {newest[0].id if newest else 'none yet'}")


def models() -> Finding:
    """Samantha Tiny, and what else is in the model folders."""
    from samantha.models import library

    usable = [model for model in library.models() if not model.problem]
    others = len([model for model in usable if model.name != library.TINY])
    if not any(model.name == library.TINY for model in usable):
        return Finding("models", "degraded", f"Samantha Tiny is not in the package, {others} other models are there.")
    if not others:
        return Finding("models", "degraded", "only Samantha Tiny, a toy: put a .gguf file into your downloads folder.")
    return Finding("models", "ok", f"Samantha Tiny and {others} more")


def sandbox() -> Finding:
    """How far child processes are isolated."""
    from samantha.sandbox import isolation

    if isolation() == "bubblewrap":
        return Finding("sandbox", "ok", "bubblewrap: models have no network and see their own file only")
    return Finding("sandbox", "degraded", f"no isolation, so models run with your own rights: {_sandbox_advice()}")


def code_environment() -> Finding:
    """Whether generated code has something to run in."""
    from samantha.code.environment import CodeEnvironment

    environment = CodeEnvironment()
    if environment.ready:
        return Finding("code environment", "ok", f"{size(environment.size)} in {environment.folder}")
    return Finding("code environment", "degraded", environment.sentence)


def code_sandbox() -> Finding:
    """What the sandbox of generated code is worth, as shown by attacks."""
    from samantha.code import proof

    verdict = proof.proof()
    reasons = "; ".join(verdict.failures)
    if verdict.mode == "isolated":
        message = f"isolated: every attack was held ({verdict.seconds * 1000:.0f} ms)"
        return Finding("code sandbox", "ok", message)
    if verdict.mode == "reduced":
        return Finding("code sandbox", "degraded", f"reduced: every attack was held, but {reasons}.")
    return Finding("code sandbox", "degraded", f"none, so code runs with full access only: {reasons}.")


def page() -> Finding:
    """What the workbench is drawn with."""
    if importlib.util.find_spec("gradio") is None:
        message = "gradio is not installed, so the workbench cannot open: run the installer again."
        return Finding("page", "missing", message, True)
    return Finding("page", "ok", "gradio is installed")


def browser() -> Finding:
    """Whether there is a browser to open the page in."""
    try:
        return Finding("browser", "ok", webbrowser.get().__class__.__name__)
    except webbrowser.Error:
        return Finding("browser", "degraded", "none found: open the address that `samantha` prints yourself.")


def voices() -> Finding:
    """Whether answers can be read aloud."""
    if importlib.util.find_spec("pyttsx3") is None:
        return Finding("voices", "degraded", "pyttsx3 is not installed, so nothing is read aloud.")
    if sys.platform == "linux" and not (shutil.which("espeak-ng") or shutil.which("espeak")):
        return Finding("voices", "degraded", "espeak-ng is missing, so nothing is read aloud: install espeak-ng.")
    return Finding("voices", "ok", "the computer's own voices")


def _psutil() -> Any:
    import psutil

    return psutil


def _sandbox_advice() -> str:
    if sys.platform != "linux":
        return "on this system that is all there is for now."
    if shutil.which("bwrap") is None:
        return "install bubblewrap with your package manager (Debian, Ubuntu: sudo apt install bubblewrap)."
    return (
        "bubblewrap is installed but may not make namespaces here; on Ubuntu 24.04 its AppArmor profile must be"
        " enabled, in a container user namespaces must be allowed."
    )


def _told(part: str, check: Callable[[], Finding], necessary: bool) -> Callable[[], Finding]:
    """`check`, whose errors that a user can mend are findings."""

    def told() -> Finding:
        try:
            return check()
        except SamanthaError as error:
            return Finding(part, "missing", str(error), necessary)

    return told


CHECKS: tuple[Callable[[], Finding], ...] = tuple(
    _told(check.__name__.replace("_", " "), check, check in (store, disk))
    for check in (memory, disk, store, models, sandbox, code_environment, code_sandbox, page, browser, voices)
)
"""The checks that need nothing from each other."""
