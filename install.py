#!/usr/bin/env python3
"""Install Samantha beside this file: find a Python, make `.venv`, fill it, and open the program when asked.

    python install.py                  install what is missing
    python install.py --dev            the tools of the tests too
    python install.py --open [ARGS]    install what is missing, then run `samantha ARGS`
    python install.py --system         missing Debian packages too (as root; otherwise the command is named)
    python install.py --fresh          make `.venv` anew, and use no wheel of llama.cpp that was built before

Standard library only, and any Python from 3.8 on can run it: it looks for a fitting one itself. Each step is recorded
in `.venv/installed.json`, so a start that finds everything done does nothing, and one that broke off goes on there.
What is not here: what is installed (requirements*.txt), checks of the machine (`samantha doctor`), and uninstalling
(delete the folder).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import IO

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_CODE = ROOT / ".venv-code"
LOG = ROOT / "install.log"
WINDOWS = os.name == "nt"
MINORS = (13, 12, 11)
"""The minor versions of Python 3 that fit, best first."""

LLAMA_WHEELS = os.environ.get("SAMANTHA_LLAMA_WHEELS", "https://abetlen.github.io/llama-cpp-python/whl/cpu")
"""llama-cpp-python's own index of prebuilt wheels; the variable names another (one with CUDA), or none when empty."""
INDEX_SECONDS = 4.0
"""How long that index may take to answer before the source build begins."""
DOWNLOAD_SECONDS = 600.0

SYSTEM_PACKAGES = {"bubblewrap": "bwrap", "espeak-ng": "espeak-ng", "build-essential": "c++"}
"""Debian packages, and the command that shows that one is not needed because something else provides it."""
SYSTEM_PACKAGES_DEV = {"chromium": "chromium"}

PROBE = (
    "import sys, importlib.util as u; print(sys.version.split()[0], sys.maxsize > 2**32,"
    " u.find_spec('ensurepip') is not None, getattr(sys, '_base_executable', sys.executable), sep='\\t')"
)
LOAD_LLAMA = "import llama_cpp.llama_cpp as library; library.llama_backend_init()"

ADVICE = (
    (r"No space left|not enough space|ENOSPC", "The disk is full: free about 3 GB and start again."),
    (r"DO NOT MATCH THE HASHES|[Hh]ash mismatch", "A package is not the one that was locked: check the mirror in use."),
    (r"Killed signal|out of memory", "Memory ran out: set CMAKE_BUILD_PARALLEL_LEVEL=1 and start again."),
    (
        r"name resolution|dns error|resolve host|error sending request|unreachable|timed? ?out|Connection|No matching dist",
        "The package index cannot be reached: check the network and start again; what is done stays done.",
    ),
    (r"Permission denied|Access is denied", f"A file cannot be written: check that {ROOT} is yours and not in use."),
)

COMPILER_ADVICE = {
    "darwin": "run `xcode-select --install`",
    "win32": "install Visual Studio Build Tools with the workload 'Desktop development with C++'",
    "linux": "install a C++ compiler (`sudo apt-get install build-essential`, `sudo dnf install gcc-c++ make`)",
}

MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "PYTHONPATH", "UV_SYSTEM_PYTHON", "UV_TARGET")
"""Variables that would send packages elsewhere than into the environment they are meant for."""


class InstallError(Exception):
    """The installation cannot go on; the message says what to do."""


# ---------------------------------------------------------------------------------------------- saying and running


def say(text: str) -> None:
    """A line for the person, on standard error (standard output belongs to the program), and for the log."""
    print(text, file=sys.stderr, flush=True)
    log(text)


def log(text: str) -> None:
    """A line for the log, when there is one: a start that does nothing opens none."""
    if Lock.file is not None:
        Lock.file.write(text.rstrip("\n") + "\n")
        Lock.file.flush()


def child_environment() -> dict[str, str]:
    """The environment of every child: the user's own with its mirrors, less what would misdirect packages."""
    return {key: value for key, value in os.environ.items() if key not in MISLEADING}


