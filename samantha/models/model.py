"""The port every model answers through, and the values that cross it. What a model is made of is not here.

A `Model` is one loaded model with one context. It is used by one run at a time; only `stop` may be called from another
thread. `generate` yields, per request: one `Rendered`, `PromptProgress` events, then `Token`s of all samples mixed, and
exactly one `SampleFinished` per sample.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

import msgspec

from samantha.events import StepReason
from samantha.hyperparameters import LOADING, CacheType, Hyperparameters
from samantha.traces import ScoredToken, TokenTrace, VocabularyToken

Role = Literal["system", "user", "assistant"]
StopReason = Literal["skipped", "stopped", "branched"]
"""Why a generation in progress is ended from outside."""

LEAST_ROOM = 16
"""A prompt that leaves fewer tokens than this for the answer is refused."""


class Message(msgspec.Struct, frozen=True):
    """One turn of what the model is given."""

    role: Role
    content: str


class PromptFormat(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A user's own chat template: what stands before and after the text of each role, and texts that end an answer."""

    system_prefix: str = ""
    system_suffix: str = ""
    user_prefix: str = ""
    user_suffix: str = ""
    assistant_prefix: str = ""
    assistant_suffix: str = ""
    stop: tuple[str, ...] = ()


class GenerateRequest(msgspec.Struct, frozen=True):
    """What to generate. `samples` are independent answers to the same prompt, each with its own hyperparameters.

    Exactly one of `messages` (rendered with the template) and `text` (raw, continued as it is) is given.
    `template` is "" for the model's own, the name of a built-in one, or a `PromptFormat`.
    `rendered` says that `text` was made with `template` before, whose texts that end an answer hold for it too.
    `window` is how many tokens the model may be ahead of the reader; 1 steps token by token.
    `trace` is how many candidates are shown of each token's choice; 0 traces nothing.
    `prefix` are tokens that the answer has already, and `force` is the one that comes next; only for a single sample.
    What comes after a prefix is drawn with a seed of its own (`seed_after`).
    """

    samples: tuple[Hyperparameters, ...]
    messages: tuple[Message, ...] = ()
    text: str | None = None
    template: str | PromptFormat = ""
    reuse: bool = True
    window: int = 256
    rendered: bool = False
    trace: int = 0
    prefix: tuple[int, ...] = ()
    force: int | None = None


class ScoreRequest(msgspec.Struct, frozen=True):
    """A text to be scored token by token; special tokens in it are recognised. `best` candidates are named of each."""

    text: str
    best: int = 5


class LoadOptions(msgspec.Struct, frozen=True):
    """What of the hyperparameters concerns loading. `n_seq_max` is how many samples a batch may hold."""

    n_ctx: int = 4000
    n_threads: int | None = None
    n_gpu_layers: int = 0
    flash_attention: bool = False
    cache_type_k: CacheType = "f16"
    cache_type_v: CacheType = "f16"
    n_seq_max: int = 1


def load_options(values: Hyperparameters, batch: int = 1) -> LoadOptions:
    """What of the knobs concerns loading; `batch` is how many samples may be generated together."""
    return LoadOptions(**{name: getattr(values, name) for name in LOADING}, n_seq_max=batch)


class Loading(msgspec.Struct, frozen=True, tag="loading", array_like=True):
    """Progress of a load, from 0 to 1."""

    progress: float


