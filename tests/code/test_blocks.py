"""What is run of a response: a corpus of odd ones, marks, and the property that blocks put in are blocks got out."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.code import blocks

CORPUS = tomllib.loads((Path(__file__).parent / "responses.toml").read_text("utf-8"))


def seen(text: str) -> str:
    """The text of a case with the signs that stand for what an editor would not show."""
    return text.replace("␍", "\r").replace("→", "\t").replace("␠", " ")


def test_the_corpus_has_a_hundred_responses() -> None:
    assert len(CORPUS) >= 100


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_the_blocks_of_a_response(case: dict[str, str]) -> None:
    found = blocks.extract(seen(case["response"]))
    assert found.python == seen(case.get("python", ""))
    assert found.html == seen(case.get("html", ""))


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_line_ends_make_no_difference(case: dict[str, str]) -> None:
    text = seen(case["response"]).replace("\r\n", "\n")
    assert blocks.extract(text.replace("\n", "\r\n")) == blocks.extract(text)


LINE = st.one_of(
    st.sampled_from(["print(1)", "if x:", "    y = 1", "", "# note", '"""', "<think>", "``", "~~", "x = {'a': [1]}"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30),
)
PLAIN = LINE.filter(lambda line: line.strip() != "</think>" and not blocks.PIP.match(line))
"""Alone in a block, an end of thinking that nothing began is taken for the template's: see the corpus."""
CODE = st.lists(PLAIN, min_size=1, max_size=8).map(lambda lines: "start = 0\n" + "\n".join(lines) + "\n")
KIND = st.sampled_from(["python", "py", "Python", "PYTHON", "python3", "py title='a'", "html", "bash", "", "json"])
PROSE = st.sampled_from(["Here it is:", "> a quote", "1. a list", "", "# Heading", "Olá, coração.", "| a | b |"])


def fenced(kind: str, code: str, tildes: bool) -> str:
    """The code in a fence that nothing in it closes."""
    sign = "~" if tildes else "`"
    longest = max(map(len, re.findall(re.escape(sign) + "+", code)), default=0)
    fence = sign * max(3, longest + 1)
    return f"{fence}{kind}\n{code}{fence}\n"


@given(st.lists(st.tuples(PROSE, KIND, CODE, st.booleans()), max_size=6))
def test_blocks_put_in_are_blocks_got_out(parts: list[tuple[str, str, str, bool]]) -> None:
    response = "".join(f"{prose}\n\n{fenced(kind, code, tildes)}\n" for prose, kind, code, tildes in parts)
    code = [code for _, kind, code, _ in parts if kind.lower().startswith("py")]
    pages = [code for _, kind, code, _ in parts if kind == "html"]
    assert blocks.extract(response) == blocks.Blocks("\n".join(code), "\n".join(pages))


@given(PROSE, CODE, CODE)
def test_an_unclosed_last_block_counts_to_the_end(prose: str, first: str, last: str) -> None:
    opened = fenced("python", last, tildes=True).rstrip("\n").rstrip("~")
    response = f"{fenced('py', first, tildes=False)}\n{prose}\n\n{opened}"
    assert blocks.extract(response).python == f"{first}\n{last}"


PIECE = st.sampled_from(
    [
        "```python\n",
        "```\n",
        "~~~py\n",
        "a = 1\n",
        "> ",
        "- ",
        "<think>",
        "</think>\n",
        "    ",
        "\n",
        "#IDE\n",
        ">>> b\n",
    ]
)


@given(st.lists(PIECE, max_size=30).map("".join))
def test_nothing_is_run_that_the_text_does_not_hold(text: str) -> None:
    for found in (blocks.extract(text).python, blocks.tagged(text), blocks.runnable(text)):
        assert all(line.strip() in text for line in found.splitlines())


HOSTILE = [
    "`", "~", "```\n", "```python\n", "> ", "- ", "1. ", "<think>", "</think>", "<think>\n```\n", "[a]: b 'c\n", " ",
    "\t", "!pip", "!pypy", "pip install \\\n", ">>> ", "```python\n>>> ...\n", "#IDE", "#IDE\n", "    ",
    "> ```python\n", "\r", "<a>\n", "```python\n" + " " * 50, "$ ", "In [1]: ", "... ", "``` ", "{", ". ",
    "- - ```\n", "`<think>`",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_takes_no_longer_than_its_length(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    for whole in (text, f"```python\n{text}", f"{text}x\n```py\n1\n"):
        assert len(blocks.extract(whole).python) <= len(whole) + 1
        assert len(blocks.runnable(whole)) <= len(whole) + 1


@pytest.mark.parametrize("unit", ["`", "```\n"])
def test_a_megabyte_of_backticks_holds_no_code(unit: str) -> None:
    assert blocks.extract(unit * (1_000_000 // len(unit))) == blocks.Blocks("", "")


MARKED = "Text.\n```python\na = 1\n```\n```python\n#IDE\nb = 2\n```\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("print(1)", ""),
        ("#IDE\nprint(1)", "print(1)\n"),
        ("print(1)\n#ide\n", "print(1)\n"),
        ("a\n#IDE\nb\n#IDE\nc", "b\n"),
        ("a\n#IDE\nb\n#IDE\nc\n#IDE\nd", "b\nd\n"),
        ("a\r\n#IDE\r\nb\r\n#IDE\r\nc", "b\n"),
        (MARKED, "b = 2\n"),
        (MARKED.replace("python", ""), "b = 2\n"),
        ("```python\na = 1\n#IDE\nb = 2\n#IDE\nc = 3\n```", "b = 2\n"),
        ("```python\na = 1\n```\n```py\nb = 2  #IDE\nc = 3\n```", "b = 2  #IDE\nc = 3\n"),
        ("#IDE\n```python\na = 1\n```\n", "a = 1\n"),
        ("```python\na = 1\n```\n#IDE\n```python\nb = 2\n```\n#IDE\nmore", "b = 2\n"),
        ("#IDE\n!pip install x\nimport x", "import x\n"),
        ("#IDE\n>>> a = 1\n1", "a = 1\n"),
        ("# IDE is a heading\nprint(1)", ""),
        ("print('#IDE')", ""),
    ],
)
def test_text_marked_with_ide(text: str, code: str) -> None:
    assert blocks.tagged(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("print(1)", "print(1)\n"), ("!pip install x\nprint(1)", "print(1)\n"), ("hi\n```py\nprint(1)\n```", "print(1)\n"),
     (MARKED, "b = 2\n"), ("", ""), (">>> print(1)\n1", "print(1)\n")],
)  # fmt: skip
def test_text_that_was_copied(text: str, code: str) -> None:
    assert blocks.runnable(text) == code
