"""Model text as safe HTML. What a model wrote is data: no raw HTML, no picture, no link that can be followed.

Links are shown as their text and their target, pictures as their description and address. A growing text is rendered
block by block: every block but the last is final (link references, which reach across blocks, are off).
"""

import functools
from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

LONGEST_TAIL = 20_000
"""Characters of an unfinished block that are rendered as Markdown; beyond it the block is shown as plain text."""


class _SafeRenderer(RendererHTML):
    """Renders links and pictures as text. The rules' signature is the library's."""

    def link_open(self, tokens: Sequence[Token], index: int, _: OptionsDict, env: EnvType) -> str:
        """The text of a link begins."""
        env.setdefault("targets", []).append(str(tokens[index].attrGet("href") or ""))
        return '<span class="link">'

    def link_close(self, tokens: Sequence[Token], index: int, _: OptionsDict, env: EnvType) -> str:
        """The text of a link ends: its target follows, unless the text says it already."""
        target = (env.get("targets") or [""]).pop()
        text = tokens[index - 1].content if index else ""
        return "</span>" if target in (text, f"mailto:{text}") else f"</span> {_target(target)}"

    def image(self, tokens: Sequence[Token], index: int, _: OptionsDict, __: EnvType) -> str:
        """A picture, as its description and address."""
        token = tokens[index]
        return f'<span class="picture">{escape(token.content)} {_target(str(token.attrGet("src") or ""))}</span>'

    def fence(self, tokens: Sequence[Token], index: int, _: OptionsDict, __: EnvType) -> str:
        """A block of code with the name of its language."""
        token = tokens[index]
        language = escape((token.info.split() or [""])[0])
        return f'<pre data-language="{language}"><code>{escape(token.content)}</code></pre>\n'


def _target(address: str) -> str:
    return f'<span class="target">({escape(address)})</span>'


@functools.cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}, renderer_cls=_SafeRenderer)
    return parser.enable(["table", "strikethrough"]).disable(["reference", "html_block", "html_inline"])


def render(text: str) -> str:
    """The whole text as HTML."""
    return str(_parser().render(text))


class Rendering(msgspec.Struct, frozen=True):
    """A growing text half rendered: `fixed` is the HTML that became final now, `tail` that of the last block.

    `offset` is where in the text the last block begins; hand it to the next call.
    """

    offset: int
    fixed: str
    tail: str


def continued(text: str, offset: int = 0) -> Rendering:
    """Render `text` from `offset` on, the start of its last block at the previous call."""
    rest = text[offset:]
    if len(rest) > LONGEST_TAIL:
        return Rendering(offset, "", f'<pre class="plain">{escape(rest)}</pre>')
    parser = _parser()
    env: dict[str, Any] = {}
    tokens = parser.parse(rest, env)
    start = next((index for index in range(len(tokens) - 1, -1, -1) if _begins_block(tokens[index])), 0)
    if not start:
        return Rendering(offset, "", str(parser.renderer.render(tokens, parser.options, env)))
    line = (tokens[start].map or [0])[0]
    fixed = parser.renderer.render(tokens[:start], parser.options, env)
    tail = parser.renderer.render(tokens[start:], parser.options, env)
    return Rendering(offset + _line_offset(rest, line), str(fixed), str(tail))


def _begins_block(token: Token) -> bool:
    return token.level == 0 and token.nesting >= 0 and token.map is not None


def _line_offset(text: str, line: int) -> int:
    """Where line number `line` (from 0) begins. The parser counts a lone carriage return as a line break too."""
    position = 0
    for _ in range(line):
        breaks = [found for found in (text.find("\n", position), text.find("\r", position)) if found >= 0]
        position = min(breaks) + 1
        if text[position - 1] == "\r" and text[position : position + 1] == "\n":
            position += 1
    return position
