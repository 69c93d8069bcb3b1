"""What the program and a model's worker say to each other: MessagePack structs, a list of them in each frame."""

from typing import Any

import msgspec

from samantha import errors
from samantha.errors import ModelError, PromptTooLong
from samantha.hyperparameters import Hyperparameters
from samantha.models.model import (
    Adjusted,
    GenerateRequest,
    Loading,
    LoadOptions,
    ModelDescription,
    PromptProgress,
    Rendered,
    SampleFinished,
    Scored,
    ScoreRequest,
    StopReason,
    Token,
)
from samantha.traces import VocabularyToken


class Open(msgspec.Struct, frozen=True, tag=True):
    """Load the file if it is not loaded, and make the context. Answered by Loading ..., ModelDescription."""

    path: str
    name: str
    options: LoadOptions


class Generate(msgspec.Struct, frozen=True, tag=True):
    """Answered by the outputs of the port, then Done. Tokens flow while there is credit."""

    request: GenerateRequest


class Credit(msgspec.Struct, frozen=True, tag=True):
    """So many tokens more may be sent."""

    tokens: int


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End what is in progress: a load, a prompt pass, a generation."""

    reason: StopReason


class Adjust(msgspec.Struct, frozen=True, tag=True):
    """Generate with these hyperparameters from the next token on. Answered by Adjusted among the outputs."""

    values: Hyperparameters


class Score(msgspec.Struct, frozen=True, tag=True):
    """Answered by PromptProgress and Scored, then Done. `Stop` ends it."""

    request: ScoreRequest


class Vocabulary(msgspec.Struct, frozen=True, tag=True):
    """Answered by Words."""


class Count(msgspec.Struct, frozen=True, tag=True):
    """Answered by Counted."""

    request: GenerateRequest


class Tokenize(msgspec.Struct, frozen=True, tag=True):
    """Answered by Tokenized."""

    text: str


class Reset(msgspec.Struct, frozen=True, tag=True):
    """Forget every evaluated token. Answered by Done."""


class Counted(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Tokens of a rendered prompt."""

    tokens: int


class Tokenized(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Ids and bytes."""

    tokens: list[tuple[int, bytes]]


class Words(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The vocabulary, by id."""

    tokens: list[VocabularyToken]


class Done(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The request is finished."""


class Failed(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The request failed with an error of the tree; `numbers` are the arguments of a PromptTooLong."""

    kind: str
    message: str
    numbers: tuple[int, ...] = ()

    def error(self) -> ModelError:
        """The error to raise on this side."""
        if self.kind == "PromptTooLong":
            return PromptTooLong(*self.numbers)
        kind: Any = getattr(errors, self.kind, ModelError)
        return kind(self.message) if issubclass(kind, ModelError) else ModelError(self.message)


Request = Open | Generate | Credit | Stop | Adjust | Score | Vocabulary | Count | Tokenize | Reset
Reply = (
    Loading | ModelDescription | Rendered | PromptProgress | Token | Adjusted | SampleFinished
    | Scored | Words | Counted | Tokenized | Done | Failed
)  # fmt: skip


def failed(error: ModelError) -> Failed:
    """The message for an error."""
    numbers = (error.prompt_tokens, error.n_ctx) if isinstance(error, PromptTooLong) else ()
    kind = next(base.__name__ for base in type(error).__mro__ if hasattr(errors, base.__name__))
    return Failed(kind, str(error), numbers)


encoder = msgspec.msgpack.Encoder()
request_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
replies_decoder: msgspec.msgpack.Decoder[list[Reply]] = msgspec.msgpack.Decoder(list[Reply])
