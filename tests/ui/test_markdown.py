"""Model text as HTML: harmless whatever it holds, and the same rendered at once or as it grows."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samantha.ui.markdown import LONGEST_TAIL, continued, render

ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<iframe src=//evil.test>",
    "[a](javascript:alert(1))", "[a](http://evil.test/x)", "[a]( data:text/html,<script>alert(1)</script>)",
    "![a](http://evil.test/x.png)", '![a"onerror="alert(1)](http://evil.test/x.png "t")', "<http://evil.test/>",
    "[a][1]\n\n[1]: http://evil.test", "<a href=http://evil.test>x</a>", "`<b>`", "```<img src=x>\ncode\n```",
    '```"onload=alert(1)\ncode\n```', "<style>@import 'http://evil.test'</style>", "<base href=http://evil.test>",
    "<form action=http://evil.test><button>x</button></form>", "<meta http-equiv=refresh content='0;url=http://evil.test'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "| <img src=x> | b |\n|---|---|\n| <script>x</script> | ![](//evil.test/x) |",
    "<details open ontoggle=alert(1)>", "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "# <b onmouseover=alert(1)>x</b>",
    "- <video src=//evil.test>",
    "<!-- --><script>x</script>", "[![a](http://evil.test/x)](http://evil.test)", "http://evil.test",
]  # fmt: skip
ALLOWED = {
    "p", "em", "strong", "s", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code",
    "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "span",
}  # fmt: skip
ATTRIBUTES = {"class", "data-language", "start", "style"}


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.styles: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.styles |= {value or "" for name, value in attrs if name == "style"}


def harmless(html: str) -> bool:
    seen = _Seen()
    seen.feed(html)
    aligned = all(re.fullmatch(r"text-align:(left|right|center)", style) for style in seen.styles)
    return seen.tags <= ALLOWED and seen.attributes <= ATTRIBUTES and aligned


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_becomes_text(text: str) -> None:
    assert harmless(render(text))
    assert harmless(continued(text).tail)


@given(st.text(alphabet=st.sampled_from(list("<>[]()!`*_#|-\n \"'=&/:axsrc{}$~\\")), max_size=60))
def test_nothing_that_can_be_written_makes_another_element(text: str) -> None:
    assert harmless(render(text))


def test_links_and_pictures_show_where_they_lead() -> None:
    html = render("[here](http://evil.test/a) and ![cat](http://evil.test/cat.png)")
    assert "http://evil.test/a" in html
    assert "http://evil.test/cat.png" in html
    assert "href" not in html


PIECES = st.sampled_from(
    ["# head\n", "text ", "\n", "\n\n", "- item\n", "  more\n", "1. one\n", "```python\n", "```\n",
     "| a | b |\n", "|---|---|\n", "> quote\n", "**bold** ", "<b>", "[x](y)", "[x]: y\n",
     "===\n", "---\n", "    code\n", "\r\n", "\r", "\t", "é"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=25))
def test_a_text_rendered_as_it_grows_is_the_text_rendered_at_once(pieces: list[str]) -> None:
    fixed, tail, offset, text = "", "", 0, ""
    for piece in pieces:
        text += piece
        rendering = continued(text, offset)
        fixed, tail, offset = fixed + rendering.fixed, rendering.tail, rendering.offset
    assert fixed + tail == render(text)


def test_finished_blocks_are_not_rendered_again() -> None:
    text = "first\n\nsecond\n\nthird"
    rendering = continued(text)
    assert text[rendering.offset :] == "third"
    assert continued(text, rendering.offset).fixed == ""


def test_a_giant_block_is_shown_plain_while_it_grows() -> None:
    html = continued("<b>" * LONGEST_TAIL).tail
    assert html.startswith('<pre class="plain">')
    assert harmless(html)
