"""Texts typed at the terminal, or piped in: continued lines, texts of several lines, history."""

import sys

QUOTES = '"""'


class Typist:
    """Reads one text after the other from standard input. At a terminal it prompts, and keeps a history to recall."""

    def __init__(self) -> None:
        self.at_terminal = sys.stdin.isatty()
        self._by_hand = self.at_terminal and sys.stdout.isatty()
        if self._by_hand:
            _recall_lines()

    def text(self) -> str | None:
        r"""The next text, "" for an empty line, or None at the end of the input.

        A `\` at the end of a line joins the next with a line break; a line that begins with `\"\"\"` begins a text that
        the next `\"\"\"` at the end of a line ends. Ctrl-C takes back what was typed.
        """
        while True:
            try:
                return self._text()
            except EOFError:
                if self.at_terminal:
                    print(file=sys.stderr)
                return None
            except KeyboardInterrupt:
                print("\nTaken back; /exit or Ctrl-D ends.", file=sys.stderr)

    def _text(self) -> str:
        line = self._line("> ")
        if line.startswith(QUOTES):
            return self._quoted(line.removeprefix(QUOTES))
        lines = []
        while line.endswith("\\"):
            lines.append(line[:-1])
            line = self._line(". ")
        return "\n".join([*lines, line])

    def _quoted(self, line: str) -> str:
        lines = []
        while not line.rstrip().endswith(QUOTES):
            lines.append(line)
            line = self._line(". ")
        return "\n".join([*lines, line.rstrip().removesuffix(QUOTES)]).strip("\n")

    def _line(self, prompt: str) -> str:
        """One line without its line break. `input` alone offers editing and history, but writes to standard output."""
        if self._by_hand:
            return input(prompt)
        if self.at_terminal:
            print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")


def _recall_lines() -> None:
    """Importing readline is all it takes; Windows has none, and its console recalls lines by itself."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
