"""What one browser tab granted to generated code: files, network, limits, full access. It stays there.

It is kept here, on the server's side: a page can ask for a change, but what code is given is never read from a page.
What holds a grant is not here: `samantha.sandbox`.
"""

import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import msgspec

from samantha import settings
from samantha.errors import SamanthaError
from samantha.sandbox.access import MIB, Access, Limits
from samantha.sandbox.grants import grants as checked
from samantha.ui import texts

LIMITS = {"seconds": (1.0, 86_400.0), "memory": (128.0, 1_048_576.0)}
"""What the page offers, and from where to where: seconds, and MiB of memory."""


class GrantError(SamanthaError):
    """A grant that cannot be given, as a key of the page's texts with its values."""

    def __init__(self, key: str, **values: Any) -> None:
        self.key = key
        self.values = values
        super().__init__(texts.text("en", key).format(**values))

    def shown(self) -> dict[str, Any]:
        """What the line beside the field takes."""
        return {"problem_key": self.key, "values": self.values}


class Grants:
    """The grants of a tab. Every method may be called from any thread; a change takes effect at the next start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._access = Access(full=remembered())
        self._limits = Limits()
        self.version = 0

    @property
    def access(self) -> Access:
        """What code is given now."""
        return self._access

    @property
    def limits(self) -> Limits:
        """How much it may use."""
        return self._limits

    def allow(self, typed: str, write: bool = False) -> Path:
        """Grant a file or folder, as typed or pasted; granting it again changes between reading and writing.

        Raises:
            GrantError: there is no such file or folder, or it is the program's own.
            SandboxError: it would undo the sandbox.
        """
        place = found(typed)
        checked(Access(writable=(place,)) if write else Access(readable=(place,)), None)
        with self._lock:
            readable, writable = self._without(place)
            readable, writable = (readable, (*writable, place)) if write else ((*readable, place), writable)
            self._access = msgspec.structs.replace(self._access, readable=readable, writable=writable)
            self.version += 1
        return place

    def take_back(self, typed: str) -> None:
        """Grant a file no longer."""
        with self._lock:
            readable, writable = self._without(Path(typed))
            self._access = msgspec.structs.replace(self._access, readable=readable, writable=writable)
            self.version += 1

    def _without(self, place: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        readable = tuple(one for one in self._access.readable if one != place)
        return readable, tuple(one for one in self._access.writable if one != place)

    def network(self, on: bool) -> None:
        """Grant the network, or no longer."""
        with self._lock:
            self._access = msgspec.structs.replace(self._access, network=bool(on))
            self.version += 1

    def limit(self, name: str, value: Any) -> None:
        """Set a limit: `seconds`, or `memory` in MiB.

        Raises:
            GrantError: no such limit, or a value outside of what is offered.
        """
        low, high = LIMITS.get(name, (0.0, 0.0))
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high or not high:
            raise GrantError(f"problem.limit_{name if name in LIMITS else 'seconds'}", low=f"{low:g}", high=f"{high:g}")
        with self._lock:
            given = {"memory": int(value * MIB)} if name == "memory" else {"seconds": float(value)}
            self._limits = msgspec.structs.replace(self._limits, **given)
            self.version += 1

    def full(self, typed: str, remember: bool = False) -> None:
        """Grant everything, once the words that say so are typed.

        Raises:
            GrantError: other words were typed.
            SettingsError: it cannot be remembered; nothing is granted then.
        """
        if " ".join(typed.split()).casefold() not in confirmations():
            raise GrantError("problem.full_typed")
        if remember:
            remember_full(True)
        with self._lock:
            self._access = msgspec.structs.replace(self._access, full=True)
            self.version += 1

    def no_full(self) -> None:
        """Take back what `full` granted, here and for new sessions."""
        with self._lock:
            self._access = msgspec.structs.replace(self._access, full=False)
            self.version += 1
        if remembered():
            remember_full(False)

    def covers(self, typed: str) -> bool:
        """Whether a file is granted: itself, or a folder that it lies in."""
        place = Path(typed)
        granted = (*self._access.readable, *self._access.writable)
        return self._access.full or any(place == one or one in place.parents for one in granted)

    def shown(self) -> dict[str, Any]:
        """The grants as the page draws them."""
        access, limits = self._access, self._limits
        files = [(place, False) for place in access.readable] + [(place, True) for place in access.writable]
        return {
            "files": [
                {"path": str(place), "name": place.name or str(place), "write": write, "gone": not place.exists()}
                for place, write in files
            ],
            "network": access.network, "full": access.full, "seconds": limits.seconds, "memory": limits.memory // MIB,
        }  # fmt: skip


def typed_path(typed: str, base: Path | None = None) -> Path:
    """The path that was typed or pasted: quotes and `file://` are taken off; `base` is where relative ones begin.

    Raises:
        GrantError: it is relative and there is no base.
    """
    text = typed.strip().strip("\"'")
    if text.lower().startswith("file://"):
        text = url2pathname(unquote(urlsplit(text).path))
    try:
        place = Path(text).expanduser()
    except RuntimeError:
        place = Path(text)
    if place.is_absolute():
        return place
    if base is None or not text:
        raise GrantError("problem.path_relative", path=text[:300])
    return base / place


def found(typed: str) -> Path:
    """The file or folder that was typed or pasted, links followed.

    Raises:
        GrantError: it is not there, or it is the program's own.
    """
    text = typed.strip()
    try:
        resolved = typed_path(typed).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise GrantError("problem.path_missing", path=text[:300]) from None
    if not (resolved.is_file() or resolved.is_dir()):
        raise GrantError("problem.path_kind", path=text[:300])
    home = settings.data_folder().resolve()
    if resolved == home or resolved in home.parents or home in resolved.parents:
        raise GrantError("problem.path_own", path=text[:300], home=str(home))
    return resolved


def confirmations() -> set[str]:
    """The words that grant full access, in every language."""
    return {texts.text(language, "access.full_words").casefold() for language in texts.LANGUAGES}


def remembered() -> bool:
    """Whether new sessions begin with full access."""
    try:
        return settings.load().full_access
    except SamanthaError:
        return False


def remember_full(on: bool) -> None:
    """Let new sessions begin with full access, or no longer.

    Raises:
        SettingsError: the settings cannot be written.
    """
    settings.save(msgspec.structs.replace(settings.load(), full_access=on))