class Fetching(msgspec.Struct, frozen=True):
    """Progress of a download: bytes `done` of `total` (None: not known) at `rate` bytes a second; `left` is seconds.

    `phase` is `waiting` (somebody else downloads it), `checking`, `downloading` or `pausing`; `note` says why.
    """

    url: str
    done: int
    total: int | None = None
    rate: float = 0.0
    phase: str = "downloading"
    left: float | None = None
    note: str = ""

    @property
    def progress(self) -> float:
        """From 0 to 1; 0 where nobody knows the total."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class ModelDescription(msgspec.Struct, frozen=True, tag="loaded", array_like=True):
    """What a model says of itself. Sizes are bytes, `hash` names the algorithm before a colon."""

    name: str
    path: str = ""
    architecture: str = ""
    description: str = ""
    size: int = 0
    parameters: int = 0
    n_vocab: int = 0
    n_ctx: int = 0
    n_ctx_train: int = 0
    n_threads: int = 0
    hash: str = ""
    template: str = ""
    notices: tuple[str, ...] = ()


class Rendered(msgspec.Struct, frozen=True, tag="rendered", array_like=True):
    """The text the model is given, its length in tokens, and sentences on what had to be adapted."""

    text: str
    prompt_tokens: int
    notices: tuple[str, ...] = ()
    tokens: tuple[int, ...] = ()
    """The ids, where the request is traced."""


class PromptProgress(msgspec.Struct, frozen=True, tag="prompt", array_like=True):
    """Prompt tokens: `done` of `total`, of which `reused` were there already."""

    done: int
    total: int
    reused: int


class Token(msgspec.Struct, frozen=True, tag="token", array_like=True):
    """One generated token of sample number `sample` (from 0)."""

    sample: int
    id: int
    piece: bytes
    shown: str
    trace: TokenTrace | None = None


class Adjusted(msgspec.Struct, frozen=True, tag="adjusted", array_like=True):
    """From token number `position` (from 0) on, sample `sample` is generated with `values`."""

    sample: int
    position: int
    values: Hyperparameters


class Scored(msgspec.Struct, frozen=True, tag="scored", array_like=True):
    """The next tokens of a text that is scored."""

    tokens: tuple[ScoredToken, ...]


class SampleFinished(msgspec.Struct, frozen=True, tag="finished", array_like=True):
    """The end of one sample. `text` is all that was shown, including what was held back at the end."""

    sample: int
    text: str
    reason: StepReason
    prompt_tokens: int
    reused: int
    tokens: int
    prompt_seconds: float
    seconds: float


Output = Rendered | PromptProgress | Token | Adjusted | SampleFinished


class Model(Protocol):
    """A loaded model."""

    name: str

    def describe(self) -> ModelDescription:
        """What the model says of itself."""

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """The outputs for `request`, in the order the module's docstring gives.

        Raises:
            PromptTooLong: fewer than 16 tokens are left for the answer; nothing was yielded.
            TemplateError, GrammarError: nothing was yielded.
            WorkerDied: the model's process ended; what was yielded before stands.
        """

    def count(self, request: GenerateRequest) -> int:
        """How many tokens the rendered prompt of `request` has."""

    def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Ids and bytes of the tokens of `text`, special tokens recognised."""

    def stop(self, reason: StopReason = "stopped") -> None:
        """End the generation in progress with that reason. Thread-safe; returns at once."""

    def adjust(self, values: Hyperparameters) -> None:
        """Generate the sample in progress with other hyperparameters from its next token on. Thread-safe.

        Only what concerns sampling changes; an `Adjusted` output says from where. Nothing in progress: no effect.
        """

    def score(self, request: ScoreRequest) -> Iterator[PromptProgress | Scored]:
        """How likely each token of a text is, in order. `stop` ends it.

        A text longer than the context window is taken in windows that overlap by half.
        """

    def vocabulary(self) -> list[VocabularyToken]:
        """Every token of the vocabulary, by id."""

    def reset(self) -> None:
        """Forget every evaluated token."""

    @property
    def buffered(self) -> int:
        """How many outputs have arrived and wait to be read."""

    def close(self) -> None:
        """Free the memory. The model cannot be used afterwards."""


class ModelSource(Protocol):
    """Where the engine gets models from (`models/residency.py`, or a test's own)."""

    def begin(self, names: Sequence[str], cancelled: Callable[[], bool]) -> Sequence[str]:
        """A run with these models begins: what has to be looked up is looked up. A sentence for each that cannot be.

        Raises:
            ModelError: `cancelled` said so.
        """

    def end(self, names: Sequence[str]) -> None:
        """The run is over: nothing is kept for it any more."""

    def acquire(
        self, name: str, options: LoadOptions, cancelled: Callable[[], bool]
    ) -> Iterator[Fetching | Loading | Model]:
        """Progress, then the model, which stays the caller's until `release`.

        Args:
            cancelled: asked while waiting and loading; True aborts.

        Raises:
            ModelError: it cannot be found or loaded, or was cancelled.
        """

    def expect(self, name: str) -> None:
        """The model of that name will be acquired next: a hint, which may be ignored."""

    def release(self, model: Model) -> None:
        """The caller does not use the model now."""
