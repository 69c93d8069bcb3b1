"""The Chain: what a run executes, as data, and its TOML file. The prompts stay as typed; items are derived (prompts.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from samantha.hyperparameters import Hyperparameters
from samantha.models.model import PromptFormat

FORMAT = 1


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A few-shot turn: what a user said and what the assistant answered."""

    user: str
    assistant: str


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`([models] -> response -> ([prompts] x responses)) x loops`; the meaning of each setting is in the guide.

    `loops` 0 repeats until stopped. `seed` None draws one at the start. `template` "" is the model's own.
    """

    format: int = FORMAT
    models: tuple[str, ...] = ("tiny",)
    system: str = ""
    previous_response: str = ""
    prompts: str = ""
    loops: Annotated[int, Meta(ge=0)] = 1
    responses: Annotated[int, Meta(ge=1)] = 1
    single_response_per_model: bool = False
    shuffle_models: bool = False
    reset_model: bool = False
    feedback_loop: bool = False
    cumulative_response: bool = False
    random_hyperparameters: bool = False
    random_ranges: dict[str, tuple[float, float]] = {}
    run_code: bool = False
    stop_condition: bool = False
    feedback_code_output_only: bool = False
    variables: dict[str, str] = {}
    parallel: Annotated[int, Meta(ge=1, le=64)] = 8
    strip_thinking: bool = True
    seed: Annotated[int, Meta(ge=0, le=2**32 - 2)] | None = None
    template: str | PromptFormat = ""
    raw: bool = False
    examples: tuple[Example, ...] = ()
    hyperparameters: Hyperparameters = Hyperparameters()
