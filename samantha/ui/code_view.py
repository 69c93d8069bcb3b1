"""The code of one step as the page shows it, folded from what happened to it. Pure: no file is looked at here.

What ran outside of a chain is folded from the same events (`samantha.code.code.as_event`).
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from samantha import events
from samantha.ui.text import GrowingText

Stream = Literal["stdout", "stderr"]

LARGEST_OUTPUT = 200_000
"""Characters of output that the page shows; the store keeps all of it."""


class Piece(msgspec.Struct, frozen=True):
    """Text that was written to one stream without the other coming between."""

    stream: Stream
    text: GrowingText


class Picture(msgspec.Struct, frozen=True):
    """Something that was shown: `file` lies below the run's `shown` folder."""

    media: str
    file: str
    title: str = ""


class Server(msgspec.Struct, frozen=True):
    """Something that the code serves."""

    url: str
    port: int


class CodeBlock(msgspec.Struct, frozen=True):
    """The code of a step. `reason` is empty while it runs; `length` counts the characters printed so far."""

    run: str
    step: int
    code: str = ""
    html: str = ""
    pieces: tuple[Piece, ...] = ()
    length: int = 0
    shown: tuple[Picture, ...] = ()
    servers: tuple[Server, ...] = ()
    output: str = ""
    reason: str = ""
    seconds: float = 0.0
    memory: int = 0
    isolation: str = ""
    files: tuple[events.CodeFile, ...] = ()

    def printed(self, stream: Stream) -> str:
        """All that was written to one stream."""
        return "".join(str(piece.text) for piece in self.pieces if piece.stream == stream)

    def since(self, offset: int) -> Iterator[tuple[Stream, str]]:
        """What was printed from character `offset` on, as far as the page shows it."""
        begin = 0
        for piece in self.pieces:
            end = begin + piece.text.length
            if end > offset and begin < LARGEST_OUTPUT:
                text = str(piece.text)[max(0, offset - begin) : LARGEST_OUTPUT - begin]
                if text:
                    yield piece.stream, text
            begin = end


def happened(block: CodeBlock, happening: events.CodeEvent) -> CodeBlock:
    """The block after `happening`."""
    match happening:
        case events.CodeFound(code=code, html=html):
            return msgspec.structs.replace(block, code=code, html=html)
        case events.CodeOutput(stream=stream, text=text):
            return _printed(block, stream, text)
        case events.CodeShown(media=media, file=file, title=title):
            return msgspec.structs.replace(block, shown=(*block.shown, Picture(media, file, title)))
        case events.CodeServing(url=url, port=port):
            return msgspec.structs.replace(block, servers=(*block.servers, Server(url, port)))
        case events.CodeFinished():
            return _finished(block, happening)


def _printed(block: CodeBlock, stream: Stream, text: str) -> CodeBlock:
    pieces = block.pieces
    if pieces and pieces[-1].stream == stream:
        pieces = (*pieces[:-1], Piece(stream, pieces[-1].text.plus(text)))
    else:
        pieces = (*pieces, Piece(stream, GrowingText().plus(text)))
    return msgspec.structs.replace(block, pieces=pieces, length=block.length + len(text))


def _finished(block: CodeBlock, end: events.CodeFinished) -> CodeBlock:
    return msgspec.structs.replace(
        block, output=end.output, reason=end.reason, seconds=end.seconds, memory=end.memory, isolation=end.isolation,
        files=end.files,
    )  # fmt: skip