def run(command: Sequence[object], timeout: float | None = None, **variables: str) -> str:
    """Run a command to its end and return its output, which goes to the log as well.

    Raises:
        InstallError: it failed, could not be started or took longer than `timeout` seconds.
    """
    words = [str(word) for word in command]
    log("$ " + " ".join(words))
    try:
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={**child_environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{words[0]} could not run: {error}") from error
    log(done.stdout)
    if done.returncode:
        raise InstallError(advice(done.stdout, done.returncode))
    return done.stdout


def advice(output: str, status: int) -> str:
    """One sentence that says what to do about a command that failed with this output."""
    for pattern, sentence in ADVICE:
        if re.search(pattern, output):
            return f"{sentence} (Details: {LOG})"
    lines = [line.strip() for line in output.splitlines() if line.strip()] or [f"exit status {status}"]
    return f"{lines[-1][:300]} (Details: {LOG}; start again when that is mended.)"


def clock(seconds: float) -> str:
    """`0:07`, `12:31`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Lock:
    """One installation at a time: holds the log open, and locked, while it works."""

    file: IO[str] | None = None

    def __enter__(self) -> Lock:
        try:
            Lock.file = LOG.open("a+", encoding="utf-8")
        except OSError as error:
            raise InstallError(f"{LOG} cannot be written ({error.strerror}): make {ROOT} writable.") from error
        if not self._try():
            print("Another installation is at work here; waiting for it ...", file=sys.stderr)
            while not self._try():
                time.sleep(0.5)
        Lock.file.truncate(0)
        return self

    def _try(self) -> bool:
        assert Lock.file is not None
        try:
            if sys.platform == "win32":
                import msvcrt

                Lock.file.seek(1 << 30)
                msvcrt.locking(Lock.file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(Lock.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        assert Lock.file is not None
        Lock.file.close()
        Lock.file = None


# ------------------------------------------------------------------------------------------------- finding a Python


def candidates() -> Iterator[list[str]]:
    """Commands that may start a fitting Python: the running one, those on PATH, the launcher's, pyenv's."""
    yield [getattr(sys, "_base_executable", sys.executable)]
    for minor in MINORS:
        found = shutil.which(f"python3.{minor}")
        if found:
            yield [found]
        if WINDOWS and shutil.which("py"):
            yield ["py", f"-3.{minor}"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for minor in MINORS:
        for python in sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python3"), reverse=True):
            yield [str(python)]
        for python in sorted(pyenv.glob(f"pyenv-win/versions/3.{minor}.*/python.exe"), reverse=True):
            yield [str(python)]


def probe(command: Sequence[object]) -> tuple[str, bool, str] | None:
    """Version, whether it can make environments, and its path; None where it does not run or does not fit."""
    try:
        done = subprocess.run(
            [*map(str, command), "-c", PROBE],
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            encoding="utf-8",
        )
        version, wide, pip, path = done.stdout.strip().split("\t")
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if done.returncode or wide != "True" or not re.match(r"3\.(%s)\." % "|".join(map(str, MINORS)), version):
        return None
    return version, pip == "True", path


def find_python() -> tuple[str, str]:
    """Version and path of the first Python that fits.

    Raises:
        InstallError: there is none, or none that can make environments.
    """
    without_venv = ""
    for command in candidates():
        found = probe(command)
        if found and found[1]:
            return found[0], found[2]
        without_venv = without_venv or (found[0] if found else "")
    if without_venv:
        package = "python" + ".".join(without_venv.split(".")[:2]) + "-venv"
        raise InstallError(f"Python {without_venv} lacks its venv module: run `sudo apt-get install {package}`.")
    raise InstallError(
        f"Samantha needs a 64-bit Python 3.11, 3.12 or 3.13, and none was found (this one is {sys.version.split()[0]}):"
        " install 3.12 from python.org or your system's packages (or, with uv: `uv python install 3.12`)"
        " and start again."
    )


# --------------------------------------------------------------------------------------------------- environments


class Environment:
    """A virtual environment and the record of the steps that were finished in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts = folder / ("Scripts" if WINDOWS else "bin")
        self.python = self.scripts / ("python.exe" if WINDOWS else "python")
        self.record: dict[str, str] = {}
        self.read()

    def read(self) -> None:
        """Read the record again: another installation may have written it."""
        try:
            self.record = dict(json.loads((self.folder / "installed.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            self.record = {}

    def write(self) -> None:
        """Write the record, whole or not at all."""
        partial = self.folder / "installed.part"
        partial.write_text(json.dumps(self.record, indent=1), "utf-8")
        partial.replace(self.folder / "installed.json")

    def sound(self) -> bool:
        """Whether its Python runs, fits, and is the one that the record was written for."""
        found = probe([self.python]) if self.python.exists() else None
        return found is not None and self.record.get("python") == found[0]

    def make(self) -> None:
        """Make it anew unless it is sound; one that other hands made, without a record, is used if its pip runs."""
        if self.sound():
            return
        found = probe([self.python]) if self.python.exists() and not self.record else None
        if found and quiet([*map(str, self.pip("--version"))]):
            self.record = {"python": found[0]}
            return self.write()
        version, python = find_python()
        if self.folder.exists():
            say(f"{self.folder.name} is incomplete or its Python does not run: it is made anew.")
            shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.record = {"unfinished": "making"}
        self.write()
        with Step(f"making {self.folder.name} with Python {version} ({python})"):
            run([python, "-m", "venv", self.folder])
        self.record = {"python": version}
        self.write()

    def step(self, name: str, key: str, title: str, action: Callable[[bool], None]) -> None:
        """Do `action` unless the record says it was done with this key; tell it whether it broke off before."""
        if self.record.get(name) == key:
            return
        broke_off = self.record.get("unfinished") == name
        self.record["unfinished"] = name
        self.write()
        with Step(title):
            action(broke_off)
        self.record[name] = key
        del self.record["unfinished"]
        self.write()

    def install(self, *arguments: object, again: bool = False, timeout: float | None = None) -> None:
        """Install packages with uv, or with pip where there is no uv or uv fails (pip knows more mirrors)."""
        uv = VENV / self.scripts.name / ("uv.exe" if WINDOWS else "uv")
        if uv.exists():
            command = [uv, "pip", "install", "--python", self.python, *(["--reinstall"] if again else []), *arguments]
            try:
                run(command, timeout, **mirror())
            except InstallError as error:
                say(f"  uv failed, trying pip: {error}")
            else:
                return
        force = ["--force-reinstall"] if again else []
        run([*self.pip("install"), *force, *arguments], timeout)

    def pip(self, command: str) -> list[object]:
        """The beginning of a pip command."""
        return [self.python, "-m", "pip", command, "--disable-pip-version-check", "--no-input"]


class Step:
    """Says what is done and, after it, how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __enter__(self) -> None:
        self.started = time.monotonic()
        say(f"- {self.title}")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            say(f"  done in {time.monotonic() - self.started:.1f} s")


def mirror() -> dict[str, str]:
    """uv's variables for the package index and certificates that pip was told of in variables; uv's own win."""
    variables = {}
    if "PIP_INDEX_URL" in os.environ and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(os.environ):
        variables["UV_DEFAULT_INDEX"] = os.environ["PIP_INDEX_URL"]
    if "PIP_CERT" in os.environ and "SSL_CERT_FILE" not in os.environ:
        variables["SSL_CERT_FILE"] = os.environ["PIP_CERT"]
    return variables


# ------------------------------------------------------------------------------------------------------- the steps


def digest(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def locked(package: str) -> str:
    """The entry of requirements-install.txt for a package: its pin and its hashes."""
    text = (ROOT / "requirements-install.txt").read_text("utf-8")
    found = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n?", text, re.MULTILINE)
    if found is None:
        raise InstallError(f"requirements-install.txt has no entry for {package}: get the file again.")
    return found.group()


def pinned(package: str) -> str:
    """`package==version` as locked."""
    return locked(package).split()[0]


def project_key() -> str:
    """What the installed package depends on: pyproject.toml up to the tools' settings."""
    return digest((ROOT / "pyproject.toml").read_text("utf-8").split("[dependency-groups]")[0])


def program_steps(environment: Environment, dev: bool, fresh: bool) -> list[tuple[str, str, str, Callable[[bool], None]]]:
    """The steps of `.venv` in their order: name, key, title, action."""
    steps = [
        ("uv", pinned("uv"), "getting uv, which installs faster", lambda again: get_uv(environment, again)),
        requirements_step(environment, "requirements.txt"),
        (
            "llama-cpp-python",
            f"{pinned('llama-cpp-python')} {cpu()}",
            f"installing {pinned('llama-cpp-python')}",
            lambda again: get_llama(environment, fresh),
        ),
        (
            "samantha",
            project_key(),
            "installing samantha itself",
            lambda again: environment.install("--no-deps", "--editable", ROOT, again=again),
        ),
    ]
    return [*steps, requirements_step(environment, "requirements-dev.txt")] if dev else steps


def requirements_step(environment: Environment, name: str) -> tuple[str, str, str, Callable[[bool], None]]:
    """The step that installs one locked list."""

    def action(again: bool) -> None:
        environment.install("--no-deps", "--require-hashes", "-r", ROOT / name, again=again)

    return name, digest((ROOT / name).read_text("utf-8")), f"installing {name}", action


def get_uv(environment: Environment, again: bool) -> None:
    """Get uv with pip; without it everything goes on with pip alone."""
    entry = environment.folder / "uv.txt"
    entry.write_text(locked("uv"), "utf-8")
    try:
        force = ["--force-reinstall"] if again else []
        run([*environment.pip("install"), "--require-hashes", "--only-binary=:all:", *force, "-r", entry])
    except InstallError as error:
        say(f"  uv cannot be had ({error}); going on with pip, which takes longer.")


# -------------------------------------------------------------------------------------------------------- llama.cpp


def get_llama(environment: Environment, fresh: bool) -> None:
    """Install llama-cpp-python: the wheel built here before, else a prebuilt one, else build it."""
    cache = wheel_cache()
    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    kept = next(iter(sorted(cache.glob("*.whl"))), None)
    if kept is not None:
        say(f"  using the wheel that was built here before ({kept})")
        if installs_and_loads(environment, kept):
            return
        say("  it does not load on this machine")
        kept.unlink()
    elif LLAMA_WHEELS and prebuilt(environment):
        return
    environment.install("--no-deps", build_llama(environment, cache), again=True)
    run([environment.python, "-c", LOAD_LLAMA])


def prebuilt(environment: Environment) -> bool:
    """Install the prebuilt wheel, when its index answers at once, has one that fits, and it loads."""
    version = pinned("llama-cpp-python").split("==")[1]
    if f"llama_cpp_python-{version}-" not in fetch(f"{LLAMA_WHEELS.rstrip('/')}/llama-cpp-python/"):
        say("  no prebuilt wheel: its index does not answer or does not have this version")
        return False
    say("  getting the prebuilt wheel")
    where = ["--only-binary", "llama-cpp-python", "--index-url", LLAMA_WHEELS]
    return installs_and_loads(environment, *where, pinned("llama-cpp-python"))


def installs_and_loads(environment: Environment, *arguments: object) -> bool:
    """Install llama-cpp-python from what the arguments say, and load its library (one for another CPU dies here)."""
    try:
        environment.install("--no-deps", *arguments, again=True, timeout=DOWNLOAD_SECONDS)
        run([environment.python, "-c", LOAD_LLAMA])
    except InstallError as error:
        say(f"  that wheel cannot be used: {error}")
        return False
    return True


def fetch(url: str) -> str:
    """The text of a page; empty when it does not come within `INDEX_SECONDS` (name resolution included)."""
    import threading
    import urllib.request

    answer: list[str] = []

    def get() -> None:
        try:
            with urllib.request.urlopen(url, timeout=INDEX_SECONDS) as page:
                answer.append(page.read().decode("utf-8", "replace"))
        except (OSError, ValueError) as error:
            log(f"{url}: {error}")

    thread = threading.Thread(target=get, daemon=True)
    thread.start()
    thread.join(INDEX_SECONDS)
    return answer[0] if answer else ""


def build_llama(environment: Environment, cache: Path) -> Path:
    """Build the wheel from source for this machine's CPU, keep it in `cache`, and return its path.

    Raises:
        InstallError: there is no compiler, or the build failed.
    """
    if not has_compiler():
        todo = COMPILER_ADVICE.get(sys.platform, COMPILER_ADVICE["linux"])
        raise InstallError(f"llama.cpp has to be compiled here and there is no C++ compiler: {todo}, then start again.")
    say("  building llama.cpp for this CPU, once: about 5 minutes with 2 cores")
    work = environment.folder / "build"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "llama.txt").write_text(locked("llama-cpp-python"), "utf-8")
    command = environment.pip("wheel") + ["-v", "--no-cache-dir", "--no-deps", "--require-hashes"]
    watch([*command, "-r", work / "llama.txt", "-w", work / "wheel"], work)
    built = next((work / "wheel").glob("*.whl"))
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / built.name
    shutil.copyfile(built, kept.with_suffix(".part"))
    kept.with_suffix(".part").replace(kept)
    shutil.rmtree(work, ignore_errors=True)
    return kept


def watch(command: Sequence[object], work: Path) -> None:
    """Run a build with a progress line; stop it, children and all, when this program is stopped.

    Raises:
        InstallError: it failed.
    """
    import threading

    # Windows keeps its short temporary folder: paths of the build come near its limit of 260 characters.
    variables = {} if WINDOWS else {"TMPDIR": str(work)}
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env={**child_environment(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=not WINDOWS,
        encoding="utf-8",
        errors="replace",
    )
    lines: list[str] = []
    reader = threading.Thread(target=drain, args=(process, lines), daemon=True)
    reader.start()
    try:
        show_progress(process, lines)
    finally:
        if process.poll() is None:
            end(process)
    reader.join(5)
    if process.returncode:
        raise InstallError(advice("\n".join(lines[-200:]), process.returncode))


def drain(process: subprocess.Popen[str], lines: list[str]) -> None:
    """Read what the build prints into the log and into `lines`."""
    assert process.stdout is not None
    for line in process.stdout:
        log(line)
        lines.append(line)


def show_progress(process: subprocess.Popen[str], lines: list[str]) -> None:
    """Draw the progress line until the build ends: each second on a terminal, else each tenth of the way."""
    started, seen, told, percent = time.monotonic(), 0, -1, 0
    terminal = sys.stderr.isatty()
    while process.poll() is None:
        time.sleep(0.2)
        new, seen = lines[seen:], len(lines)
        percent = next((share for share in map(progress, reversed(new)) if share is not None), percent)
        elapsed = time.monotonic() - started
        mark = int(elapsed) if terminal else percent // 10
        if mark != told:
            told = mark
            line = f"  building llama.cpp [{percent:3}%] {clock(elapsed)}"
            print(line, end="\r" if terminal else "\n", file=sys.stderr, flush=True)
    if terminal:
        print(file=sys.stderr)


def progress(line: str) -> int | None:
    """How far a build is, in percent, from a line of make (`[ 45%]`) or of ninja (`[45/100]`)."""
    make = re.match(r"\s*\[\s*(\d+)%\]", line)
    if make:
        return int(make.group(1))
    ninja = re.match(r"\s*\[(\d+)/(\d+)\]", line)
    return 100 * int(ninja.group(1)) // max(1, int(ninja.group(2))) if ninja else None


def end(process: subprocess.Popen[str]) -> None:
    """End a build and its compilers."""
    if sys.platform == "win32":
        process.kill()
    else:
        import signal

        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def has_compiler() -> bool:
    """Whether a C++ compiler can be found, where CMake would look for one."""
    if os.environ.get("CXX") or any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        # On macOS /usr/bin/c++ is there without the tools, and only offers to install them.
        return sys.platform != "darwin" or quiet(["xcode-select", "-p"]) != ""
    folder = os.environ.get("ProgramFiles(x86)", "")
    vswhere = Path(folder) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    return WINDOWS and quiet([str(vswhere), "-products", "*", "-requires", tools, "-property", "installationPath"]) != ""


def quiet(command: list[str]) -> str:
    """What a command prints; empty when it fails or is not there."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def wheel_cache() -> Path:
    """Where the wheel built for this version, this Python and this CPU is kept, shared by all checkouts."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "samantha" / "Cache"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "samantha"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samantha"
    version = pinned("llama-cpp-python").replace("==", "-")
    python = "cp" + "".join(Environment(VENV).record.get("python", "").split(".")[:2])
    return base / "wheels" / f"{version}-{python}-{cpu()}"


def cpu() -> str:
    """A name for this machine's CPU, its vector instructions and what CMake was told: a native build fits only it."""
    import platform

    facts = [platform.machine(), os.environ.get("CMAKE_ARGS", "")]
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in iter(lines.readline, "\n"):
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "CPU implementer", "CPU part"):
                    facts.append(value.strip())
                elif key.strip() in ("flags", "Features"):
                    vector = r"\b(?:avx|amx|fma|f16c|bmi|sse|asimd|sve|sme|i8mm|bf16|fphp)\w*"
                    facts += sorted(re.findall(vector, value))
                elif not line:
                    break
    except OSError:
        facts.append(quiet(["sysctl", "-n", "machdep.cpu.brand_string"]) or os.environ.get("PROCESSOR_IDENTIFIER", ""))
    return f"{platform.machine()}-{digest(' '.join(facts))}"


# -------------------------------------------------------------------------------------------------- system packages


def missing_packages(dev: bool) -> list[str]:
    """Debian packages that are wanted and neither installed nor provided by something else."""
    wanted = {**SYSTEM_PACKAGES, **(SYSTEM_PACKAGES_DEV if dev else {})}
    missing = [package for package, command in wanted.items() if not shutil.which(command)]
    if not missing or not shutil.which("dpkg-query"):
        return []
    status = quiet(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]).split("\n")
    return [package for package in missing if f"{package} installed" not in status]


def system_packages(packages: list[str]) -> None:
    """Install them as root; otherwise name the command. The program runs without them, with less."""
    if not packages:
        return
    command = "apt-get install " + " ".join(packages)
    if WINDOWS or os.geteuid() != 0 or not shutil.which("apt-get"):
        say(f"Some of Samantha needs system packages that are not here: `sudo {command}` installs them.")
        return
    variables = {"DEBIAN_FRONTEND": "noninteractive"}
    with Step(f"installing system packages: {', '.join(packages)}"):
        try:
            run(["apt-get", "update", "-q"], **variables)
        except InstallError as error:
            say(f"  the list of packages could not be renewed: {error}")
        for package in packages:
            try:
                run(["apt-get", "install", "-q", "-y", "--no-install-recommends", package], **variables)
            except InstallError as error:
                say(f"  {package} could not be installed, and what needs it will say so: {error}")


# -------------------------------------------------------------------------------------------------------------- main


def finished(dev: bool) -> bool:
    """Whether everything is there already, so that nothing at all has to be done."""
    environment, code = Environment(VENV), Environment(VENV_CODE)
    steps = program_steps(environment, dev, fresh=False)
    done = all(environment.record.get(name) == key for name, key, _, _ in steps) and environment.sound()
    if done and (ROOT / "requirements-code.txt").exists():
        name, key, _, _ = requirements_step(code, "requirements-code.txt")
        done = code.record.get(name) == key and code.sound()
    return done


def install(dev: bool, system: bool, fresh: bool) -> None:
    """Bring everything to where `finished` is true.

    Raises:
        InstallError: something is missing that this program cannot get by itself.
    """
    started = time.monotonic()
    say(f"Installing Samantha in {ROOT}")
    if system:
        system_packages(missing_packages(dev))
    if fresh:
        shutil.rmtree(VENV, ignore_errors=True)
    environment = Environment(VENV)
    environment.make()
    for step in program_steps(environment, dev, fresh):
        environment.step(*step)
    if (ROOT / "requirements-code.txt").exists():
        code = Environment(VENV_CODE)
        code.make()
        code.step(*requirements_step(code, "requirements-code.txt"))
    say(f"Samantha is installed ({clock(time.monotonic() - started)}).")


def open_samantha(arguments: list[str]) -> int:
    """Run the program in place of this one; returns its exit status where the platform cannot replace a process."""
    command = [str(Environment(VENV).scripts / ("samantha.exe" if WINDOWS else "samantha")), *arguments]
    if not WINDOWS:
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the program got it too, and ends in its own way


def main(arguments: list[str]) -> int:
    """Read the arguments and do what they say; returns the exit status."""
    cut = arguments.index("--open") if "--open" in arguments else len(arguments)
    options, program = set(arguments[:cut]), arguments[cut + 1 :]
    unknown = options - {"--dev", "--system", "--fresh"}
    if unknown:
        print(__doc__, file=sys.stderr)
        return 0 if unknown <= {"-h", "--help"} else 2
    dev, system, fresh = ("--dev" in options, "--system" in options, "--fresh" in options)
    try:
        if fresh or not finished(dev):
            stop_on_signals()
            with Lock():
                if fresh or not finished(dev):
                    install(dev, system, fresh)
    except InstallError as error:
        print(f"Samantha is not installed yet. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start again to go on from here.", file=sys.stderr)
        return 130
    return open_samantha(program) if cut < len(arguments) else 0


def stop_on_signals() -> None:
    """Let the ordinary ways of ending a program end the build below it too."""
    import signal

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
