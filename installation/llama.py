"""Getting llama-cpp-python: the wheel built here before, else a prebuilt one, else a build with a progress line.

A native build fits one kind of CPU, so the kept wheel's folder names it. A wheel counts as installed only when its
library loads. What is not here: any choice of build options (llama.cpp's own, and CMAKE_ARGS when set).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from installation.environments import Environment
from installation.locks import digest, locked, pinned
from installation.running import ROOT, WINDOWS, InstallError, advice, child_environment, clock, log, quiet, run, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WHEELS = os.environ.get("SAMANTHA_LLAMA_WHEELS", "https://abetlen.github.io/llama-cpp-python/whl/cpu")
"""llama-cpp-python's own index of prebuilt wheels; the variable names another (one with CUDA), or none when empty."""
INDEX_SECONDS = 4.0
"""How long that index may take to answer before the source build begins."""
DOWNLOAD_SECONDS = 600.0

LOAD = "import llama_cpp.llama_cpp as library; library.llama_backend_init()"

COMPILER_ADVICE = {
    "darwin": "run `xcode-select --install`",
    "win32": "install Visual Studio Build Tools with the workload 'Desktop development with C++'",
    "linux": "install a C++ compiler (`sudo apt-get install build-essential`, `sudo dnf install gcc-c++ make`)",
}


def get_llama(environment: Environment, fresh: bool) -> None:
    """Install llama-cpp-python: the wheel built here before, else a prebuilt one, else build it."""
    cache = wheel_cache(environment)
    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    kept = next(iter(sorted(cache.glob("*.whl"))), None)
    if kept is not None:
        say(f"  using the wheel that was built here before ({kept})")
        if installs_and_loads(environment, kept):
            return
        say("  it does not load on this machine")
        kept.unlink()
    elif WHEELS and prebuilt(environment):
        return
    environment.install("--no-deps", build_llama(environment, cache), again=True)
    run([environment.python, "-c", LOAD])


def prebuilt(environment: Environment) -> bool:
    """Install the prebuilt wheel, when its index answers at once, has one that fits, and it loads."""
    version = pinned("llama-cpp-python").split("==")[1]
    if f"llama_cpp_python-{version}-" not in fetch(f"{WHEELS.rstrip('/')}/llama-cpp-python/"):
        say("  no prebuilt wheel: its index does not answer or does not have this version")
        return False
    say("  getting the prebuilt wheel")
    where = ["--only-binary", "llama-cpp-python", "--index-url", WHEELS]
    return installs_and_loads(environment, *where, pinned("llama-cpp-python"))


def installs_and_loads(environment: Environment, *arguments: object) -> bool:
    """Install llama-cpp-python from what the arguments say, and load its library (one for another CPU dies here)."""
    try:
        environment.install("--no-deps", *arguments, again=True, timeout=DOWNLOAD_SECONDS)
        run([environment.python, "-c", LOAD])
    except InstallError as error:
        say(f"  that wheel cannot be used: {error}")
        return False
    return True


def fetch(url: str) -> str:
    """The text of a page; empty when it does not come within `INDEX_SECONDS` (name resolution included)."""
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
    for left in environment.folder.glob("build-*"):
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="build-", dir=environment.folder))
    (work / "llama.txt").write_text(locked("llama-cpp-python"), "utf-8")
    command = [*environment.pip("wheel"), "-v", "--no-cache-dir", "--no-deps", "--require-hashes"]
    watch([*command, "-r", work / "llama.txt", "-w", work / "wheel"], work)
    built = next((work / "wheel").glob("*.whl"))
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / built.name
    shutil.copyfile(built, kept.with_suffix(".part"))
    kept.with_suffix(".part").replace(kept)
    shutil.rmtree(work, ignore_errors=True)
    return kept


def watch(command: Sequence[object], work: Path) -> None:
    """Run a build with a progress line; end it, compilers and all, when this program is stopped.

    Raises:
        InstallError: it failed.
    """
    process = start(command, work)
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
        raise InstallError(advice("".join(lines[-200:]), process.returncode))


def start(command: Sequence[object], work: Path) -> subprocess.Popen[str]:
    """Start a build in a process group of its own, with its temporary files below `work`."""
    log("$ " + " ".join(map(str, command)))
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        # Windows keeps its own temporary folder: paths of this build come near its limit of 260 characters.
        env=child_environment(**({} if WINDOWS else {"TMPDIR": str(work)})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=not WINDOWS,
        encoding="utf-8",
        errors="replace",
    )


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
    """End a build and its compilers: asked first, because ninja gives each compiler a group that only it can end."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGTERM)
        time.sleep(1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def has_compiler() -> bool:
    """Whether a C++ compiler can be found, where CMake would look for one."""
    if os.environ.get("CXX") or any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        # On macOS /usr/bin/c++ is there without the tools, and only offers to install them.
        return sys.platform != "darwin" or quiet(["xcode-select", "-p"]) != ""
    folder = os.environ.get("PROGRAMFILES(X86)", "")
    vswhere = Path(folder) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    return WINDOWS and quiet([vswhere, "-products", "*", "-requires", tools, "-property", "installationPath"]) != ""


def wheel_cache(environment: Environment) -> Path:
    """Where the wheel built for this version, this Python and this CPU is kept, shared by all checkouts."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "samantha" / "Cache"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "samantha"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samantha"
    return base / "wheels" / f"{pinned('llama-cpp-python').replace('==', '-')}-{environment.tag()}-{cpu()}"


def cpu() -> str:
    """A name for this machine's CPU, its vector instructions and what CMake was told: a native build fits only it."""
    import platform

    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace").split("\n\n")[0]
    except OSError:
        text = ""
    facts = re.findall(r"^(?:model name|CPU implementer|CPU part)\s*: (.*)", text, re.MULTILINE)
    facts += sorted(set(re.findall(r"\b(?:avx|amx|fma|f16c|bmi|sse|asimd|sve|sme|i8mm|bf16|fphp)\w*", text)))
    if not text:
        facts += [quiet(["sysctl", "-n", "machdep.cpu.brand_string"]), os.environ.get("PROCESSOR_IDENTIFIER", "")]
    return f"{platform.machine()}-{digest(' '.join([*facts, os.environ.get('CMAKE_ARGS', '')]))}"
