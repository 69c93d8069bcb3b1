"""The page's texts, one TOML file per language; every file has the same keys.

English help of the knobs is that of their declaration. Names of settings, of models and of files, and sentences of the
engine, are not texts: they are the same everywhere.
"""

import functools
import tomllib
from pathlib import Path
from typing import Any

from samantha.hyperparameters import KNOBS

LANGUAGES = ("en", "pt")

Texts = dict[str, Any]


@functools.cache
def texts(language: str) -> Texts:
    """The texts of a language, `en` where it is unknown: nested tables of strings."""
    name = language if language in LANGUAGES else "en"
    found = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
    return {"knobs": {knob.name: knob.help for knob in KNOBS.values()}} | found


def all_languages() -> dict[str, Texts]:
    """The texts of every language as the page takes them, its help page rendered."""
    return {language: texts(language) | {"help_page": help_page(language)} for language in LANGUAGES}


@functools.cache
def help_page(language: str) -> str:
    """The help page as HTML."""
    from samantha.ui import markdown

    return markdown.render((Path(__file__).parent / f"help.{language}.md").read_text(encoding="utf-8"))


def text(language: str, key: str) -> str:
    """One text by its dotted key.

    Raises:
        KeyError: no such key.
    """
    found: Any = texts(language)
    for part in key.split("."):
        found = found[part]
    return str(found)
