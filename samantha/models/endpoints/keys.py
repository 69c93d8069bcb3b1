"""The keys of servers: in a file that only the user may read, or in environment variables. They appear nowhere else.

A key belongs to an origin (scheme, host, port), so that a chain or a changed address cannot send it elsewhere.
"""

import os
import stat
from pathlib import Path

import msgspec

from samantha import settings
from samantha.errors import EndpointError

HIDDEN = "•••"


def path() -> Path:
    """The file: a JSON object of keys by origin."""
    return settings.data_folder() / "keys.json"


def find(origin: str, variable: str = "") -> str:
    """The key for `origin`: the environment variable's, else the file's, else "".

    Raises:
        EndpointError: the variable is not set, or the file is open to others or cannot be read.
    """
    if variable:
        key = os.environ.get(variable, "").strip()
        if not key:
            raise EndpointError(f"The environment variable {variable}, which holds the key of {origin}, is not set.")
        return _usable(key, f"The environment variable {variable}")
    return _load().get(origin, "")


def save(origin: str, key: str) -> None:
    """Keep a key for `origin`; "" removes it.

    Raises:
        EndpointError: it cannot be a key, or the file cannot be written.
    """
    kept = _load()
    kept.pop(origin, None)
    if key.strip():
        kept[origin] = _usable(key.strip(), "What was given")
    partial = path().with_suffix(".part")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(kept))
        partial.replace(path())
    except OSError as error:
        raise EndpointError(f"The key could not be kept in {path()} ({error.strerror}).") from error


def origins() -> set[str]:
    """The origins that a key is kept for."""
    return set(_load())


def without(text: str, key: str) -> str:
    """`text` with every occurrence of the key hidden."""
    return text.replace(key, HIDDEN) if key else text


def _load() -> dict[str, str]:
    try:
        with path().open("rb") as file:
            _check_private(os.fstat(file.fileno()).st_mode)
            return msgspec.json.decode(file.read(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EndpointError(f"The file of keys {path()} cannot be read ({error.strerror}).") from error
    except msgspec.DecodeError:
        # The decoder's own words could quote what is in the file.
        raise EndpointError(f"The file of keys {path()} is damaged: delete it and give the keys again.") from None


def _check_private(mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise EndpointError(
            f"The file of keys {path()} can be read by others on this computer, so it is not used: make it private"
            f" with `chmod 600 {path()}`, and get new keys if others may have seen them."
        )


def _usable(key: str, where: str) -> str:
    if not (key.isascii() and key.isprintable()) or " " in key or len(key) > 8192:
        raise EndpointError(f"{where} cannot be a key: keys have no spaces, line breaks or accented letters.")
    return key
