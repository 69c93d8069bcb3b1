"""The Chain: what a run executes, as data. files.py reads and writes it; prompts.py makes items of its prompts."""

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
    files: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    parallel: Annotated[int, Meta(ge=1, le=64)] = 8
    strip_thinking: bool = True
    seed: Annotated[int, Meta(ge=0, le=2**32 - 2)] | None = None
    template: str | PromptFormat = ""
    raw: bool = False
    examples: tuple[Example, ...] = ()
    hyperparameters: Hyperparameters = Hyperparameters()


HELP: dict[str, str] = {
    "models": "A model: its name, path, URL or endpoint; several answer one after the other.",
    "system": "The system prompt: what every model is told before all else.",
    "previous_response": "An answer of the assistant that the first step is given as its own last one.",
    "prompts": "The prompt list: each line, or each text between $$$, is one prompt.",
    "loops": "How often everything is repeated; 0 repeats until stopped.",
    "responses": "How often each model goes through the prompt list.",
    "single_response_per_model": "Model 1 answers prompt 1, model 2 prompt 2, and so on.",
    "shuffle_models": "A random order of the models in each loop; needs 3 or more.",
    "reset_model": "Every step starts from an empty context: nothing evaluated before is reused.",
    "feedback_loop": "Each response is given to the next step as the previous response.",
    "cumulative_response": "With feedback_loop: responses are joined instead of replaced.",
    "random_hyperparameters": "Draws new hyperparameters for every step, from the run's seed.",
    "random_ranges": "What random_hyperparameters draws from: lowest and highest value by name.",
    "run_code": "Runs the Python code of each response in the sandbox.",
    "stop_condition": "Ends the run when code prints anything without an error.",
    "feedback_code_output_only": "Feeds back only what code printed, not the response.",
    "files": "Data files that the code may read; in a chain file: relative to it, and in its folder.",
    "variables": "Texts by name, for {{name}} in prompts.",
    "parallel": "How many independent answers are generated together; 1 is one by one.",
    "strip_thinking": "Leaves out what stands between <think> and </think> when feeding back.",
    "seed": "The run's seed, from which every random choice derives; empty: drawn at the start.",
    "template": "The chat template: empty for the model's own, a built-in name, or prefixes and suffixes.",
    "raw": "Sends the text as it is and continues it: no chat template.",
    "examples": "Turns that the model sees before the prompt: a user's text and the assistant's.",
    "hyperparameters": "Sampling and context, together.",
}
"""Each setting in one sentence, for whoever offers them; the page has its own words in several languages."""
