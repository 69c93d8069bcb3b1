"""A model on a server behind the port `Model`. It loads nothing; what a server does not give is said, not made up.

Not here, because no API gives it: logits and samplers' stages, scores of given texts, the vocabulary, forced tokens and
branches, other hyperparameters in the middle of an answer.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator

import msgspec

from samantha.errors import EndpointError, PromptTooLong
from samantha.hyperparameters import DEFAULTS, Hyperparameters
from samantha.models.endpoints import sampling
from samantha.models.endpoints.address import Address
from samantha.models.endpoints.answer import Answer, Arrived
from samantha.models.endpoints.connection import TICK
from samantha.models.endpoints.counting import Count, Counter
from samantha.models.endpoints.faults import Patience
from samantha.models.endpoints.kobold import Kobold, with_placeholders
from samantha.models.endpoints.openai import OpenAI
from samantha.models.endpoints.parts import Asked, Dialect, Prompt
from samantha.models.endpoints.server import NAMES, Facts, Server
from samantha.models.model import (
    LEAST_ROOM,
    GenerateRequest,
    Loading,
    LoadOptions,
    ModelDescription,
    Output,
    PromptProgress,
    Rendered,
    Scored,
    ScoreRequest,
    StopReason,
)
from samantha.models.templates import Templates
from samantha.settings import Endpoint
from samantha.traces import VocabularyToken

SHOW_TEMPLATE = ("llama-server", "vllm", "kobold")
"""Kinds of server whose prompt is known as a text."""


class Slots:
    """How many answers are asked of each server at a time, by the whole program."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, int], threading.Semaphore] = {}

    def of(self, origin: str, most: int) -> threading.Semaphore:
        """The slots of a server that gives `most` answers at a time."""
        with self._lock:
            return self._slots.setdefault((origin, most), threading.Semaphore(most))


