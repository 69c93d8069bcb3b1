"""Reading the lock files: an entry, a pin, and short names for texts.

What is not here: making the lock files (.ci/lock).
"""

from __future__ import annotations

import hashlib
import re

from installation.running import ROOT, InstallError


def digest(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def locked(package: str, name: str = "requirements-install.txt") -> str:
    """The entries of a lock file for a package: its pins and their hashes (several where Pythons or systems differ)."""
    text = (ROOT / name).read_text("utf-8")
    found = re.findall(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n?", text, re.MULTILINE)
    if not found:
        raise InstallError(f"{name} has no entry for {package}: get the file again.")
    return "".join(found)


def pinned(package: str) -> str:
    """`package==version` as locked."""
    return locked(package).split()[0]
