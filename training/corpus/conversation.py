"""What a training sample is, and how it is written down as ChatML.

A sample is a conversation whose last turn is the answer, and a checker that says whether another answer to the
same conversation would be right. Nothing here draws or composes text.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

Check = Callable[[str], bool]
SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
START, END = "<|im_start|>", "<|im_end|>"
HELD_OUT_SHARE = 20  # one prompt in twenty is kept for evaluation and never trained on


@dataclass(frozen=True)
class Turn:
    """One message: a role and its text."""

    role: str
    content: str


@dataclass(frozen=True)
class Sample:
    """A conversation, the answer that is trained, and what counts as right.

    `code_check` names what running the answer's code must show (see `checking.py`); `check` looks at the text alone.
    """

    ability: str
    turns: tuple[Turn, ...]
    answer: str
    check: Check
    code_check: dict[str, object] | None = field(default=None)

    @property
    def held_out(self) -> bool:
        """Whether this prompt belongs to the evaluation: decided by its text alone, so never by chance or seed."""
        text = "\x00".join(turn.role + "\x01" + turn.content for turn in self.turns)
        return zlib.crc32(text.encode()) % HELD_OUT_SHARE == 0


def ask(user: str, *, system: str = "", previous: str = "", earlier_user: str = "") -> tuple[Turn, ...]:
    """The turns before an answer, in the order in which the program renders them; empty ones are left out."""
    turns = (Turn(SYSTEM, system), Turn(USER, earlier_user), Turn(ASSISTANT, previous), Turn(USER, user))
    return tuple(turn for turn in turns if turn.content)


def render_turn(turn: Turn) -> str:
    """One turn as ChatML."""
    return f"{START}{turn.role}\n{turn.content}{END}\n"


def render_prompt(turns: tuple[Turn, ...]) -> str:
    """Everything the model is given before it answers."""
    return "".join(render_turn(turn) for turn in turns) + f"{START}{ASSISTANT}\n"


def respond_blocks(responses: list[str], model: str = "tiny") -> str:
    """All responses so far, as the program appends them to a final prompt."""
    return "".join(
        f"\n\nResponse {number} ({model}, prompt {number}):\n{text}" for number, text in enumerate(responses, 1)
    )
