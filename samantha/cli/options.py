"""Every setting of a chain and every hyperparameter as an option of the same name, made from their declarations.

`add` puts them on a parser, `applied` puts what was given into a chain. Whether the chain makes sense is checked where
it runs.
"""

import argparse
import ast
import functools
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from samantha.chain.chain import HELP, Chain, Example
from samantha.cli.parsing import whole_number
from samantha.errors import SamanthaError
from samantha.hyperparameters import KNOBS, Knob, changed, check
from samantha.models.model import PromptFormat

_CHAIN, _KNOB = "chain.", "knob."
"""What the names of parsed values begin with, so that the two seeds cannot be mixed up."""

SEED_NOTE = " A fixed seed for each step is given as --hyperparameters '{seed = 7}'."

GROUPS = {
    "main": "sampling and length", "samplers": "more samplers", "penalties": "penalties",
    "text": "stop strings and grammars", "machine": "machine",
}  # fmt: skip


def add(parser: argparse.ArgumentParser, leave_out: frozenset[str] = frozenset()) -> None:
    """Declare the options; settings named in `leave_out` make no sense for this command."""
    settings = parser.add_argument_group("the chain")
    hints = get_type_hints(Chain)
    for name in Chain.__struct_fields__:
        if name != "format" and name not in leave_out:
            _add_setting(settings, name, hints[name])
    groups = {key: parser.add_argument_group(title) for key, title in GROUPS.items()}
    for knob in KNOBS.values():
        if knob.name != "seed":
            _add_knob(groups[knob.group], knob)


def add_knobs(parser: Any, names: Iterable[str]) -> None:
    """Declare some hyperparameters alone."""
    for name in names:
        _add_knob(parser, KNOBS[name])


def given_knobs(arguments: argparse.Namespace) -> dict[str, Any]:
    """The hyperparameters that the command line has, with those of `--hyperparameters`; checked."""
    knobs = {name.removeprefix(_KNOB): value for name, value in vars(arguments).items() if name.startswith(_KNOB)}
    return {**getattr(arguments, f"{_CHAIN}hyperparameters", {}), **knobs}


def given_settings(arguments: argparse.Namespace) -> list[str]:
    """The names of the chain's settings that the command line has, hyperparameters left out."""
    names = (name.removeprefix(_CHAIN) for name in vars(arguments) if name.startswith(_CHAIN))
    return [name for name in names if name != "hyperparameters"]


def applied(chain: Chain, arguments: argparse.Namespace) -> Chain:
    """`chain` with the given options in the place of its own settings; variables, ranges and examples are added.

    Raises:
        HyperparameterError: a value of `--hyperparameters` that is not allowed.
    """
    given = {name.removeprefix(_CHAIN): value for name, value in vars(arguments).items() if name.startswith(_CHAIN)}
    knobs = {name.removeprefix(_KNOB): value for name, value in vars(arguments).items() if name.startswith(_KNOB)}
    for name in ("variables", "random_ranges"):
        if name in given:
            given[name] = {**getattr(chain, name), **dict(given[name])}
    if "models" in given:
        given["models"] = tuple(given["models"])
    if "files" in given:
        given["files"] = (*chain.files, *(str(Path(name).resolve()) for name in given["files"]))
    if "examples" in given:
        given["examples"] = (*chain.examples, *(Example(user, assistant) for user, assistant in given["examples"]))
    together = given.pop("hyperparameters", {})
    values = changed(changed(chain.hyperparameters, together), knobs)
    return msgspec.structs.replace(chain, **given, hyperparameters=values)


def gives(arguments: argparse.Namespace, setting: str) -> bool:
    """Whether the command line has this setting of the chain."""
    return hasattr(arguments, _CHAIN + setting)


def knob_value(name: str, text: str) -> Any:
    """The checked value of hyperparameter `name` as it is typed: a TOML value, a list, or a bare word.

    Raises:
        HyperparameterError: unknown name, or a value that is not allowed.
    """
    knob = KNOBS.get(name)
    if knob is None or knob.type is str:
        return check(name, text)
    if knob.type not in (int, float, bool) and not knob.choices:
        return check(name, _texts(text, alone=name == "stop"))
    return check(name, _toml_value(text))


