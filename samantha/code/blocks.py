"""Finding the code of a response: its fenced `python` blocks joined in order, and its `html` blocks.

Fences are CommonMark's, with one exception: an HTML tag around a fence does not hide it, because models write
`<answer>` around their code. What stands between `<think>` and `</think>` does not count. What is not here: running
anything, and any judgement of the code; nothing is evaluated, and the time grows with the length of the text only.
"""

import functools
import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


class Blocks(msgspec.Struct, frozen=True):
    """The code of a response, ready to run, and the page of its `html` blocks; empty where there is none."""

    python: str
    html: str


PYTHON = re.compile(r"[{.\s]*py(?:thon)?(?:\d(?:\.\d+)?)?(?![\w.+#-])", re.IGNORECASE)
"""Begins the info string of a block that is run: `python`, `py`, `Python3`, `{.python ...}`, `python:a.py`."""
HTML = re.compile(r"[{.\s]*html5?(?![\w.+#-])", re.IGNORECASE)

PIP = re.compile(
    r"(?P<indent>\s*)"
    r"(?:[!%]\s*(?:\S+\s+-m\s+|uv\s+)?pip[\d.]*\b|(?:\$\s*)?(?:py(?:thon)?[\d.]*\s+-m\s+)?pip[\d.]*\s+install\b)"
)
"""A line that installs packages: any `!pip` and `%pip`, and `pip install`, also as `python -m pip`."""

TYPED = re.compile(r"\s*(?:>>>|In \[\d*\]:)(?: (?P<code>.*)|\s*)\Z")
CONTINUED = re.compile(r"\s*\.{3,}:?(?: (?P<code>.*)|\s*)\Z")
"""Lines of a transcript of Python's or IPython's prompt."""

TAG = re.compile(r"((?<!`)</?think>|(?<=`)</?think>(?!`))")
"""A tag of thinking; between backticks it is only spoken of."""

MARK = re.compile(r"(?:^|\s)#IDE\s*\Z", re.IGNORECASE)
"""Ends a line that marks text to be run."""

OPENING = re.compile(r"[\s>*+\-\d.)]*(?P<fence>`{3,}(?=[^`]*\Z)|~{3,})")
CLOSING = re.compile(r"[\s>]*(?P<fence>`{3,}|~{3,})\s*\Z")


def extract(response: str) -> Blocks:
    """The code and the page that a response holds. Line ends become `\\n`."""
    python, html = [], []
    for info, content in _fences(_without_thoughts(response)):
        if PYTHON.match(info):
            python.append(_code(content))
        elif HTML.match(info):
            html.append(content)
    return Blocks("\n".join(filter(None, python)), "\n".join(html))


def tagged(text: str) -> str:
    """The code that lines `#IDE` mark, to be run instead of a response's; empty when there is no such line.

    In fenced blocks, of any language: what stands between two such lines, else the whole block that holds one (a mark
    may also end a line of code). Outside of blocks: what stands between two, else the whole text; where that has Python
    blocks, these are meant.
    """
    if not any(map(MARK.search, _lines(text))):
        return ""
    blocks = [content for _, content in _fences(text) if any(map(MARK.search, _lines(content)))]
    if blocks:
        return "\n".join(filter(None, map(_code, map(_selected, blocks))))
    selected = _selected("\n".join(_lines(text)))
    return extract(selected).python or _code(selected)


def runnable(text: str) -> str:
    """The code in a text that was typed or copied: what is marked, else its Python blocks, else all of it."""
    return tagged(text) or extract(text).python or _code(text)


def _selected(text: str) -> str:
    """The text between lines that are marks, or all of it where there are fewer than two; without the marks."""
    pieces: list[list[str]] = [[]]
    for line in _lines(text):
        if line.strip().upper() == "#IDE":
            pieces.append([])
        else:
            pieces[-1].append(line)
    chosen = pieces[1::2] if len(pieces) > 2 else pieces
    return "\n".join(line for piece in chosen for line in piece)


def _fences(text: str) -> Iterator[tuple[str, str]]:
    """Info string and content of each fenced block, in order; an unclosed one reaches to the end."""
    for token in _parser().parse(text):
        if token.type == "fence":
            yield token.info, token.content


@functools.cache
def _parser() -> "MarkdownIt":
    """CommonMark's blocks alone: what stands inside of paragraphs is not looked at."""
    from markdown_it import MarkdownIt

    # Link definitions can make CommonMark's parser take quadratic time, and hold no fences.
    return MarkdownIt("commonmark").disable(["inline", "text_join", "reference", "html_block"])


def _code(content: str) -> str:
    """The code of one block: a transcript becomes what was typed, and lines that install packages go."""
    lines = _lines(content)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if TYPED.match(first):
        lines = list(_typed(lines))
    elif first[:1] in {" ", "\t"}:
        lines = _lines(textwrap.dedent(content))
    kept = "\n".join(_without_pip(lines))
    return kept if not kept or kept.endswith("\n") else kept + "\n"


def _typed(lines: list[str]) -> Iterator[str]:
    """What was typed at the prompts of a transcript."""
    typing = False
    for line in lines:
        found = TYPED.match(line) or (CONTINUED.match(line) if typing else None)
        typing = found is not None
        if found:
            yield found["code"] or ""


def _without_pip(lines: list[str]) -> Iterator[str]:
    continued = False
    for line in lines:
        found = PIP.match(line)
        if found or continued:
            if found and found["indent"] and not continued:
                yield f"{found['indent']}pass"  # it may be all that an `if` or `except` holds
            continued = line.rstrip().endswith("\\")
        else:
            yield line


def _without_thoughts(text: str) -> str:
    """The text without what the model thought; a tag inside of a code block is a part of the code."""
    if "<think>" not in text and "</think>" not in text:
        return text
    kept: list[str] = []
    fence, thinking, seen = "", False, False
    for line in _lines(text):
        if not seen and _ends_a_thought(line, bool(fence)):
            # The chat template had opened it: all before was thought, with whatever fences that left open.
            kept, fence, seen, line = [], "", True, TAG.split(line, maxsplit=1)[-1]
        seen = seen or bool(TAG.search(line))
        if fence:
            closing = CLOSING.match(line)
            fence = "" if closing and closing["fence"].startswith(fence) else fence
        else:
            line, thinking = _spoken(line, thinking)
            opening = None if thinking else OPENING.match(line)
            fence = opening["fence"] if opening else ""
        kept.append(line)
    return "\n".join(kept)


def _ends_a_thought(line: str, fenced: bool) -> bool:
    """Whether the first tag of a text is a closing one; inside of a fence only where it stands alone."""
    found = TAG.search(line)
    return found is not None and found[0] == "</think>" and (not fenced or line.strip() == found[0])


def _spoken(line: str, thinking: bool) -> tuple[str, bool]:
    """What of a line is outside of thoughts, and whether a thought goes on after it."""
    spoken: list[str] = []
    for part in TAG.split(line):
        if TAG.match(part):
            thinking = part == "<think>"
        elif not thinking:
            spoken.append(part)
    return "".join(spoken), thinking


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)
