"""Server-sent events, as the HTML standard defines them, from bytes as they come. It knows no API.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import codecs

from samantha.errors import EndpointError

LONGEST_LINE = 4 << 20
"""Characters; a token with 100 candidates takes about 10,000."""


class EventStream:
    """Takes bytes, gives events as (name, data)."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, received: bytes) -> list[tuple[str, str]]:
        """The events that are complete with these bytes.

        Raises:
            EndpointError: a line or an event without end.
        """
        text = self._rest + self._decoder.decode(received)
        held = text.endswith("\r")  # its line feed may come with the next bytes
        lines = (text[:-1] if held else text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + ("\r" if held else "")
        self._size += len(received)
        if self._size > LONGEST_LINE:
            raise EndpointError("The server sends an event without end: it does not stream text as an API does.")
        return [event for line in lines if (event := self._line(line))]

    def finish(self) -> list[tuple[str, str]]:
        """What was complete but for its blank line, at the end of the stream: some servers leave it out."""
        events = self.feed(b"\n")
        last = self._line("")
        return [*events, last] if last else events

    def _line(self, line: str) -> tuple[str, str] | None:
        if not line:
            event = (self._name, "\n".join(self._data)) if self._data else None
            self._name, self._data, self._size = "", [], 0
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return None
