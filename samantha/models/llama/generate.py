"""The one generation loop of the house: a request goes in, outputs come out. It speaks to a context, to no process.

Samples of a request share the prompt and are generated in one batch. When the cells of the context run out, the last
sample is parked and goes on alone when the others are done; its tokens are evaluated again one position at a time.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from samantha.errors import ModelError
from samantha.events import StepReason
from samantha.hyperparameters import Hyperparameters, seed_after
from samantha.models.llama.context import Aborted, Context
from samantha.models.llama.samplers import SamplerChain, gbnf
from samantha.models.llama.text import TextStream
from samantha.models.llama.trace import Recorder
from samantha.models.llama.weights import Weights
from samantha.models.model import Adjusted, Output, PromptProgress, SampleFinished, Token

KEPT = ("seed", "stop", "grammar", "json_schema")
"""Knobs that cannot change within an answer."""


class Sample:
    """One answer in the making. It may begin with tokens that are given: a prefix, and one more that is forced."""

    def __init__(
        self, number: int, weights: Weights, context: Context, values: Hyperparameters, stops: Sequence[str],
        prompt: Sequence[int], prefix: Sequence[int] = (), force: int | None = None, top: int = 0,
    ) -> None:  # fmt: skip
        """`top` is how many candidates the traces name; 0 traces nothing.

        Raises:
            GrammarError: the grammar cannot be read, or does not allow the prefix.
        """
        self.number = number
        self.prefix = list(prefix)
        self.position = len(prompt) + len(prefix)
        self.tokens: list[int] = []
        self.reason: StepReason | None = None
        self.texts: list[str] = []
        self._weights = weights
        self._n_ctx = context.n_ctx
        self._prompt = prompt
        self._force = force
        self._values = values
        self._recorder = Recorder(lambda token: weights.piece(token, True), top) if top else None
        self._limit()
        self._stream = TextStream(stops)
        self._sampler = self._chain(len(prefix) + (force is not None), prefix)
        for token in prefix:
            self.texts.append(self._take(token))
        self.reason = None  # what ended a longer answer does not end what is generated now

    def adjust(self, values: Hyperparameters) -> Adjusted:
        """Choose with other hyperparameters from the next token on; texts that end the answer and grammar stay."""
        kept = {name: getattr(self._values, name) for name in KEPT}
        self._values = msgspec.structs.replace(values, **kept)
        self._sampler.close()
        self._sampler = self._chain(len(self.tokens), self.tokens)
        self._limit()
        return Adjusted(self.number, len(self.tokens), self._values)

    def choose(self, context: Context, output: int) -> Token:
        """Choose the next token from output `output` of the last batch; `reason` is set when it is the last one."""
        if self._force is not None:
            token, self._force = self._force, None
            trace = self._sampler.force(context.handle, output, token, context.given)
        else:
            token, trace = self._sampler.sample(context.handle, output, context.given)
        shown = self._take(token)
        if self.reason:
            shown += self._stream.finish()
        if shown:
            self.texts.append(shown)
        return Token(self.number, token, self._weights.piece(token, True), shown, trace)

    def _chain(self, begin: int, before: Sequence[int]) -> SamplerChain:
        """A sampler chain that begins to draw at token number `begin` and has seen `before`."""
        weights, values = self._weights, self._values
        seeded = msgspec.structs.replace(values, seed=seed_after(values.seed or 0, begin))
        chain = SamplerChain(weights.vocab, weights.n_vocab, self._n_ctx, seeded, gbnf(values), self._recorder)
        try:
            chain.accept_prompt(self._prompt)
            for token in before:
                chain.accept(token)
        except ModelError:
            chain.close()
            raise
        return chain

    def _limit(self) -> None:
        room = self._n_ctx - len(self._prompt)
        self._most = min(self._values.max_tokens or room, room)
        self._limit_reason: StepReason = "max_tokens" if self._most < room else "context_full"

    def _take(self, token: int) -> str:
        """Append a token; what becomes visible with it. `reason` is set when the answer ends with it."""
        self.tokens.append(token)
        shown = self._stream.feed(self._weights.piece(token, False))
        if self._weights.ends_answer(token):
            self.reason = "end"
        elif self._stream.stopped:
            self.reason = "stop_string"
        elif len(self.tokens) >= self._most:
            self.reason = self._limit_reason
        return shown

    def interrupt(self, reason: StepReason) -> None:
        """End here; what was held back becomes part of the text."""
        self.reason = reason
        self.texts.append(self._stream.finish())

    def close(self) -> None:
        """Free the sampler."""
        self._sampler.close()


class Generation:
    """Generates the samples of one request."""

    def __init__(
        self,
        context: Context,
        samples: Sequence[Sample],
        prompt: Sequence[int],
        ending: Callable[[], StepReason | None],
        adjusting: Callable[[], Hyperparameters | None] = lambda: None,
    ) -> None:
        """Both are asked between tokens: a reason ends all samples with it, and knobs hold from the next token on."""
        self._context = context
        self._samples = samples
        self._prompt = prompt
        self._ending = ending
        self._adjusting = adjusting
        self._reused = 0
        self._prompt_seconds = 0.0
        self._begun = time.perf_counter()

    def run(self, reuse: bool) -> Iterator[Output]:
        """Evaluate the prompt, then yield tokens and the end of each sample; sequences are dropped as they end."""
        try:
            prefix = self._samples[0].prefix
            for done, reused in self._context.resume(self._prompt, prefix, reuse):
                self._reused = reused
                yield PromptProgress(done, len(self._prompt) + len(prefix), reused)
            self._prompt_seconds = time.perf_counter() - self._begun
            active = list(self._samples)
            self._context.fork(len(active), len(self._prompt))
            yield from self._adjusted(active)
            yield from self._first_tokens(active)
            yield from self._rounds(active)
        except Aborted:
            yield from self._interrupted()

    def _first_tokens(self, active: list[Sample]) -> Iterator[Token | SampleFinished]:
        for sample in list(active):
            yield from self._choose(sample, -1, active)

    def _rounds(self, active: list[Sample]) -> Iterator[Token | Adjusted | SampleFinished]:
        """One token for each active sample a round, until all are done."""
        parked: list[Sample] = []
        while active or parked:
            if self._ending():
                yield from self._interrupted()
                return
            if not active:
                active.append(self._resume(parked.pop(0)))
            while len(active) > 1 and self._cells(active) > self._context.n_ctx:
                parked.insert(0, active.pop())
                self._context.drop(parked[0].number)
            self._step(active)
            yield from self._adjusted(active)
            for output, sample in enumerate(list(active)):
                sample.position += 1
                yield from self._choose(sample, output, active)

    def _step(self, active: Sequence[Sample]) -> None:
        """Evaluate the last token of each sample. That of the only one is remembered, for branches."""
        if len(self._samples) == 1:
            self._context.extend(active[0].tokens[-1])
        else:
            self._context.step([(sample.number, sample.position, sample.tokens[-1]) for sample in active])

    def _adjusted(self, active: Sequence[Sample]) -> Iterator[Adjusted]:
        values = self._adjusting()
        if values is not None:
            yield from [sample.adjust(values) for sample in active]

    def _cells(self, active: Sequence[Sample]) -> int:
        return len(self._prompt) + sum(len(sample.tokens) for sample in active)

    def _resume(self, sample: Sample) -> Sample:
        """Evaluate a parked sample's tokens again, up to the one that is evaluated next anyway."""
        if sample.number != 0:
            self._context.share(sample.number, len(self._prompt))
        for position, token in enumerate(sample.tokens[:-1], len(self._prompt)):
            self._context.step([(sample.number, position, token)])
        return sample

    def _choose(self, sample: Sample, output: int, active: list[Sample]) -> Iterator[Token | SampleFinished]:
        yield sample.choose(self._context, output)
        if sample.reason:
            active.remove(sample)
            if len(self._samples) > 1:
                self._context.drop(sample.number, len(self._prompt) if sample.number == 0 else 0)
            yield self._finished(sample)

    def _interrupted(self) -> Iterator[SampleFinished]:
        reason = self._ending() or "stopped"
        for sample in self._samples:
            if sample.reason is None:
                sample.interrupt(reason)
                yield self._finished(sample)

    def _finished(self, sample: Sample) -> SampleFinished:
        return SampleFinished(
            sample=sample.number, text="".join(sample.texts), reason=sample.reason or "stopped",
            prompt_tokens=len(self._prompt), reused=self._reused, tokens=len(sample.tokens) - len(sample.prefix),
            prompt_seconds=self._prompt_seconds, seconds=time.perf_counter() - self._begun,
        )  # fmt: skip
