"""Chain files: TOML read and written, text files with a prompt list, and what must hold before a chain may run.

`from_toml(to_toml(chain)) == chain` for every chain whose texts are made of whole characters. What is not here: the
grammar of the prompt list (prompts.py), collections of prompts (collections.py), and whether a model exists.
"""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from samantha.chain import prompts
from samantha.chain.chain import FORMAT, Chain, Example
from samantha.chain.text_files import encoded, read_text
from samantha.chain.toml_text import document
from samantha.errors import ChainError, HyperparameterError
from samantha.hyperparameters import KNOBS, check
from samantha.models.model import PromptFormat

_NOTE = re.compile(r"(?P<said>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_EXPECTED = re.compile(r"Expected `(?P<kind>.*?)`(?P<limit>[^,]*)")
_KINDS = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false", "array": "a list",
          "object": "a table"}
_LIMITS = {" >= ": " of at least ", " <= ": " of at most ", " of length ": " of length "}


def read(path: Path) -> Chain:
    """The chain in a file: `.toml` is a chain file, `.txt` a prompt list for an otherwise default chain.

    Raises:
        ChainError: the file cannot be read or is malformed; names the file, the key and what is allowed.
        HyperparameterError: a hyperparameter is unknown or out of its range.
    """
    suffix = path.suffix.lower()
    if suffix not in (".toml", ".txt") and not path.is_dir():
        raise ChainError(f"{path} is neither a chain file (.toml) nor a prompt list (.txt): rename it to what it is.")
    text = read_text(path)
    if suffix == ".toml":
        return _with_data(from_toml(text, str(path)), path)
    if any(line.strip() == "$-$-$" for line in text.splitlines()):
        raise ChainError(f"{path} is a collection, whose entries $-$-$ separates: copy one entry to a file of its own.")
    return Chain(prompts=text)


def write(chain: Chain, path: Path) -> None:
    """Write the chain file, whole or not at all; a `.txt` gets the prompt list alone.

    Raises:
        ChainError: it cannot be written, or a text holds what no file can.
    """
    if path.is_dir():
        raise ChainError(f"{path} is a folder: give the file a name in it.")
    text = chain.prompts if path.suffix.lower() == ".txt" else to_toml(_beside(chain, path.parent))
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(encoded(text, "The chain"))
        partial.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ChainError(f"{path} cannot be written ({reason}): choose another name or folder.") from error


def _with_data(chain: Chain, path: Path) -> Chain:
    """The chain with its data files where they are.

    A chain may come from a stranger and is about to let code read these files: they must lie in the chain's own folder.
    """
    if not chain.files:
        return chain
    folder = path.parent.resolve()
    found = [(folder / name).resolve() for name in chain.files]
    for name, place in zip(chain.files, found, strict=True):
        if folder not in place.parents:
            raise ChainError(
                f"{path}: files names {name}, which is not in the folder of the chain: put a copy there, or take it "
                "out and allow it by hand."
            )
    return msgspec.structs.replace(chain, files=tuple(map(str, found)))


def _beside(chain: Chain, folder: Path) -> Chain:
    """The chain with the data files that lie in `folder` named from there, so that both can be moved together."""
    folder = folder.resolve()
    return msgspec.structs.replace(chain, files=tuple(_named_from(folder, Path(name)) for name in chain.files))


def _named_from(folder: Path, place: Path) -> str:
    return place.relative_to(folder).as_posix() if place.is_relative_to(folder) else str(place)


def to_toml(chain: Chain) -> str:
    """The chain as the text of a chain file: the format, what differs from the defaults, always in the same order.

    Raises:
        ChainError: a text holds half of a surrogate pair, which no file can hold.
    """
    text = document(chain)
    encoded(text, "The chain")
    return text


def from_toml(text: str, where: str = "The chain") -> Chain:
    """The chain in the text of a chain file; `where` names the file in messages.

    Raises:
        ChainError: malformed TOML (with line and column), an unknown key (with the nearest), a value of another kind.
        HyperparameterError: a hyperparameter is unknown or out of its range.
    """
    try:
        data = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ChainError(f"{where} is nested too deeply to be a chain file.") from None
    except ValueError as error:
        said = str(error).replace("at end of document", f"at {_end(text)}, the end").rstrip(".")
        raise ChainError(f"{where} is not valid TOML: {said}.") from None
    return _chain(data, where)


