"""Every knob of sampling and context, declared once: type, default, range, help, note, random range.

The CLI, the page, chain files, the braces of a prompt and the randomiser read this declaration, as rows, in `KNOBS`.
What is not here: how a knob is applied (models/llama/samplers.py) and translations of the help (ui/texts).
"""

import difflib
import math
import random
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from samantha.errors import HyperparameterError

SamplerName = Literal[
    "penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "tfs_z", "min_p", "xtc", "temperature"
]
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)
"""llama.cpp's order with tail-free after top_p, where it stood when llama.cpp had it."""


def _knob(
    help: str,
    *,
    group: str,
    minimum: float | None = None,
    maximum: float | None = None,
    slider: tuple[float, float, float] | None = None,
    note: str = "",
    random: tuple[float, float] | None = None,
) -> Meta:
    """`slider` is (lowest, highest, step) in the page; `random` is what random mode draws from, uniformly."""
    extra = {"group": group, "slider": slider, "note": note, "random": random}
    return Meta(ge=minimum, le=maximum, description=help, extra=extra)

CacheType = Literal["f16", "f32", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]

LOADING = ("n_ctx", "n_threads", "n_gpu_layers", "flash_attention", "cache_type_k", "cache_type_v")
"""Knobs of the model as it is loaded: they hold for a step, and a branch of it cannot change them."""


class Hyperparameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One complete set of knobs. Frozen: a change is a new set, see `changed`."""

    temperature: Annotated[
        float,
        _knob(
            "Divides the logits: 0 always takes the most likely token, higher values flatten the distribution.",
            group="main", minimum=0, slider=(0, 5, 0.05), random=(0.1, 1.0),
            note="0 deterministic, above 0 stochastic",
        ),
    ] = 0.0
    top_k: Annotated[
        int,
        _knob(
            "Keeps only the k most likely tokens; 0 is off.",
            group="main", minimum=0, slider=(0, 200, 1), note="1 deterministic",
        ),
    ] = 40
    top_p: Annotated[
        float,
        _knob(
            "Keeps the most likely tokens until their probabilities add up to this; 1 is off.",
            group="main", minimum=0, maximum=1, slider=(0, 1, 0.01), random=(0.1, 1.0), note="0 deterministic, 1 off",
        ),
    ] = 0.95
    min_p: Annotated[
        float,
        _knob(
            "Drops tokens less likely than this share of the most likely one; 0 is off.",
            group="main", minimum=0, maximum=1, slider=(0, 1, 0.01), random=(0.1, 1.0), note="1 deterministic, 0 off",
        ),
    ] = 0.05
    typical_p: Annotated[
        float,
        _knob(
            "Keeps the tokens whose surprise is nearest to the expected one, up to this much probability; 1 is off.",
            group="samplers", minimum=0, maximum=1, slider=(0, 1, 0.01), random=(0.1, 1.0),
            note="0 deterministic, 1 off",
        ),
    ] = 1.0
    tfs_z: Annotated[
        float,
        _knob(
            "Tail-free sampling: cuts the tail where the sorted probabilities stop bending; 1 and above is off.",
            group="samplers", minimum=0, slider=(0, 1, 0.01), random=(0.1, 1.0), note="0 deterministic, 1 off",
        ),
    ] = 1.0
    presence_penalty: Annotated[
        float,
        _knob(
            "Lowers the logit of every token that already occurred, once.",
            group="penalties", minimum=-2, maximum=2, slider=(-2, 2, 0.05), random=(0.0, 0.3), note="0 off",
        ),
    ] = 0.0
    frequency_penalty: Annotated[
        float,
        _knob(
            "Lowers the logit of a token by this for each time it already occurred.",
            group="penalties", minimum=-2, maximum=2, slider=(-2, 2, 0.05), random=(0.0, 0.3), note="0 off",
        ),
    ] = 0.0
    repeat_penalty: Annotated[
        float,
        _knob(
            "Divides the positive logits of tokens that already occurred (multiplies negative ones); 1 is off.",
            group="main", minimum=0.01, maximum=2, slider=(0.01, 2, 0.01), random=(1.0, 1.2), note="1 off",
        ),
    ] = 1.0
    repeat_last_n: Annotated[
        int,
        _knob(
            "How many of the last tokens the penalties see, the prompt's included; -1 is the whole context, 0 none.",
            group="penalties", minimum=-1, slider=(-1, 4096, 1),
        ),
    ] = 64
    top_n_sigma: Annotated[
        float,
        _knob(
            "Keeps tokens whose logit is within this many standard deviations of the best; -1 is off.",
            group="samplers", minimum=-1, slider=(-1, 5, 0.1), note="-1 off",
        ),
    ] = -1.0
    xtc_probability: Annotated[
        float,
        _knob(
            "How often XTC removes all but the least likely of the tokens above xtc_threshold; 0 is off.",
            group="samplers", minimum=0, maximum=1, slider=(0, 1, 0.01), note="0 off, above 0 stochastic",
        ),
    ] = 0.0
    xtc_threshold: Annotated[
        float,
        _knob(
            "The probability above which XTC counts a token; above 0.5 XTC does nothing.",
            group="samplers", minimum=0, maximum=1, slider=(0, 1, 0.01),
        ),
    ] = 0.1
    dry_multiplier: Annotated[
        float,
        _knob(
            "Strength of the DRY penalty on continuing a repeated sequence; 0 is off.",
            group="penalties", minimum=0, slider=(0, 5, 0.05), note="0 off",
        ),
    ] = 0.0
    dry_base: Annotated[
        float,
        _knob("How fast the DRY penalty grows with the length of the repetition.",
              group="penalties", minimum=1, slider=(1, 4, 0.05)),
    ] = 1.75
    dry_allowed_length: Annotated[
        int,
        _knob("The length of a repetition that DRY does not yet penalise.",
              group="penalties", minimum=1, slider=(1, 20, 1)),
    ] = 2
    mirostat: Annotated[
        Literal[0, 1, 2],
        _knob("Mirostat 1 or 2 steers the surprise of the text and replaces all samplers after penalties; 0 is off.",
              group="samplers", note="0 off, otherwise stochastic"),
    ] = 0
    mirostat_tau: Annotated[
        float,
        _knob("The surprise in bits that Mirostat aims at.", group="samplers", minimum=0, slider=(0, 10, 0.1)),
    ] = 5.0
    mirostat_eta: Annotated[
        float,
        _knob("How quickly Mirostat corrects itself.", group="samplers", minimum=0, maximum=1, slider=(0, 1, 0.01)),
    ] = 0.1
    dynatemp_range: Annotated[
        float,
        _knob("The temperature moves by up to this with the entropy of the candidates; 0 is off.",
              group="samplers", minimum=0, slider=(0, 5, 0.05), note="0 off"),
    ] = 0.0
    dynatemp_exponent: Annotated[
        float,
        _knob("How the entropy is turned into the dynamic temperature.",
              group="samplers", minimum=0, slider=(0, 5, 0.05)),
    ] = 1.0
    max_tokens: Annotated[
        int,
        _knob("The longest answer in tokens; 0 goes on to the end of the context window.",
              group="main", minimum=0, slider=(0, 8192, 1)),
    ] = 4000
    n_ctx: Annotated[
        int,
        _knob("The context window in tokens, prompt and answer together; 0 takes the model's own.",
              group="main", minimum=0, slider=(0, 32768, 1)),
    ] = 4000
    stop: Annotated[
        tuple[str, ...],
        _knob("Texts that end the answer and are not shown.", group="text"),
    ] = ()
    seed: Annotated[
        int,
        _knob("The seed of this step's random choices; empty: derived from the run's seed.",
              group="text", minimum=0, maximum=2**32 - 2),
    ] | None = None
    samplers: Annotated[
        tuple[SamplerName, ...],
        _knob("Which samplers are applied, and in which order.", group="samplers"),
    ] = SAMPLERS
    grammar: Annotated[
        str,
        _knob("A GBNF grammar that the answer must follow.", group="text"),
    ] | None = None
    json_schema: Annotated[
        str,
        _knob("A JSON schema that the answer must follow.", group="text"),
    ] | None = None
    n_threads: Annotated[
        int,
        _knob("CPU threads for the model; empty: chosen for this machine.",
              group="machine", minimum=1, maximum=512),
    ] | None = None
    n_gpu_layers: Annotated[
        int,
        _knob("Layers that a graphics card takes over, where llama.cpp was built for one.",
              group="machine", minimum=-1, slider=(-1, 200, 1)),
    ] = 0
    flash_attention: Annotated[
        bool,
        _knob("Less memory; off gives the same tokens for any number of threads.", group="machine"),
    ] = False
    cache_type_k: Annotated[
        CacheType,
        _knob("How the keys of evaluated tokens are kept: smaller types save memory and change answers a little.",
              group="machine"),
    ] = "f16"
    cache_type_v: Annotated[
        CacheType,
        _knob("The same for their values; the quantized types need flash_attention.", group="machine"),
    ] = "f16"


DEFAULTS = Hyperparameters()

PRESETS: dict[str, dict[str, Any]] = {
    "Deterministic": {},
    "Deterministic (original)": {"temperature": 0.0, "tfs_z": 0.0, "top_p": 0.0, "min_p": 1.0, "typical_p": 0.0,
                                 "top_k": 40},
    "Stochastic": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.1},
}
"""Each preset is what it changes of the defaults."""


class Knob(msgspec.Struct, frozen=True):
    """One row of the declaration, for whoever draws, prints or parses it."""

    name: str
    type: Any
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[Any, ...]
    help: str
    note: str
    group: str
    slider: tuple[float, float, float] | None
    random: tuple[float, float] | None

    @property
    def allowed(self) -> str:
        """The allowed values in words, e.g. `a number from 0 to 1`."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        return _allowed(self.type, self.minimum, self.maximum)


