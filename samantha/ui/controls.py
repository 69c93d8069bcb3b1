"""The settings panel and the fields as a Chain, and back. The panel is drawn from the one declaration of the knobs.

What the page holds is plain JSON; what leaves here is a checked `Chain`. Mistakes are
`FieldError`s, which say beside which field their sentence belongs. No Gradio here.
"""

import ast
import re
from typing import Any

import msgspec

from samantha.chain.chain import Chain
from samantha.errors import HyperparameterError, SamanthaError
from samantha.hyperparameters import DEFAULTS, KNOBS, PRESETS, SAMPLERS, Knob, changed, differences
from samantha.ui import texts

FLAGS = (
    "cumulative_response", "single_response_per_model", "shuffle_models", "reset_model", "random_hyperparameters",
    "strip_thinking", "raw",
)  # fmt: skip
"""The switches of the panel. `feedback_loop` stands beside its field."""

CODE_FLAGS = ("run_code", "stop_condition", "feedback_code_output_only")
"""The switches of the panel that concern generated code."""

FIELDS = ("prompts", "models", "settings", "access", "start")
"""Where a sentence on a mistake can stand."""


class FieldError(SamanthaError):
    """A sentence and the field that it belongs to: one of `FIELDS`.

    Args:
        key: of the sentence in the page's texts, where it is one of the page's own; `values` fill it.
    """

    def __init__(self, field: str, message: str = "", *, key: str = "", **values: Any) -> None:
        self.field = field
        self.key = key
        self.values = values
        super().__init__(message or texts.text("en", key).format(**values))

    def shown(self) -> dict[str, Any]:
        """What the line beside the field takes."""
        return {"problem_key": self.key, "values": self.values} if self.key else {"problem": str(self)}


class Fields(msgspec.Struct, frozen=True):
    """The left side of the page, as typed."""

    system: str
    previous: str
    prompts: str
    feedback: bool
    models: tuple[str, ...]
    responses: float | None
    loops: float | None
    files: tuple[str, ...] = ()


def declaration() -> list[dict[str, Any]]:
    """The knobs as the panel draws them."""
    return [_row(knob) for knob in KNOBS.values()]


def _row(knob: Knob) -> dict[str, Any]:
    return {
        "name": knob.name, "group": knob.group, "kind": _kind(knob), "default": msgspec.to_builtins(knob.default),
        "choices": list(SAMPLERS) if knob.name == "samplers" else list(knob.choices), "allowed": knob.allowed,
        "note": knob.note, "slider": knob.slider, "random": knob.random,
    }  # fmt: skip


def _kind(knob: Knob) -> str:
    if knob.name == "samplers":
        return "samplers"
    if knob.choices:
        return "choice"
    return {bool: "bool", int: "number", float: "number", str: "text"}.get(knob.type, "list")


def panel(chain: Chain) -> dict[str, Any]:
    """The settings of `chain` as the panel's value."""
    return {
        "hyperparameters": msgspec.to_builtins(differences(chain.hyperparameters)),
        "flags": {name: getattr(chain, name) for name in (*FLAGS, *CODE_FLAGS)},
        "seed": chain.seed,
        "parallel": chain.parallel,
        "variables": "\n".join(f"{name} = {_one_line(value)}" for name, value in chain.variables.items()),
        "examples": msgspec.to_builtins(chain.examples),
        "template": msgspec.to_builtins(chain.template),
        "random_ranges": {name: list(bounds) for name, bounds in chain.random_ranges.items()},
    }


def shipped_presets() -> dict[str, dict[str, Any]]:
    """The presets that come with the program, as the panel compares them."""
    return {name: _typed(values) for name, values in PRESETS.items()}


def checked_preset(values: dict[str, Any]) -> dict[str, Any]:
    """The panel's knobs as a preset to keep.

    Raises:
        HyperparameterError: a value that is not allowed.
    """
    return _typed(values)


def chain_of(fields: Fields, settings: dict[str, Any] | None) -> Chain:
    """The chain that the page describes. What only the whole chain can tell is left to the engine's check.

    Raises:
        FieldError: the first thing that is wrong, and beside which field to say so.
    """
    values = settings or {}
    if not fields.models:
        raise FieldError("models", key="problem.models")
    try:
        data = _data(fields, values) | {"hyperparameters": _typed(values.get("hyperparameters") or {})}
        return msgspec.convert(data, Chain)
    except HyperparameterError as error:
        raise FieldError("settings", str(error)) from None
    except msgspec.ValidationError as error:
        raise FieldError("settings", _sentence(error)) from None


def _data(fields: Fields, values: dict[str, Any]) -> dict[str, Any]:
    flags = {name: bool(on) for name, on in (values.get("flags") or {}).items() if name in (*FLAGS, *CODE_FLAGS)}
    single = flags.get("single_response_per_model", False)
    return flags | {
        "models": fields.models, "system": fields.system, "previous_response": fields.previous,
        "prompts": fields.prompts, "feedback_loop": fields.feedback,
        "files": fields.files, "responses": 1 if single else _whole("Responses", fields.responses, 1),
        "loops": 1 if single else _whole("Loops", fields.loops, 0),
        "seed": values.get("seed"), "parallel": values.get("parallel", 8),
        "variables": variables(values.get("variables") or ""), "examples": values.get("examples") or [],
        "template": values.get("template") or "", "random_ranges": values.get("random_ranges") or {},
    }  # fmt: skip


def _sentence(error: msgspec.ValidationError) -> str:
    """msgspec's message, which names the place after ` - at `, as a sentence of ours."""
    what, _, place = str(error).partition(" - at ")
    name = place.strip("`$.") or "a setting"
    return f"{name} is not allowed: {what[:1].lower()}{what[1:]}. Correct it in the settings."


def _whole(name: str, value: float | None, minimum: int) -> int:
    if value is None or value != int(value) or value < minimum:
        raise FieldError("start", key="problem.number", name=name, minimum=minimum)
    return int(value)


def variables(text: str) -> dict[str, str]:
    """The variables in `name = text` lines; backslash-n in a text is a line break.

    Raises:
        FieldError: a line without `=`.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, sign, value = line.partition("=")
        if not line.strip():
            continue
        if not sign or not name.strip():
            raise FieldError("settings", f"Variables, line {number}: write name = text.")
        found[name.strip()] = _several_lines(value.strip())
    return found


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _several_lines(text: str) -> str:
    return re.sub(r"\\(\\|n)", lambda found: "\n" if found[1] == "n" else "\\", text)


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """The panel's knobs with the values their declaration asks for; only those that differ from the defaults.

    Raises:
        HyperparameterError: see `hyperparameters.check`.
    """
    typed = {name: _value(name, value) for name, value in values.items() if value is not None}
    chosen: dict[str, Any] = msgspec.to_builtins(differences(changed(DEFAULTS, typed)))
    return chosen


def _value(name: str, value: Any) -> Any:
    if name == "stop" and isinstance(value, str):
        return stop_strings(value)
    if name in KNOBS and KNOBS[name].type is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def stop_strings(text: str) -> list[str]:
    """Stop strings as typed: a JSON or Python list, parsed as data, or one per line.

    Raises:
        HyperparameterError: a list that cannot be read or that holds something else than texts.
    """
    if not text.lstrip().startswith("["):
        return [line for line in text.splitlines() if line]
    try:
        found = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise HyperparameterError(f'stop is {text.strip()!r}, but must be a list of texts such as ["END", "User:"].')
    return found
