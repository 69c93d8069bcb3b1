"""Hyperparameters as the fields of a request: which server takes which knob, under which name. Nothing is sent here.

A knob that a server does not take is left out and named, where leaving it out can change the answer.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from samantha.hyperparameters import SAMPLERS, Hyperparameters, SamplerName

Kind = str
"""Which program the server is: a key of `TAKEN`."""

STANDARD = {name: name for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty")}

_LLAMA_CPP_PYTHON = STANDARD | {
    "top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty", "mirostat": "mirostat_mode",
    "mirostat_tau": "mirostat_tau", "mirostat_eta": "mirostat_eta", "grammar": "grammar",
}  # fmt: skip
_LLAMA_SERVER = STANDARD | {
    name: name
    for name in (
        "top_k", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "top_n_sigma", "xtc_probability",
        "xtc_threshold", "dry_multiplier", "dry_base", "dry_allowed_length", "mirostat", "mirostat_tau", "mirostat_eta",
        "dynatemp_range", "dynatemp_exponent", "grammar",
    )
}  # fmt: skip
_VLLM = STANDARD | {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"}
_LM_STUDIO = STANDARD | {"top_k": "top_k", "repeat_penalty": "repeat_penalty"}
_KOBOLD = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p", "typical_p": "typical",
    "tfs_z": "tfs", "presence_penalty": "presence_penalty", "repeat_penalty": "rep_pen",
    "repeat_last_n": "rep_pen_range", "top_n_sigma": "nsigma", "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold", "dry_multiplier": "dry_multiplier", "dry_base": "dry_base",
    "dry_allowed_length": "dry_allowed_length", "mirostat": "mirostat", "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta", "dynatemp_range": "dynatemp_range", "dynatemp_exponent": "dynatemp_exponent",
    "grammar": "grammar",
}  # fmt: skip

TAKEN: dict[Kind, dict[str, str]] = {
    "standard": STANDARD,
    "ollama": STANDARD,
    "lm-studio": _LM_STUDIO,
    "llama-server": _LLAMA_SERVER,
    "llama-cpp-python": _LLAMA_CPP_PYTHON,
    "vllm": _VLLM,
    "koboldcpp": _KOBOLD,
    "kobold": _KOBOLD,
}
"""Our knob to the field of each kind of server. `koboldcpp` is its OpenAI-compatible side, `kobold` its own API."""

OFF: dict[str, Any] = {
    "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0, "presence_penalty": 0.0,
    "frequency_penalty": 0.0, "repeat_penalty": 1.0, "top_n_sigma": -1.0, "xtc_probability": 0.0, "dry_multiplier": 0.0,
    "mirostat": 0, "dynatemp_range": 0.0, "grammar": None, "json_schema": None,
}  # fmt: skip
"""The value of each knob that switches something, with which it does nothing. `tfs_z` is off from 1 on."""

_CUTS = ("top_k", "top_p", "min_p", "tfs_z", "top_n_sigma")
"""These always leave the likeliest candidate, so that they cannot matter where it is taken anyway."""

_OF_SAMPLER: dict[SamplerName, tuple[str, ...]] = {
    "penalties": ("presence_penalty", "frequency_penalty", "repeat_penalty"), "dry": ("dry_multiplier",),
    "top_n_sigma": ("top_n_sigma",), "top_k": ("top_k",), "typical_p": ("typical_p",), "top_p": ("top_p",),
    "tfs_z": ("tfs_z",), "min_p": ("min_p",), "xtc": ("xtc_probability",), "temperature": ("temperature",),
}  # fmt: skip

_DEPENDENT = {
    "repeat_last_n": ("presence_penalty", "frequency_penalty", "repeat_penalty"), "xtc_threshold": ("xtc_probability",),
    "dry_base": ("dry_multiplier",), "dry_allowed_length": ("dry_multiplier",), "mirostat_tau": ("mirostat",),
    "mirostat_eta": ("mirostat",), "dynatemp_exponent": ("dynatemp_range",),
}  # fmt: skip

_KOBOLD_ORDER = {"penalties": 6, "top_k": 0, "typical_p": 4, "top_p": 2, "tfs_z": 3, "temperature": 5}
_LLAMA_SERVER_NAMES = {"typical_p": "typ_p"}


class Fields(msgspec.Struct, frozen=True):
    """The fields of a request, and the knobs that this server does not take though they would matter."""

    fields: dict[str, Any]
    ignored: tuple[str, ...]


def fields(values: Hyperparameters, kind: Kind, window: int) -> Fields:
    """The sampling fields for a server of that kind; `window` is the context window in tokens.

    Which sampler is left out and which order they have is sent where the server knows such a thing.
    """
    taken = TAKEN[kind]
    meant = _without_left_out(values)
    if is_greedy(meant) and not meant.mirostat:
        meant = msgspec.structs.replace(meant, temperature=0.0, **({} if "top_k" in taken else {"top_p": 1.0}))
    sent = {field: getattr(meant, knob) for knob, field in taken.items() if getattr(meant, knob) is not None}
    if "repeat_last_n" in taken and meant.repeat_last_n < 0:
        sent[taken["repeat_last_n"]] = window
    sent |= _schema(meant, kind) | _order(values, kind)
    return Fields(sent, tuple(_ignored(meant, taken, sent, values, kind)))


def is_greedy(values: Hyperparameters) -> bool:
    """Whether the likeliest candidate is always taken: each of these knobs alone sees to that."""
    on = values.samplers
    return (
        values.temperature <= 0 or ("top_k" in on and values.top_k == 1) or ("top_p" in on and values.top_p <= 0)
        or ("min_p" in on and values.min_p >= 1) or ("tfs_z" in on and values.tfs_z <= 0)
    )  # fmt: skip


def _without_left_out(values: Hyperparameters) -> Hyperparameters:
    """The knobs of samplers that are not in the list do nothing."""
    left_out = [knob for name in SAMPLERS if name not in values.samplers for knob in _OF_SAMPLER[name]]
    neutral: dict[str, Any] = {**OFF, "tfs_z": 1.0, "temperature": 1.0}
    return msgspec.structs.replace(values, **{knob: neutral[knob] for knob in left_out})


def _schema(values: Hyperparameters, kind: Kind) -> dict[str, Any]:
    if values.json_schema is None:
        return {}
    try:
        schema = msgspec.json.decode(values.json_schema)
    except msgspec.DecodeError:
        return {}
    if kind in ("kobold", "koboldcpp"):
        return {"grammar": values.json_schema}  # it makes a grammar of a schema by itself
    if kind == "llama-cpp-python":
        return {"response_format": {"type": "json_object", "schema": schema}}
    described = {"name": "answer", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def _order(values: Hyperparameters, kind: Kind) -> dict[str, Any]:
    if kind == "llama-server":
        known = [_LLAMA_SERVER_NAMES.get(name, name) for name in values.samplers if name != "tfs_z"]
        return {"samplers": known}
    if kind in ("kobold", "koboldcpp"):
        numbers = [_KOBOLD_ORDER[name] for name in values.samplers if name in _KOBOLD_ORDER]
        numbers += [number for number in (6, 0, 1, 3, 4, 2, 5) if number not in numbers]
        return {"sampler_order": numbers}
    return {}


def _ignored(
    values: Hyperparameters, taken: Mapping[str, str], sent: Mapping[str, Any], asked: Hyperparameters, kind: Kind
) -> list[str]:
    off = [knob for knob, neutral in OFF.items() if getattr(values, knob) == neutral]
    off += ["tfs_z"] if values.tfs_z >= 1 else []
    if is_greedy(values) and not values.mirostat:
        off += _CUTS
    active = [knob for knob in (*OFF, "tfs_z") if knob not in off]
    active += [knob for knob, switches in _DEPENDENT.items() if any(switch in active for switch in switches)]
    missing = [knob for knob in active if knob not in taken and _differs(knob, values)]
    if "json_schema" in missing and ("response_format" in sent or sent.get("grammar") == values.json_schema):
        missing.remove("json_schema")
    if _order_matters(asked, kind):
        missing.append("samplers")
    return missing


def _differs(knob: str, values: Hyperparameters) -> bool:
    """A knob that only shapes another is worth a word where the user changed it."""
    return knob not in _DEPENDENT or getattr(values, knob) != getattr(Hyperparameters(), knob)


def _order_matters(values: Hyperparameters, kind: Kind) -> bool:
    usual = [name for name in SAMPLERS if name in values.samplers]
    takes_order = kind in ("llama-server", "kobold", "koboldcpp")
    return list(values.samplers) != usual and not is_greedy(values) and not takes_order
