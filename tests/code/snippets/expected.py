"""What the snippets do without Samantha: the plain interpreter of the code environment, in a folder of its own.

    python -m tests.code.snippets.expected [NUMBER ...]     write NNN-name.txt beside each snippet, or beside these

Nothing here runs in a sandbox. What a snippet must do inside is compared with this in `test_snippets.py`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from samantha import settings
from samantha.code.environment import CodeEnvironment

HERE = Path(__file__).parent
SALES = settings.ROOT / "prompts" / "data" / "sales.csv"
"""The file that is granted to every snippet: the sample that ships with the program."""

COMPARED = (".csv", ".json", ".log", ".md", ".py", ".txt")
"""Endings of files whose content is remembered. Pictures, archives and databases hold dates, versions or rounding."""


@dataclass(frozen=True)
class Outcome:
    """What a program did: its exit status, the last line of its errors when that is not 0, its files and its output."""

    status: int
    error: str
    files: tuple[tuple[str, str], ...]
    """Names from the folder on, and a digest of the content or nothing."""
    stdout: str

    def text(self) -> str:
        """As it is stored."""
        head = [f"status {self.status}", f"error {self.error}"]
        head += [f"file {name} {digest}".rstrip() for name, digest in self.files]
        return "\n".join((*head, "---", self.stdout))


def snippets() -> list[Path]:
    """All snippets, in order."""
    return sorted(HERE.glob("[0-9]*.py"))


def number(snippet: Path) -> int:
    """The step that the snippet is run as, inside and outside, so that its name in `sys.argv` is the same."""
    return int(snippet.name.partition("-")[0])


def stored(snippet: Path) -> str:
    """What the snippet did when the expectations were written."""
    return snippet.with_suffix(".txt").read_bytes().decode()


def outcome(status: int, errors: str, stdout: str, folder: Path, own: str) -> Outcome:
    """What is compared of a program that ran in `folder` under the name `own`."""
    lines = errors.strip().splitlines()
    # The folder is another one inside, so a path to it cannot be the same; nothing else is replaced.
    return Outcome(status, lines[-1] if status and lines else "", files(folder, own), stdout)


def files(folder: Path, own: str) -> tuple[tuple[str, str], ...]:
    """The files below `folder` but the program's own, the granted one, and hidden ones: those are the libraries'."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
        if path.is_file() and not path.is_symlink() and not hidden and name not in (own, SALES.name):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.suffix in COMPARED else ""
            found.append((name, digest))
    return tuple(found)


def run_plainly(snippet: Path, folder: Path, home: Path) -> Outcome:
    """Run a snippet with the plain interpreter in `folder`, which is empty; `home` keeps the caches of libraries."""
    name = f"step-{number(snippet)}.py"
    shutil.copyfile(snippet, folder / name)
    shutil.copyfile(SALES, folder / SALES.name)
    done = subprocess.run(
        [CodeEnvironment().python, name], cwd=folder, env=_environment(home), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    return outcome(done.returncode, done.stderr.decode(), done.stdout.decode(), folder, name)


def _environment(home: Path) -> dict[str, str]:
    """This process's environment without what would open a window or a browser, or change what Python does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        kept.pop(name, None)
    return {**kept, "HOME": str(home), "MPLBACKEND": "Agg", "BROWSER": "true", "LC_ALL": "C.UTF-8"}


def main() -> None:
    """Write what is expected of the snippets with these numbers, or of all."""
    wanted = {int(argument) for argument in sys.argv[1:]}
    with tempfile.TemporaryDirectory() as home:
        for snippet in snippets():
            if wanted and number(snippet) not in wanted:
                continue
            with tempfile.TemporaryDirectory() as folder:
                done = run_plainly(snippet, Path(folder), Path(home))
            snippet.with_suffix(".txt").write_bytes(done.text().encode())
            print(snippet.name, done.status, done.error)


if __name__ == "__main__":
    main()