def _allowed(kind: Any, minimum: float | None, maximum: float | None) -> str:
    noun = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}.get(kind, "a list")
    if noun == "a list":
        return "a list of " + ("samplers: " + ", ".join(SAMPLERS) if kind == tuple[SamplerName, ...] else "texts")
    if minimum is None:
        return noun
    return f"{noun} from {minimum:g} to {maximum:.10g}" if maximum is not None else f"{noun}, {minimum:g} or more"


_HINTS: dict[str, Any] = get_type_hints(Hyperparameters, include_extras=True)


def _row(name: str, hint: Any) -> Knob:
    optional = get_origin(hint) is not Annotated
    kind, meta = get_args(get_args(hint)[0] if optional else hint)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    extra = meta.extra
    return Knob(
        name=name, type=kind, default=getattr(DEFAULTS, name), minimum=meta.ge, maximum=meta.le, choices=choices,
        help=meta.description, note=extra["note"], group=extra["group"], slider=extra["slider"], random=extra["random"],
    )


KNOBS: dict[str, Knob] = {name: _row(name, hint) for name, hint in _HINTS.items()}
"""The declaration as rows, by name, in order."""


def check(name: str, value: Any) -> Any:
    """The value of knob `name`, converted to its type.

    Raises:
        HyperparameterError: an unknown name (the nearest known one is named) or a value that is not allowed.
    """
    knob = KNOBS.get(name)
    if knob is None:
        near = difflib.get_close_matches(name, KNOBS, 1, 0.6)
        hint = f"; did you mean {near[0]}?" if near else f". Known: {', '.join(KNOBS)}."
        raise HyperparameterError(f"unknown hyperparameter {name}{hint}")
    try:
        checked = msgspec.convert(_as_meant(knob, value), _HINTS[name])
    except msgspec.ValidationError:
        raise HyperparameterError(f"{name} is {value!r}, but must be {knob.allowed}.") from None
    if isinstance(checked, float) and not math.isfinite(checked):
        raise HyperparameterError(f"{name} is {value!r}, but must be {knob.allowed}.")
    return checked


def _as_meant(knob: Knob, value: Any) -> Any:
    """`on` and `off` for a switch, and one text for a list of texts."""
    if knob.name == "stop" and isinstance(value, str):
        return (value,)
    if knob.type is bool and isinstance(value, str):
        return {"on": True, "true": True, "off": False, "false": False}.get(value.lower(), value)
    return value


def changed(base: Hyperparameters, overrides: Mapping[str, Any]) -> Hyperparameters:
    """`base` with the checked `overrides` put in.

    Raises:
        HyperparameterError: see `check`.
    """
    return msgspec.structs.replace(base, **{name: check(name, value) for name, value in overrides.items()})


def seed_after(seed: int, position: int) -> int:
    """The seed of what is drawn from token number `position` of an answer on, when the drawing begins anew there.

    Without it every new beginning would draw the same numbers again. 0 keeps the seed; 2^32-1 is never given.
    """
    return (seed + position * 2654435761) % (2**32 - 1) if position else seed


def differences(values: Hyperparameters, base: Hyperparameters = DEFAULTS) -> dict[str, Any]:
    """The knobs of `values` that differ from `base`."""
    return {name: getattr(values, name) for name in KNOBS if getattr(values, name) != getattr(base, name)}


def drawn(source: random.Random, ranges: Mapping[str, tuple[float, float]] | None = None) -> dict[str, float]:
    """Random values for the knobs that have a random range, drawn uniformly from `source` and rounded to 3 places.

    Args:
        ranges: replaces the declared range of the knobs it names.
    """
    chosen = {knob.name: knob.random for knob in KNOBS.values() if knob.random} | dict(ranges or {})
    return {name: round(source.uniform(*bounds), 3) for name, bounds in sorted(chosen.items())}
