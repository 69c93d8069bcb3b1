"""A conversation at the terminal as chains: each turn is a run of one step, and earlier turns are its examples.

Pure values: it reads no input, prints nothing and runs nothing.
"""

from typing import Any

import msgspec

from samantha.chain.chain import Chain, Example
from samantha.chain.conversation import without_thinking
from samantha.chain.prompts import escape
from samantha.hyperparameters import changed

CONTINUED = "conversation"
"""The variable that holds what is continued, so that not one space of it is lost."""


class Turn(msgspec.Struct, frozen=True):
    """What was asked and answered; `rendered` is what the model was given, empty for turns from before this chat."""

    user: str
    assistant: str
    rendered: str = ""


class Conversation:
    """The chain that every turn starts from, and the turns so far. The chain's examples are the first turns."""

    def __init__(self, chain: Chain) -> None:
        self.chain = msgspec.structs.replace(chain, prompts="", examples=(), loops=1, responses=1)
        self._beginning = tuple(Turn(example.user, example.assistant) for example in chain.examples)
        self.turns = list(self._beginning)

    def asking(self, text: str) -> Chain:
        """The chain that answers `text`; none of its characters count as grammar of a prompt list."""
        return msgspec.structs.replace(self.chain, prompts=escape(text), examples=self._examples())

    def continuing(self) -> Chain | None:
        """The chain that goes on with the last answer where it ended, or None when there is none of this chat."""
        if not self.turns or not self.turns[-1].rendered:
            return None
        last = self.turns[-1]
        return continuation(self.chain, last.rendered + last.assistant)

    def answered(self, user: str, assistant: str, rendered: str) -> None:
        """Add a turn."""
        self.turns.append(Turn(user, assistant, rendered))

    def continued(self, text: str) -> None:
        """Add `text` to the last answer."""
        last = self.turns[-1]
        self.turns[-1] = msgspec.structs.replace(last, assistant=last.assistant + text)

    def undo(self) -> bool:
        """Forget the last turn; False when there is none."""
        return bool(self.turns and self.turns.pop())

    def reset(self) -> None:
        """Back to the beginning: the system prompt, the hyperparameters and the first examples stay."""
        self.turns = list(self._beginning)

    def set(self, name: str, value: Any) -> None:
        """Change a hyperparameter for the turns that follow.

        Raises:
            HyperparameterError: unknown name, or a value that is not allowed.
        """
        values = changed(self.chain.hyperparameters, {name: value})
        self.chain = msgspec.structs.replace(self.chain, hyperparameters=values)

    def instruct(self, system: str) -> None:
        """Set the system prompt for the turns that follow; its characters all count as text."""
        plain = system.replace("$$$", "\\$$$")
        plain = "\\" + plain if plain.startswith("---") else plain
        self.chain = msgspec.structs.replace(self.chain, system=plain)

    def saved(self) -> Chain:
        """All of it as a chain: the turns are its examples, and `samantha chat FILE` goes on from there."""
        return msgspec.structs.replace(self.chain, examples=self._examples())

    def _examples(self) -> tuple[Example, ...]:
        seen = without_thinking if self.chain.strip_thinking else str
        return tuple(Example(turn.user, seen(turn.assistant)) for turn in self.turns)


def continuation(chain: Chain, text: str) -> Chain:
    """`chain` made to continue `text` exactly as it is: raw, with no system prompt and no examples."""
    raw = {"raw": True, "system": "", "previous_response": "", "examples": (), "loops": 1, "responses": 1}
    if text.strip() == text and "\r" not in text:
        return msgspec.structs.replace(chain, **raw, prompts=escape(text), variables={})
    return msgspec.structs.replace(chain, **raw, prompts=f"{{{{{CONTINUED}}}}}", variables={CONTINUED: text})