def validate(chain: Chain) -> None:
    """Check everything that can be known without a model.

    Raises:
        ChainError: what cannot run, in one sentence.
        HyperparameterError: a hyperparameter is out of its range, in the chain or in the braces of a prompt.
    """
    _chain(msgspec.to_builtins(chain), "The chain")
    _check_models(chain)
    _check_names(chain.variables)
    for name, bounds in chain.random_ranges.items():
        _check_range(name, bounds)
    if not prompts.parse(chain.prompts, chain.variables).items:
        raise ChainError("The prompt list is empty: write at least one prompt that does not begin with ---.")


def _chain(data: dict[str, Any], where: str) -> Chain:
    version = data.get("format", FORMAT)
    if isinstance(version, int) and version != FORMAT:
        raise ChainError(f"{where} has format {version}, but this version reads format {FORMAT}: update Samantha.")
    _check_keys(data, where)
    values = data.get("hyperparameters")
    if isinstance(values, dict):
        data = {**data, "hyperparameters": {key: _checked(key, value, where) for key, value in values.items()}}
    try:
        return msgspec.convert(data, Chain)
    except msgspec.ValidationError as error:
        raise ChainError(f"{where}: {_sentence(str(error), data)}") from None


def _end(text: str) -> str:
    lines = text.split("\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


def _checked(key: str, value: Any, where: str) -> Any:
    try:
        return check(key, value)
    except HyperparameterError as error:
        raise HyperparameterError(f"{where}: {error}") from None


def _check_keys(data: Mapping[str, Any], where: str) -> None:
    for key in data:
        if key in Chain.__struct_fields__:
            continue
        if key in KNOBS:
            raise ChainError(f"{where}: {key} is a hyperparameter: write hyperparameters = {{{key} = …}}.")
        raise ChainError(f"{where}: {_unknown(key, Chain.__struct_fields__)}")


def _unknown(key: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(key, known, 1, 0.4)
    return f"unknown key {key}" + (f"; did you mean {near[0]}?" if near else f". Known: {', '.join(known)}.")


def _sentence(message: str, data: Mapping[str, Any]) -> str:
    """msgspec's message in words: which key, what it is, what it must be."""
    note = _NOTE.fullmatch(message)
    said, path = (note["said"], note["path"] or "") if note else (message, "")
    if unknown := _UNKNOWN.fullmatch(said):
        fields = PromptFormat.__struct_fields__ if path.startswith("template") else Example.__struct_fields__
        return f"{path} has an {_unknown(unknown[1], fields)}"
    if missing := _MISSING.fullmatch(said):
        return f"{path} has no {missing[1]}: add it."
    if expected := _EXPECTED.match(said):
        kinds = " or ".join(_KINDS.get(kind, kind) for kind in expected["kind"].split(" | ") if kind != "null")
        limit = expected["limit"]
        for sign, words in _LIMITS.items():
            limit = limit.replace(sign, words)
        value = f"is {data[path]!r}, but" if path in data else "holds another value, but"
        return f"{path} {value} must be {kinds}{limit}."
    return f"{path}: {said}."


def _check_models(chain: Chain) -> None:
    if not chain.models:
        raise ChainError("No model is chosen: add one to models, for example tiny.")
    if blank := [number for number, name in enumerate(chain.models, 1) if not name.strip()]:
        raise ChainError(f"Model {blank[0]} has no name: write a name, a path, a URL or an endpoint, or delete it.")
    if chain.shuffle_models and len(chain.models) < 3:
        raise ChainError(f"shuffle_models needs 3 models, but there are {len(chain.models)}: add some or turn it off.")


def _check_names(variables: Mapping[str, str]) -> None:
    for name in variables:
        if name in prompts.RESERVED:
            raise ChainError(f"The variable {name} must be renamed: {{{{{name}}}}} stands for earlier responses.")
        if prompts.placeholders(f"{{{{{name}}}}}") != [name]:
            raise ChainError(f"The variable {name!r} cannot stand in {{{{ }}}}: use letters, digits and _ only.")


def _check_range(name: str, bounds: tuple[float, float]) -> None:
    knob = KNOBS.get(name)
    drawn = [known.name for known in KNOBS.values() if known.random]
    if knob is None or knob.random is None:
        raise ChainError(f"random_ranges cannot have {name}: random values are drawn for {', '.join(drawn)}.")
    low, high = (_checked(name, bound, "random_ranges") for bound in bounds)
    if low > high:
        raise ChainError(f"The random range of {name} goes from {low:g} to {high:g}: put the smaller number first.")
