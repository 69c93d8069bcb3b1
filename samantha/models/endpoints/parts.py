"""What both APIs are read into: the parts of one answer, in the order they come."""

from typing import Any, Literal, Protocol

import msgspec

from samantha.hyperparameters import Hyperparameters
from samantha.models.endpoints.connection import Call
from samantha.models.endpoints.logprobs import Chosen
from samantha.models.model import Message


class Ended(msgspec.Struct, frozen=True):
    """The answer is complete. `limit`: max_tokens or the context window; `filter`: the provider withheld the rest."""

    why: Literal["end", "stop_string", "limit", "filter"]


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the server counted them, and seconds where it says; None where it does not."""

    prompt: int | None = None
    generated: int | None = None
    reused: int | None = None
    prompt_seconds: float | None = None


class Processed(msgspec.Struct, frozen=True):
    """Prompt tokens: `done` of `total`, of which `reused` were there already."""

    done: int
    total: int
    reused: int


Part = Chosen | Ended | Usage | Processed


class Prompt(msgspec.Struct, frozen=True):
    """What the server is given: a raw text, or messages for its own chat template.

    `placeholders` says that `text` holds KoboldCpp's, in whose place it puts the texts of its template.
    """

    text: str | None = None
    messages: tuple[Message, ...] = ()
    placeholders: bool = False


class Asked(msgspec.Struct, frozen=True):
    """One answer to be generated. `most` is its longest length in tokens, `trace` how many candidates are named."""

    prompt: Prompt
    values: Hyperparameters
    stops: tuple[str, ...]
    most: int
    trace: int
    reuse: bool


class Reader(Protocol):
    """Reads one answer."""

    def read(self, name: str, data: str) -> list[Part]:
        """The parts of a server-sent event.

        Raises:
            EndpointError: it is not of this API, or tells of an error.
        """

    def whole(self, answer: Any) -> list[Part]:
        """The parts of an answer that came as one JSON object."""

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""


class Dialect(Protocol):
    """An API: how an answer is asked for, and read."""

    @property
    def token_by_token(self) -> bool:
        """Whether every piece of an answer is one token."""

    def call(self, asked: Asked, declined: set[str], mark: str) -> Call:
        """The request. `declined` are fields that the server does not take, `mark` is a name for this answer."""

    def reader(self, asked: Asked) -> Reader:
        """A reader for one answer."""

    def abort(self, mark: str) -> Call | None:
        """The request that ends the answer of that name; None where closing its connection does."""

    def afterwards(self, asked: Asked) -> list[Part]:
        """What the server tells only when asked after the end."""
