"""What happened to generated code, as lines for a terminal. Where they are printed is the printers' affair.

Names, titles and output come from code that a model wrote. A terminal obeys control sequences, so here they are shown.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from samantha import settings
from samantha.cli.tables import duration, size
from samantha.events import CodeFile, CodeFinished, CodeServing, CodeShown, Event

_COLOUR = r"\x1b\[[0-9;]*m"
_CONTROL = re.compile(rf"({_COLOUR})|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

MOST_FILES = 20
"""Files that are named; a count stands for the others."""


def harmless(text: str) -> str:
    """`text` with its control characters made visible; line breaks, tabs and colours stay."""
    return _CONTROL.sub(lambda found: found[1] or _visible(found[0]), text)


def _visible(sign: str) -> str:
    code = ord(sign)
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"\\x{code:02x}"


def on_one_line(text: str) -> str:
    """A name or a title, whatever it holds."""
    return harmless(text).replace("\n", "␊").replace("\r", "␍")


def lines(event: Event) -> Iterator[str]:
    """What a code event says beside the output itself, which is printed as it is."""
    if isinstance(event, CodeShown):
        title = f" ({on_one_line(event.title)})" if event.title else ""
        yield f"shown: {on_one_line(str(work_folder(event.run) / 'shown' / event.file))}{title}"
    elif isinstance(event, CodeServing):
        yield f"serving: {event.url}"
    elif isinstance(event, CodeFinished):
        yield from _files(event)
        if event.reason not in ("ok", "raised"):  # what it printed and its traceback were printed before
            yield on_one_line(event.output.rpartition("\n")[2])


def _files(event: CodeFinished) -> Iterator[str]:
    box = work_folder(event.run) / "box"
    for file in event.files[:MOST_FILES]:
        yield f"made: {on_one_line(str(box / file.name))} ({size(file.size)})"
    rest = event.files[MOST_FILES:]
    if rest:
        yield f"made: {len(rest)} more files in {box} ({size(_total(rest))})"


def _total(files: tuple[CodeFile, ...]) -> int:
    return sum(file.size for file in files)


def ending(event: CodeFinished) -> str:
    """`(code ok, 0.4 s, 85 MB, isolated)`."""
    memory = f"{size(event.memory)}, " if event.memory else ""
    return f"(code {event.reason}, {duration(event.seconds)}, {memory}{event.isolation or 'isolation unknown'})"


def work_folder(run: str) -> Path:
    """Where everything of a run lies that its code shows and makes."""
    return settings.data_folder() / "work" / run