def _add_setting(group: argparse._ArgumentGroup, name: str, kind: Any) -> None:
    declared: dict[str, Any] = {"dest": _CHAIN + name, "default": argparse.SUPPRESS, "help": _help(HELP[name])}
    if name in _UNUSUAL:
        spelled, extra = _UNUSUAL[name]
        group.add_argument(*spelled, **{**declared, **extra})
    elif kind is bool:
        group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, **declared)
    elif kind is str:
        group.add_argument(f"--{name}", metavar="TEXT", **declared)
    else:
        note = SEED_NOTE if name == "seed" else ""
        declared["help"] = _help(HELP[name] + note)
        group.add_argument(f"--{name}", metavar="N", type=whole_number, **declared)


def _add_knob(group: argparse._ArgumentGroup, knob: Knob) -> None:
    shown = "" if knob.default is None else f" Default: {_shown(knob.default)}."
    help = _help(knob.help + shown)
    declared: dict[str, Any] = {"dest": _KNOB + knob.name, "default": argparse.SUPPRESS, "help": help}
    if knob.type is bool:
        group.add_argument(f"--{knob.name}", action=argparse.BooleanOptionalAction, **declared)
        return
    metavar = {float: "NUMBER", int: "N", str: "TEXT"}.get(knob.type, "N" if knob.choices else "LIST")
    if knob.name == "stop":
        group.add_argument("--stop", metavar="TEXT", action="extend", type=_told(_stop), **declared)
    else:
        convert = _told(functools.partial(knob_value, knob.name))
        group.add_argument(f"--{knob.name}", metavar=metavar, type=convert, **declared)


def _told(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """`convert` with its error as argparse shows one."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except SamanthaError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted


def _stop(text: str) -> tuple[str, ...]:
    texts: tuple[str, ...] = check("stop", _texts(text, alone=True))
    return texts


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no =: write NAME=TEXT")
    return name.strip(), value


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, value = _pair(text)
    try:
        low, high = (float(bound) for bound in value.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=LOWEST,HIGHEST") from None
    return name, (low, high)


def _table(text: str) -> Mapping[str, Any]:
    value = _toml_value(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a table as in TOML, such as {{temperature = 0.8}}")
    return value


def _template(text: str) -> str | PromptFormat:
    if not text.lstrip().startswith("{"):
        return text
    try:
        return msgspec.convert(_table(text), PromptFormat)
    except msgspec.ValidationError as error:
        raise argparse.ArgumentTypeError(f"the template is not a table of prefixes and suffixes: {error}") from None


def _toml_value(text: str) -> Any:
    """A value as in TOML; a bare word is itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _texts(text: str, *, alone: bool) -> Any:
    """A JSON or Python list, parsed as data; else the text `alone`, or the names that commas separate."""
    if text.lstrip().startswith("["):
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    return [text] if alone else [name.strip() for name in text.split(",") if name.strip()]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _help(text: str) -> str:
    """argparse takes `%` as the beginning of a placeholder."""
    return text.replace("%", "%%")


_UNUSUAL: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "models": (("--model", "--models"), {"action": "append", "metavar": "MODEL"}),
    "files": (("--file", "--files"), {"action": "append", "metavar": "FILE"}),
    "variables": (("--variables",), {"action": "append", "type": _pair, "metavar": "NAME=TEXT"}),
    "random_ranges": (("--random_ranges",), {"action": "append", "type": _range, "metavar": "NAME=LOWEST,HIGHEST"}),
    "template": (("--template",), {"type": _template, "metavar": "NAME"}),
    "examples": (("--example", "--examples"), {"action": "append", "nargs": 2, "metavar": ("USER", "ASSISTANT")}),
    "hyperparameters": (("--hyperparameters",), {"type": _table, "metavar": "'{NAME = VALUE, ...}'"}),
}
