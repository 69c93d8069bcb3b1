"""What each step is told: the messages of a request, what is fed back, and what is dropped when it does not fit.

It remembers the responses of the run. It generates nothing and asks a model only to count and to split text.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

from samantha.chain.chain import Chain
from samantha.chain.prompts import fill, parts, uses_responses
from samantha.chain.steps import Group, Step
from samantha.models.model import GenerateRequest, Message, Model

ANSWER_SHARE = 4
"""Where something can be dropped, a quarter of the context window (or max_tokens) is kept free for the answer."""


class Response(msgspec.Struct, frozen=True):
    """An answer of this run as later steps see it."""

    step: int
    model: str
    prompt: int
    text: str

    def block(self) -> str:
        """The text under its heading, as `{{responses}}` and the final prompt show it."""
        return f"Response {self.step} ({self.model}, prompt {self.prompt}):\n{self.text}"


def without_thinking(text: str) -> str:
    """The text without what stands between `<think>` and `</think>`; an unclosed `<think>` reaches to the end."""
    return re.sub(r"<think>.*?(?:</think>|\Z)", "", text, flags=re.DOTALL).strip()


class Material(msgspec.Struct, frozen=True):
    """What a request is made of, oldest first, so that the oldest can be dropped."""

    previous: tuple[str, ...]
    responses: tuple[Response, ...]

    @property
    def droppable(self) -> int:
        """How many whole pieces can be left out: all responses, and all previous texts but the last."""
        return len(self.responses) + max(0, len(self.previous) - 1)

    def without(self, count: int) -> "Material":
        """This without its `count` oldest pieces: previous texts first, then responses."""
        from_previous = min(count, max(0, len(self.previous) - 1))
        return Material(self.previous[from_previous:], self.responses[count - from_previous :])


class Conversation:
    """The memory of one run."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._system = parts(chain.system)
        typed = parts(chain.previous_response)
        self._previous: tuple[str, ...] = (typed,) if typed else ()
        self._typed = True
        self._responses: list[Response] = []

    def answered(self, step: Step, text: str) -> None:
        """A step was answered with `text`: later prompts may show it."""
        seen = without_thinking(text) if self._chain.strip_thinking else text
        self._responses.append(Response(step.number, step.model, step.item.number, seen))
        self._responses.sort(key=lambda response: response.step)

    def feed_back(self, text: str) -> None:
        """Make `text` the previous response of the next step, or add it, when the chain feeds back."""
        if not self._chain.feedback_loop:
            return
        text = without_thinking(text) if self._chain.strip_thinking else text
        keep = self._chain.cumulative_response and not self._typed
        self._previous = (*(self._previous if keep else ()), text) if text else self._previous
        self._typed = self._typed and not text

    def request(self, group: Group, model: Model, window: int, say: Callable[[str], None]) -> GenerateRequest:
        """The request for a group, with the oldest material dropped where it does not fit; `say` gets the notices."""
        step = group[0]
        responses = tuple(self._responses) if uses_responses(step.item) else ()
        material = Material(self._previous, responses)
        limit = _limit(step, model)

        def build(material: Material) -> GenerateRequest:
            return self._build(group, material, window)

        if (not material.droppable and not material.previous) or _surely_fits(build(material), limit):
            return build(material)
        dropped = _fewest(material.droppable, lambda count: model.count(build(material.without(count))) <= limit)
        if dropped:
            say(f"{dropped} of the oldest responses left out: the context window of {_window(step, model)} is full.")
        return _shortened(model, material.without(dropped), build, limit, say)

    def previous(self) -> str:
        """What the next step will be given as previous response, before anything is dropped."""
        return "\n\n".join(self._previous)

    def system(self) -> str:
        """The system prompt as it is sent."""
        return self._system

    def _build(self, group: Group, material: Material, window: int) -> GenerateRequest:
        step = group[0]
        prompt = self._prompt(step, material)
        previous = "\n\n".join(material.previous)
        common = GenerateRequest(
            samples=tuple(member.hyperparameters for member in group),
            template=self._chain.template,
            reuse=not self._chain.reset_model,
            window=window,
        )
        if self._chain.raw:
            text = "\n\n".join(part for part in (self._system, previous, prompt) if part)
            return msgspec.structs.replace(common, text=text)
        return msgspec.structs.replace(common, messages=self._messages(previous, prompt))

    def _messages(self, previous: str, prompt: str) -> tuple[Message, ...]:
        messages = [Message("system", self._system)] if self._system else []
        for example in self._chain.examples:
            messages += [Message("user", example.user), Message("assistant", example.assistant)]
        messages += [Message("assistant", previous)] if previous else []
        return (*messages, Message("user", prompt))

    def _prompt(self, step: Step, material: Material) -> str:
        blocks = "\n\n".join(response.block() for response in material.responses)
        last = material.responses[-1].text if material.responses else ""
        text = fill(step.item.text, self._chain.variables, blocks, last)
        return f"{text}\n\n{blocks}" if step.item.final and blocks else text


def _window(step: Step, model: Model) -> int:
    described = model.describe().n_ctx
    return min(step.hyperparameters.n_ctx or described, described)


def _limit(step: Step, model: Model) -> int:
    window = _window(step, model)
    room = step.hyperparameters.max_tokens or window
    return window - min(room, max(16, window // ANSWER_SHARE))


def _surely_fits(request: GenerateRequest, limit: int) -> bool:
    """Without asking the model: a token is at least one byte, and templates add a few tokens a turn."""
    text = request.text or "".join(message.content for message in request.messages)
    return len(text.encode()) + 64 * (len(request.messages) + 1) <= limit


def _fewest(most: int, fits: Callable[[int], bool]) -> int:
    """The smallest count from 0 to `most` that fits, or `most`; more dropped never means more tokens."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def _shortened(
    model: Model,
    material: Material,
    build: Callable[[Material], GenerateRequest],
    limit: int,
    say: Callable[[str], None],
) -> GenerateRequest:
    """The request with the beginning of the previous response cut off as far as is needed."""
    excess = model.count(build(material)) - limit
    if excess <= 0 or not material.previous:
        return build(material)
    tokens = model.tokenize(material.previous[-1])
    cut = _fewest(
        len(tokens),
        lambda count: model.count(build(Material((_text(tokens[count:]),), material.responses))) <= limit,
    )
    say(f"The previous response lost its first {cut} of {len(tokens)} tokens: it did not fit the context window.")
    rest = _text(tokens[cut:])
    return build(Material((rest,) if rest else (), material.responses))


def _text(tokens: Sequence[tuple[int, bytes]]) -> str:
    """The text of tokens whose first may begin inside a character."""
    return b"".join(piece for _, piece in tokens).decode(errors="ignore").lstrip()
