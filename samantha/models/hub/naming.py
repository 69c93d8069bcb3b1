"""Names for files that strangers named: one plain segment that every system takes, the same for the same name."""

import re

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
LONGEST = 180
"""Bytes of a name; file systems take 255, and endings are added to it."""


def own_name(path: str) -> str:
    """The last part of a path in a repository as the name of a file here."""
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*\\/]', "_", path.rpartition("/")[2]).strip(" .") or "model.gguf"
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return name if len(name.encode()) <= LONGEST else _shortened(name)


def _shortened(name: str) -> str:
    """The end is kept: quantization and number of the part stand there."""
    while len(name.encode()) > LONGEST:
        name = name[1:]
    return name.lstrip(" .-")
