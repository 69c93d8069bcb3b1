"""The argument parser of every command: one sentence for a mistake, dashes and underscores alike, nearest names."""

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

MISTAKE = 2
"""Exit status for a mistake in options or in a chain."""


class Parser(argparse.ArgumentParser):
    """`--top-k` and `--top_k` are the same option. Options are never abbreviated: a new one cannot change old calls."""

    def __init__(self, prog: str, description: str = "", usage: str | None = None) -> None:
        super().__init__(
            prog=prog, usage=usage, description=description, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    def error(self, message: str) -> NoReturn:
        """One sentence on standard error, exit status 2."""
        end = "" if message.endswith((".", "?")) else "."
        said = message.removeprefix("argument ") + end
        print(f"{self.prog}: {said} `{self.prog} --help` shows what can be given.", file=sys.stderr)
        raise SystemExit(MISTAKE)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """The parsed arguments; an unknown option is answered with the nearest known one."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            near = difflib.get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, 1, 0.5)
            self.error(f"{unknown[0]} is not known here" + (f": did you mean {near[0]}?" if near else ""))
        return parsed

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """As argparse does it, after each option was spelled as it was declared."""
        return super().parse_known_args(self._as_declared(sys.argv[1:] if args is None else args), namespace)

    def _as_declared(self, arguments: Sequence[str]) -> list[str]:
        """Options spelled as declared, and joined with a value that begins with `-` and is no option itself.

        argparse would take such a value for an unknown option, but a prompt may well begin with `---`.
        """
        declared = {option.replace("-", "_"): option for option in self._option_string_actions}
        spelled: list[str] = []
        waits = False
        for position, argument in enumerate(arguments):
            if argument == "--" and not waits:
                return [*spelled, *arguments[position:]]
            name, equals, value = argument.partition("=")
            option = declared.get(name.replace("-", "_"))
            if option is None and waits and argument.startswith("-"):
                spelled[-1] += f"={argument}"
            else:
                spelled.append((option or name) + equals + value)
            action = self._option_string_actions.get(option or "")
            waits = action is not None and not equals and action.nargs is None
        return spelled


def whole_number(text: str) -> int:
    """For `type=`: a whole number, or a sentence."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def options(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """Each argument of a parser as it is written, with its help; `--help` left out."""
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        value = "" if action.nargs == 0 else f" {_value(action)}"
        spelled = ", ".join(action.option_strings)
        rows.append((f"{spelled}{value}" if spelled else _value(action), action.help or ""))
    return rows


def _value(action: argparse.Action) -> str:
    name = action.metavar or action.dest.upper()
    return " ".join(name) if isinstance(name, tuple) else name
