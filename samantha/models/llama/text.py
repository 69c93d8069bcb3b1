"""Bytes of tokens to visible text: characters that span tokens, and stop strings that are never shown half."""

import codecs
from collections.abc import Sequence


class TextStream:
    """The visible text of one answer, fed token by token."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self.stopped = False
        """Whether a stop string was found; what comes after it is not shown."""

    def feed(self, piece: bytes) -> str:
        """The text that becomes visible with the next token's bytes."""
        text = self._decoder.decode(piece)
        if not self._stops:
            return text
        return self._release(self._held + text)

    def finish(self) -> str:
        """What was held back, at the end of the answer."""
        rest = "" if self.stopped else self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        return rest

    def _release(self, text: str) -> str:
        found = [position for stop in self._stops if (position := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max(_overlap(text, stop) for stop in self._stops)
        shown, self._held = text[: len(text) - keep], text[len(text) - keep :]
        return shown


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
