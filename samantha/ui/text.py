"""A text that grows piece by piece without being copied each time. Frozen: `plus` gives a new one.

The pieces are kept as chunks whose lengths fall by at least half from one to the next, like the digits of a binary
counter: adding n characters one by one copies each of them about log2(n) times, where `text + piece` copies n/2 times.
"""

import msgspec


class GrowingText(msgspec.Struct, frozen=True):
    """`str()` gives the text; `length` is its number of characters."""

    chunks: tuple[str, ...] = ()
    length: int = 0

    def plus(self, piece: str) -> "GrowingText":
        """This text with `piece` at its end."""
        if not piece:
            return self
        chunks, last = self.chunks, piece
        while chunks and len(chunks[-1]) < 2 * len(last):
            chunks, last = chunks[:-1], chunks[-1] + last
        return GrowingText((*chunks, last), self.length + len(piece))

    def __str__(self) -> str:
        return "".join(self.chunks)
