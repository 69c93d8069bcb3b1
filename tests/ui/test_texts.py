"""Both languages say everything, with the same blanks to fill."""

import re
from typing import Any

import pytest

from samantha.hyperparameters import KNOBS
from samantha.ui import controls, texts
from samantha.ui.routes import STATIC


def flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found = {}
    for key, value in table.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


ENGLISH, PORTUGUESE = flat(texts.texts("en")), flat(texts.texts("pt"))


def test_both_languages_have_the_same_keys() -> None:
    assert ENGLISH.keys() == PORTUGUESE.keys()


@pytest.mark.parametrize("key", [key for key in ENGLISH if not key.startswith("settings.variables")])
def test_both_languages_fill_the_same_blanks(key: str) -> None:
    assert sorted(re.findall(r"\{\w+\}", ENGLISH[key])) == sorted(re.findall(r"\{\w+\}", PORTUGUESE[key]))


def test_every_knob_is_explained_in_both_languages() -> None:
    for language in texts.LANGUAGES:
        assert texts.texts(language)["knobs"].keys() == KNOBS.keys()


def test_every_switch_is_explained_in_both_languages() -> None:
    for language in texts.LANGUAGES:
        for name in controls.FLAGS:
            assert texts.text(language, f"flags.{name}_help")


def test_every_text_that_a_script_names_is_there() -> None:
    for script in STATIC.glob("*.js"):
        source = script.read_text()
        for key in re.findall(r"""\bt\("([a-z]+\.[a-z_]+)["']""", source):
            assert key in ENGLISH, f"{script.name}: {key}"
        for key in re.findall(r"""\bplural\("([a-z]+\.[a-z_]+)["']""", source):
            assert {key, f"{key}_one"} <= ENGLISH.keys(), f"{script.name}: {key}"


def test_the_help_page_exists_in_every_language() -> None:
    pages = {texts.help_page(language) for language in texts.LANGUAGES}
    assert len(pages) == len(texts.LANGUAGES)
    assert all("<h2>" in page for page in pages)


def test_an_unknown_language_is_english() -> None:
    assert texts.texts("xx") == texts.texts("en")
