"""Mode `reduced`, for macOS: a `sandbox-exec` profile and the shell's limits.

It could not be tried on a Mac here: the profile's text is tested, its effect is the canary's to say, on the Mac itself.
macOS holds no limit on memory of a process; the runner measures and ends what takes too much.
"""

from collections.abc import Iterable
from pathlib import Path

from samantha.sandbox.confined import Confined, Wanted

PROGRAM = Path("/usr/bin/sandbox-exec")

READABLE = ("/usr", "/bin", "/sbin", "/System", "/Library/Frameworks", "/Library/Fonts", "/Library/Apple",
            "/private/etc", "/private/var/db/dyld", "/private/var/db/timezone", "/opt/homebrew/opt",
            "/opt/homebrew/Cellar", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")  # fmt: skip

LIMITS = 'ulimit -c 0; ulimit -t "$1"; ulimit -f "$2"; ulimit -n "$3"; ulimit -u "$4" 2>/dev/null; shift 4; exec "$@"'
"""Seconds of processor, blocks of 512 bytes, open files, processes; the last one counts all of the user's."""

USUAL_PROCESSES = 1000
"""Processes a user of a Mac has anyway."""


def missing() -> str:
    """What this Mac lacks for it, or nothing."""
    return "" if PROGRAM.exists() else "sandbox-exec"


def confine(wanted: Wanted) -> Confined:
    """The command under a profile that allows what was granted and nothing else."""
    temporary = wanted.folders.shown / ".temporary"
    temporary.mkdir(exist_ok=True)
    limits = wanted.limits
    numbers = (limits.cpu_seconds, limits.file_size // 512, limits.open_files, limits.processes + USUAL_PROCESSES)
    shell = ("/bin/sh", "-c", LIMITS, "sandbox", *map(str, numbers))
    command = (str(PROGRAM), "-p", profile(wanted), *shell, *wanted.said(wanted.inside))
    return Confined(command, wanted.surroundings(wanted.folders.box, temporary), "reduced", wanted.folders)


def profile(wanted: Wanted) -> str:
    """The profile, in the language of `sandbox-exec`: the last rule that fits decides."""
    granted = [grant.place for grant in wanted.grants]
    writable = [grant.place for grant in wanted.grants if grant.writable]
    own = (wanted.folders.box, wanted.folders.shown, wanted.folders.relay)
    inside = [wanted.inside] if wanted.inside else []
    rules = [
        "(version 1)",
        "(deny default)",
        "(allow process-fork process-exec)",
        "(allow signal (target same-sandbox))",
        "(allow process-info* (target same-sandbox))",
        "(allow sysctl-read)",
        "(allow file-read-metadata)",
        f"(allow file-read* {_places(map(Path, READABLE))})",
        f"(allow file-read* {_places([*wanted.programs(), *inside, wanted.folders.code, *own, *granted])})",
        f"(allow file-write* {_places([*own, *writable])})",
        '(allow file-write-data (literal "/dev/null"))',
        "(deny file-write-setugid)",
        "(allow network*)" if wanted.network else "(deny network*)",
    ]
    return "\n".join(rules)


def _places(places: Iterable[Path]) -> str:
    names = sorted({str(name) for place in places for name in (place, place.resolve())})
    return " ".join(f"(subpath {_quoted(name)})" for name in names)


def _quoted(name: str) -> str:
    """A name as the profile's language writes a text."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