class EndpointModel:
    """One model of one server. Used by one run at a time; `stop` may come from another thread."""

    def __init__(
        self, name: str, found: Address, entry: Endpoint, slots: Slots | None = None, patience: Patience | None = None
    ) -> None:
        """Nothing is asked before `open`.

        Raises:
            EndpointError: the key is missing, or the address may not be used without being confirmed.
        """
        self.name = name
        self.address = found
        self._ending: StopReason | None = None
        self._cancelled: Callable[[], bool] = lambda: False
        self._server = Server(found, entry, patience or Patience(), self._interrupted)
        self._slots = slots or Slots()
        self._facts: Facts | None = None
        self._window = 0
        self._notices: tuple[str, ...] = ()
        self._told: set[str] = set()
        self._declined: set[str] = set()
        self._arrived: Arrived = queue.Queue()
        self._running = False
        self.failed = False
        """Whether an answer failed since it was opened."""

    @property
    def alive(self) -> bool:
        """Whether it can be asked: a server that went away is noticed when it is."""
        return True

    @property
    def buffered(self) -> int:
        """How many pieces of answers have arrived and wait to be read."""
        return self._arrived.qsize()

    @property
    def counts_tokens(self) -> bool:
        """Whether the server has a tokenizer that can be asked."""
        return self._facts is not None and self._counter.has_tokenizer

    @property
    def facts(self) -> Facts:
        """What the server said of itself when the model was opened."""
        if self._facts is None:
            raise EndpointError(f"{self.name} has not been opened yet.")
        return self._facts

    def key_holds(self) -> bool:
        """Whether the key is still the one that the user keeps for this server."""
        return self._server.key_holds()

    def open(self, options: LoadOptions, cancelled: Callable[[], bool]) -> Iterator[Loading]:
        """Ask the server what it is and has; yields progress.

        Raises:
            EndpointError, ModelNotFound: it is not there, wants a key, does not have the model; or it was cancelled.
        """
        self._ending, self._cancelled = None, cancelled
        yield Loading(0.0)
        try:
            facts = self._server.facts()
        finally:
            self._cancelled = lambda: False
        self._window, self._notices = _window(facts, options, self.address.host)
        self._facts = facts
        self._counter = Counter(self._server, facts)
        dialect = Kobold if facts.kind == "kobold" else OpenAI
        self._dialect: Dialect = dialect(self._server, facts, self._window)
        self._slot = self._slots.of(self.address.origin, facts.parallel)
        yield Loading(1.0)

    def describe(self) -> ModelDescription:
        """What the server said; what it did not say is 0 or ""."""
        facts = self.facts
        version = f"{NAMES[facts.kind]} {facts.version}".strip()
        return ModelDescription(
            name=self.name, path=str(msgspec.structs.replace(self.address, model=facts.model)), description=version,
            architecture="on a server", size=facts.size, parameters=facts.parameters, n_vocab=facts.n_vocab,
            n_ctx=self._window, n_ctx_train=facts.n_ctx_train or facts.n_ctx, notices=self._notices,
        )  # fmt: skip

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """See `models.model.Model.generate`. How far the server is ahead of the reader is the server's affair.

        Raises:
            EndpointError: the server refused, failed, or cut an answer: what was yielded before stands. The other
                samples of the request are finished first.
        """
        self._ending = None
        _check(request, self.facts.kind)
        prompt, rendered, exact = self._rendered(request)
        if exact and self._window - rendered.prompt_tokens < LEAST_ROOM:
            raise PromptTooLong(rendered.prompt_tokens, self._window)
        answers = self._answers(request, prompt, rendered.prompt_tokens)
        yield rendered
        yield PromptProgress(0, rendered.prompt_tokens, 0)
        try:
            yield from self._outputs(answers)
        finally:
            for answer in answers:
                answer.leave()
        failed = next((answer.error for answer in answers if answer.error), None)
        if failed:
            self.failed = True
            raise failed

    def count(self, request: GenerateRequest) -> int:
        """Tokens of the prompt: the server's count where it has a tokenizer, else an estimate rather too high."""
        self._ending = None
        return self._counted(self._prompt(request)[0]).tokens

    def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Ids and bytes of the tokens of `text`; without a tokenizer estimated pieces, whose id is -1."""
        self._ending = None
        with self._quietly():
            return self._counter.pieces(text)

    def stop(self, reason: StopReason = "stopped") -> None:
        """End the answers in progress: their connections are closed, KoboldCpp is told. Thread-safe."""
        self._ending = reason

    def adjust(self, values: Hyperparameters) -> None:  # noqa: ARG002 - no API takes them
        """Refused while an answer is in progress.

        Raises:
            EndpointError: no server takes other hyperparameters in the middle of an answer.
        """
        if self._running:
            raise EndpointError(
                f"{self.name} is on a server, which takes no other hyperparameters in the middle of an answer: they"
                " hold from the next step on."
            )

    def score(self, request: ScoreRequest) -> Iterator[PromptProgress | Scored]:  # noqa: ARG002
        """Refused.

        Raises:
            EndpointError: always.
        """
        raise EndpointError(f"{self.name} is on a server, which scores no given text: use a model file.")

    def vocabulary(self) -> list[VocabularyToken]:
        """Refused.

        Raises:
            EndpointError: always.
        """
        raise EndpointError(f"{self.name} is on a server, which does not show its vocabulary: use a model file.")

    def reset(self) -> None:
        """What a server remembers of prompts is its own affair."""

    def close(self) -> None:
        """Nothing is held here."""
        self.stop()

    def _interrupted(self) -> bool:
        return self._ending is not None or self._cancelled()

    def _outputs(self, answers: list[Answer]) -> Iterator[Output]:
        """Drive the answers until all are over; their ends come as they come."""
        unfinished = list(answers)
        self._running = True
        try:
            while unfinished:
                if self._ending is not None:
                    for answer in unfinished:
                        answer.interrupt(self._ending)
                for answer in unfinished:
                    yield from answer.step()
                with contextlib.suppress(queue.Empty):
                    line, item = self._arrived.get(timeout=TICK)
                    for answer in unfinished:
                        if answer.line is line:
                            yield from answer.take(item)
                for answer in [answer for answer in unfinished if answer.over]:
                    unfinished.remove(answer)
                    if answer.error is None:
                        yield answer.finished()
        finally:
            self._running = False

    def _answers(self, request: GenerateRequest, prompt: Prompt, tokens: int) -> list[Answer]:
        self._arrived = queue.Queue(max(2, request.window))
        room = max(1, self._window - tokens)
        answers: list[Answer] = []
        for number, values in enumerate(request.samples):
            most = min(values.max_tokens or room, room) if self.facts.n_ctx else values.max_tokens or room
            asked = Asked(prompt, values, self._stops(request, values), most, request.trace, request.reuse)
            common = (self._server, self._dialect, self._slot, self._declined, self._arrived)
            answers.append(Answer(number, asked, *common, tokens))
        return answers

    def _stops(self, request: GenerateRequest, values: Hyperparameters) -> tuple[str, ...]:
        templated = request.text is None or request.rendered
        named = Templates("", "", "").stops(request.template) if templated and request.template else ()
        return tuple(dict.fromkeys(stop for stop in (*values.stop, *named) if stop))

    def _rendered(self, request: GenerateRequest) -> tuple[Prompt, Rendered, bool]:
        """What is sent, how it is shown, and whether its tokens were counted by the server."""
        prompt, notices = self._prompt(request)
        counted = self._counted(prompt)
        host = self.address.host
        text = counted.text if prompt.text is None else prompt.text
        if text is None:
            text = "\n\n".join(f"{message.role}: {message.content}" for message in prompt.messages)
            notices += [f"{host} puts its own chat template around these messages and does not show it."]
        if not counted.exact:
            notices += [f"{host} does not count tokens before it answers: {counted.tokens} is an estimate."]
        notices += self._about_knobs(request)
        ids = counted.ids if request.trace else ()
        return prompt, Rendered(text, counted.tokens, self._new(notices), ids), counted.exact

    def _prompt(self, request: GenerateRequest) -> tuple[Prompt, list[str]]:
        placeholders = self.facts.kind == "kobold" and not request.template
        if request.text is not None:
            return Prompt(request.text, placeholders=placeholders and request.rendered), []
        if request.template:
            rendered = Templates("", "", "").render(request.messages, request.template)
            return Prompt(rendered.text), list(rendered.notices)
        if placeholders:
            notice = f"{self.address.host} puts its own chat template in the place of {{{{[INPUT]}}}} and the like."
            return Prompt(with_placeholders(request.messages), placeholders=True), [notice]
        return Prompt(None, tuple(request.messages)), []

    def _about_knobs(self, request: GenerateRequest) -> list[str]:
        """What of the hyperparameters this server does not take, and what of a trace it does not give."""
        kind, host = self.facts.kind, self.address.host
        ignored = dict.fromkeys(
            knob for values in request.samples for knob in sampling.fields(values, kind, self._window).ignored
        )
        notices = [f"{host} does not take {', '.join(ignored)}: left out."] if ignored else []
        if "seed" in self._declined:
            notices.append(f"{host} does not take seed: its answers cannot be replayed.")
        if request.trace and kind == "kobold":
            notices.append(f"{host} gives probabilities only with a whole answer: it appears when it is complete.")
        return notices

    def _new(self, notices: list[str]) -> tuple[str, ...]:
        """The sentences that were not said yet; estimates differ from prompt to prompt and are said once."""
        new = [notice for notice in notices if _alike(notice) not in self._told]
        self._told.update(map(_alike, new))
        return tuple(new)

    def _counted(self, prompt: Prompt) -> Count:
        with self._quietly():
            if prompt.text is None:
                return self._counter.messages(prompt.messages)
            counted = self._counter.text(prompt.text)
        if prompt.placeholders:  # the texts that are put in their place are not known
            return Count(counted.tokens, False, prompt.text)
        return counted

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """llama-cpp-python breaks an answer off when anything else is asked: wait until no answer is in progress."""
        if self.facts.kind != "llama-cpp-python":
            yield
            return
        taken = False
        while not taken and not self._interrupted():
            taken = self._slot.acquire(timeout=TICK)
        try:
            yield
        finally:
            if taken:
                self._slot.release()


def _check(request: GenerateRequest, kind: str) -> None:
    """Refuse what needs token ids, or a prompt that is not known as a text."""
    unknown_prompt = request.rendered and not request.template and kind not in SHOW_TEMPLATE
    if request.prefix or request.force is not None or unknown_prompt:
        raise EndpointError(
            "A branch of a server's answer cannot be made: no API goes on from given tokens. Branches need a model"
            " file."
        )


def _window(facts: Facts, options: LoadOptions, host: str) -> tuple[int, tuple[str, ...]]:
    """The context window to keep to, and a sentence where it is not the one asked for."""
    wanted = options.n_ctx or facts.n_ctx or DEFAULTS.n_ctx
    if not facts.n_ctx:
        return wanted, (f"{host} does not say how long its context window is: n_ctx {wanted} is assumed.",)
    if wanted > facts.n_ctx and options.n_ctx != DEFAULTS.n_ctx:
        return facts.n_ctx, (f"n_ctx {wanted} is more than {host} has: {facts.n_ctx} is used.",)
    return min(wanted, facts.n_ctx), ()


def _alike(notice: str) -> str:
    return "".join(character for character in notice if not character.isdigit())
