"""The guide to prompt lists and chain files: each example does what the page says below it."""

import re
from pathlib import Path

import pytest

from samantha.chain.chain import Chain
from samantha.chain.collections import read_collection
from samantha.chain.files import from_toml, validate
from samantha.chain.prompts import PromptItem, fill, parse, parts
from samantha.errors import ChainError
from samantha.settings import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCES = FENCE.findall((ROOT / "docs" / "chains.md").read_text("utf-8"))
EXAMPLES = list(zip(FENCES[::2], FENCES[1::2], strict=True))


def shown(item: PromptItem, chain: Chain) -> str:
    """A step as the page shows it: number, what is special about it, and the text that is sent."""
    notes = [f"{name} {value}" for name, value in item.overrides.items()] + ["final"] * item.final
    head = f"{item.number} ({', '.join(notes)})" if notes else str(item.number)
    text = fill(item.text, chain.variables, "{{responses}}", "{{last}}")
    return f"{head} | " + text.replace("\n", "\n  | ")


def steps(chain: Chain) -> str:
    validate(chain)
    return "\n".join(shown(item, chain) for item in parse(chain.prompts, chain.variables).items) + "\n"


def chain_of(kind: str, text: str) -> Chain:
    return from_toml(text, "poem.toml") if kind == "toml" else Chain(prompts=text)


@pytest.mark.parametrize(("example", "result"), EXAMPLES, ids=[example[1].splitlines()[0] for example, _ in EXAMPLES])
def test_an_example_does_what_the_guide_says(
    example: tuple[str, str], result: tuple[str, str], tmp_path: Path
) -> None:
    (kind, text), (result_kind, expected) = example, result
    if result_kind == "steps":
        assert steps(chain_of(kind, text)) == expected
    elif result_kind == "error":
        with pytest.raises(ChainError) as caught:
            validate(chain_of(kind, text))
        assert str(caught.value) == expected.strip()
    elif kind == "parts":
        assert parts(text) + "\n" == expected
    else:
        path = tmp_path / "collection.txt"
        path.write_text(text, encoding="utf-8")
        assert "".join(f"{entry.title}: {entry.text}\n" for entry in read_collection(path)) == expected


def test_every_kind_of_example_is_there() -> None:
    assert {(example[0], result[0]) for example, result in EXAMPLES} == {
        ("prompts", "steps"), ("prompts", "error"), ("toml", "steps"), ("toml", "error"), ("parts", "text"),
        ("collection", "entries"),
    }  # fmt: skip
