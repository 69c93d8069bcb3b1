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
