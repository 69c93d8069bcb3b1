"""The Event union: everything that happens in a run, as data. UI, CLI, store and sweep all consume it.

In JSON an event is one object with `kind` (its class name in snake case), `run`, `step` (null where it belongs to no
step) and `time` (seconds since the run started). `decode(encode(event)) == event` for every event. A run can be rebuilt
from its events alone. This module knows no engine, no model and no file.
"""

import re
from typing import Any, Literal

import msgspec

from samantha.traces import TokenTrace

FORMAT = 1
"""Version of the event format, recorded in `RunStarted`."""

StepReason = Literal["end", "stop_string", "max_tokens", "context_full", "skipped", "stopped", "branched"]
"""`branched`: the user chose another token in the middle, and the step goes on as a branch."""

RunReason = Literal["done", "stopped", "stop_samantha", "stop_condition", "failed"]


def _snake_case(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class EventBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=_snake_case):
    """What every event has. `time` is in seconds since the run started."""

    run: str
    step: int | None = None
    time: float = 0.0


class RunStarted(EventBase, frozen=True, kw_only=True):
    """The first event. `chain` is the chain as `msgspec.to_builtins` gives it; `started` is UTC, ISO 8601."""

    format: int = FORMAT
    seed: int
    chain: dict[str, Any]
    steps: int | None = None
    """How many steps are planned; None when the chain loops until stopped."""
    started: str = ""
    versions: dict[str, str] = {}


class ModelLoading(EventBase, frozen=True, kw_only=True):
    """`progress` goes from 0 to 1."""

    model: str
    progress: float


class ModelLoaded(EventBase, frozen=True, kw_only=True):
    """`description` is a `models.model.ModelDescription` as a dict; `seconds` is what loading took."""

    model: str
    description: dict[str, Any] = {}
    seconds: float = 0.0


class Downloading(EventBase, frozen=True, kw_only=True):
    """Bytes `done` of `total` (None when the server does not say), at `rate` bytes a second; `left` is seconds.

    `phase` is `waiting` (somebody else downloads it), `checking`, `downloading` or `pausing`; `note` says why.
    """

    url: str
    done: int
    total: int | None = None
    rate: float = 0.0
    phase: str = "downloading"
    left: float | None = None
    note: str = ""


class StepStarted(EventBase, frozen=True, kw_only=True):
    """A model begins to answer `prompt` (the item); `rendered` is the text that it is given, every character of it.

    `group` holds the numbers of the steps that are generated in one batch with this one, itself included.
    `changed` holds the hyperparameters of this step that differ from the defaults.
    """

    model: str
    prompt: str
    rendered: str
    seed: int
    group: tuple[int, ...] = ()
    loop: int = 1
    response: int = 1
    prompt_number: int = 1
    prompt_tokens: int = 0
    changed: dict[str, Any] = {}
    system: str = ""
    previous: str = ""
    prompt_ids: tuple[int, ...] = ()
    """The tokens of `rendered`, where the run is traced."""


class BranchStarted(EventBase, frozen=True, kw_only=True):
    """The answer of `step` is generated otherwise from its token number `position` (from 0) on.

    `branch` is its number, from 1; `parent` is what it leaves: 0 the first answer, else a branch. Both share the tokens
    before `position`, whose visible text is `text`. `token` is the id that is forced there (None: chosen anew).
    `changed` holds the hyperparameters that differ from the defaults. Branches may follow after `RunFinished`.
    """

    branch: int
    parent: int = 0
    position: int
    token: int | None = None
    text: str = ""
    model: str = ""
    seed: int = 0
    changed: dict[str, Any] = {}


class HyperparametersChanged(EventBase, frozen=True, kw_only=True):
    """From token number `position` (from 0) of the answer on, the step or branch is generated with `changed`."""

    branch: int = 0
    position: int
    changed: dict[str, Any]


class PromptProcessing(EventBase, frozen=True, kw_only=True):
    """Tokens of the prompt: `done` of `total`, of which `reused` were not evaluated again."""

    done: int
    total: int
    reused: int = 0


class TokenGenerated(EventBase, frozen=True, kw_only=True):
    """One token. `piece` is its bytes; `shown` is the text that became visible with it.

    `shown` is empty while a character or a possible stop string is incomplete; the last token brings out what was held.
    The token that ends the answer is an event too, and counts. `branch` is 0 for a step's first answer.
    """

    id: int
    piece: bytes
    shown: str
    branch: int = 0
    trace: TokenTrace | None = None


class StepFinished(EventBase, frozen=True, kw_only=True):
    """`text` is the whole visible answer. Counts are tokens, times seconds; `tokens` are those generated here."""

    text: str
    reason: StepReason
    branch: int = 0
    prompt_tokens: int = 0
    reused: int = 0
    tokens: int = 0
    prompt_seconds: float = 0.0
    seconds: float = 0.0


class CodeFound(EventBase, frozen=True, kw_only=True):
    """The Python code of a response, as it will be run, and the page of its `html` blocks."""

    code: str
    html: str = ""


class CodeOutput(EventBase, frozen=True, kw_only=True):
    """Something that the running code printed."""

    stream: Literal["stdout", "stderr"]
    text: str


class CodeShown(EventBase, frozen=True, kw_only=True):
    """A figure, table or page that the code showed. `file` lies below the run's `shown` folder; it is untrusted."""

    media: str
    file: str
    title: str = ""


class CodeServing(EventBase, frozen=True, kw_only=True):
    """The code serves something in the background, for the user to open at `url`."""

    url: str
    port: int


class CodeFile(msgspec.Struct, frozen=True):
    """A file that a step made or changed, relative to the run's work folder; `size` in bytes."""

    name: str
    size: int


class CodeFinished(EventBase, frozen=True, kw_only=True):
    """`output` is what is fed back; `reason` says how the code ended, e.g. `ok`, `raised`, `time`.

    `memory` is the peak in bytes (0: not known); `isolation` how far the code was kept from the computer.
    """

    output: str
    reason: str
    seconds: float = 0.0
    memory: int = 0
    isolation: str = ""
    files: tuple[CodeFile, ...] = ()


class Notice(EventBase, frozen=True, kw_only=True):
    """One sentence the user should know: something was clamped, dropped or ignored."""

    message: str


class StepFailed(EventBase, frozen=True, kw_only=True):
    """The step could not be finished; `text` is what was generated before. The run goes on."""

    message: str
    text: str = ""
    model: str = ""
    prompt: str = ""
    branch: int = 0


class RunFinished(EventBase, frozen=True, kw_only=True):
    """The last event of the chain. Branches of its steps may be added later."""

    reason: RunReason


Event = (
    RunStarted
    | ModelLoading
    | ModelLoaded
    | Downloading
    | StepStarted
    | BranchStarted
    | HyperparametersChanged
    | PromptProcessing
    | TokenGenerated
    | StepFinished
    | CodeFound
    | CodeOutput
    | CodeShown
    | CodeServing
    | CodeFinished
    | Notice
    | StepFailed
    | RunFinished
)


CodeEvent = CodeFound | CodeOutput | CodeShown | CodeServing | CodeFinished
"""What can happen to the code of a step."""


def plain(value: Any) -> Any:
    """`value` as JSON would give it back (lists, not tuples), so that an event equals its decoded self."""
    return msgspec.json.decode(msgspec.json.encode(value))


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The event as one line of JSON, without the line break."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> Event:
    """The event in one line of JSON.

    Raises:
        msgspec.ValidationError: not an event; the message names the path.
    """
    return _decoder.decode(line)
