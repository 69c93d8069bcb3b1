"""What the page shows, folded from events: `fold(view, event) -> view`. Pure: no Gradio, no clock, no thread.

A view holds lines in the order they appear: a heading for each run, a card for each step, notices and failures. A card
that is still being written stands in `active`; its place in `lines` is filled when it ends, so that a token costs the
copy of one card and never that of a text or of all cards. A stored run is rebuilt by folding its events again.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from samantha import events
from samantha.events import Event
from samantha.ui.code_view import CodeBlock, happened
from samantha.ui.text import GrowingText

Phase = Literal["idle", "starting", "loading", "downloading", "prompt", "generating", "code", "finished"]
State = Literal["waiting", "generating", "finished", "failed"]


class RunLine(msgspec.Struct, frozen=True, tag="run"):
    """The head of a run. `steps` is None when it loops until stopped; `reason` is empty while it runs."""

    run: str
    seed: int
    steps: int | None
    started: str = ""
    reason: str = ""


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """One sentence that the user should know."""

    message: str


class Card(msgspec.Struct, frozen=True, tag="card"):
    """One step. `place` is its index in `View.lines`; counts are tokens, times seconds.

    `branch` is what is shown of the step: 0 its first answer, else the branch it went on as; `changed` is in force.
    """

    place: int
    step: int
    model: str
    branch: int = 0
    prompt: str = ""
    prompt_number: int = 0
    response: int = 0
    loop: int = 1
    rendered: str = ""
    seed: int = 0
    changed: dict[str, Any] = {}
    state: State = "waiting"
    text: GrowingText = GrowingText()
    code: CodeBlock | None = None
    message: str = ""
    reason: str = ""
    prompt_tokens: int = 0
    reused: int = 0
    tokens: int = 0
    prompt_seconds: float = 0.0
    seconds: float = 0.0
    first_token: float = 0.0


class Download(msgspec.Struct, frozen=True):
    """Bytes `done` of `total` (None: not known) at `rate` bytes a second; `left` is seconds; `phase` is the event's."""

    phase: str
    done: int
    total: int | None
    rate: float
    left: float | None
    note: str


class Progress(msgspec.Struct, frozen=True):
    """What goes on now. `done` of `steps` are finished; `begun` and `now` are seconds since the run started."""

    phase: Phase = "idle"
    run: str = ""
    steps: int | None = None
    step: int = 0
    done: int = 0
    model: str = ""
    share: float = 0.0
    """Of the load or the download, from 0 to 1."""
    download: Download | None = None
    """While the phase is `downloading`."""
    prompt_done: int = 0
    prompt_total: int = 0
    reused: int = 0
    tokens: int = 0
    """Of the step in progress, or of its whole group."""
    step_tokens: int = 0
    rate: float = 0.0
    """Tokens a second since the first token of the step or group."""
    begun: float = 0.0
    now: float = 0.0
    stepping: float = 0.0
    """Seconds spent in the steps that are done."""
    reason: str = ""

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the mean of the steps done; None where nothing can be said."""
        if not self.steps or not self.done or self.done >= self.steps or self.phase in ("idle", "finished"):
            return None
        elapsed, mean = self.now - self.begun, self.stepping / self.done
        mean = max(mean, (self.stepping + elapsed) / (self.done + 1))
        return max(0.0, mean - elapsed) + (self.steps - self.done - 1) * mean


Line = RunLine | Notice | Card


class View(msgspec.Struct, frozen=True):
    """Everything that the page shows of a session. `last` is the newest complete response."""

    lines: tuple[Line, ...] = ()
    active: tuple[Card, ...] = ()
    progress: Progress = Progress()
    last: str | None = None

    def shown(self) -> list[Line]:
        """The lines with the cards in progress in their places."""
        lines = list(self.lines)
        for card in self.active:
            lines[card.place] = card
        return lines

    def responses(self) -> list[str]:
        """The texts of the steps that ended, in order."""
        return [str(line.text) for line in self.lines if isinstance(line, Card) and line.state == "finished"]


def fold(view: View, event: Event) -> View:
    """The view after `event`. What follows the end of a run are branches of its steps, which change no card."""
    if view.progress.phase == "finished" and not isinstance(event, events.RunStarted | events.Notice):
        return view
    match event:
        case events.TokenGenerated():
            return _token(view, event)
        case events.RunStarted():
            return _run_started(view, event)
        case events.ModelLoading():
            return _progress(view, event, phase="loading", model=event.model, share=event.progress)
        case events.ModelLoaded():
            return _progress(view, event, model=event.model, share=1.0)
        case events.Downloading():
            return _downloading(view, event)
        case events.StepStarted():
            return _step_started(view, event)
        case events.PromptProcessing():
            return _progress(
                view, event, phase="prompt", prompt_done=event.done, prompt_total=event.total, reused=event.reused
            )
        case events.BranchStarted():
            return _branch_started(view, event)
        case events.HyperparametersChanged():
            return _changed(view, event, changed=event.changed)
        case events.StepFinished():
            return _step_finished(view, event)
        case events.StepFailed():
            return _step_failed(view, event)
        case (
            events.CodeFound() | events.CodeOutput() | events.CodeShown() | events.CodeServing() | events.CodeFinished()
        ):
            return _code(view, event)
        case events.Notice():
            return _replace(view, lines=(*view.lines, Notice(event.message)))
        case events.RunFinished():
            return _run_finished(view, event)


def rebuilt(stored: Iterable[Event]) -> View:
    """The view of a stored run."""
    view = View()
    for event in stored:
        view = fold(view, event)
    return view


def interrupted(view: View, message: str) -> View:
    """The view after its run broke off without a last event; partial answers stay."""
    for card in view.active:
        view = _closed(view, msgspec.structs.replace(card, state="failed", message=message))
    lines = _with_reason(view.lines, view.progress.run, "failed")
    return _replace(
        view,
        lines=lines if view.active or not message else (*lines, Notice(message)),
        active=(),
        progress=msgspec.structs.replace(view.progress, phase="finished", reason="failed"),
    )


def _replace(view: View, **changes: Any) -> View:
    return msgspec.structs.replace(view, **changes)


def _progress(view: View, event: Event, **changes: Any) -> View:
    return _replace(view, progress=msgspec.structs.replace(view.progress, now=event.time, **changes))


def _downloading(view: View, event: events.Downloading) -> View:
    share = event.done / event.total if event.total else 0.0
    now = Download(event.phase, event.done, event.total, event.rate, event.left, event.note)
    return _progress(view, event, phase="downloading", model=event.url, share=share, download=now)


def _run_started(view: View, event: events.RunStarted) -> View:
    line = RunLine(event.run, event.seed, event.steps, event.started)
    return View(
        lines=(*view.lines, line),
        progress=Progress(phase="starting", run=event.run, steps=event.steps),
        last=view.last,
    )


def _step_started(view: View, event: events.StepStarted) -> View:
    card = Card(
        place=len(view.lines), step=event.step or 0, model=event.model, prompt=event.prompt,
        prompt_number=event.prompt_number, response=event.response, loop=event.loop, rendered=event.rendered,
        seed=event.seed, changed=event.changed, prompt_tokens=event.prompt_tokens,
    )  # fmt: skip
    first_of_group = not view.active
    begun = event.time if first_of_group else view.progress.begun
    view = _replace(view, lines=(*view.lines, card), active=(*view.active, card))
    return _progress(
        view, event, phase="prompt", step=card.step if first_of_group else view.progress.step, model=event.model,
        begun=begun, tokens=0, step_tokens=0, rate=0.0, prompt_done=0, prompt_total=event.prompt_tokens, reused=0,
    )  # fmt: skip


def _token(view: View, event: events.TokenGenerated) -> View:
    position = _position(view, event.step)
    if position is None:
        return view
    card = view.active[position]
    card = msgspec.structs.replace(
        card, state="generating", text=card.text.plus(event.shown), tokens=card.tokens + 1,
        first_token=card.first_token or event.time,
    )  # fmt: skip
    active = (*view.active[:position], card, *view.active[position + 1 :])
    before = view.progress
    passed = event.time - min(one.first_token or event.time for one in active)
    progress = msgspec.structs.replace(
        before, phase="generating", now=event.time, tokens=before.tokens + 1, step_tokens=card.tokens,
        rate=before.tokens / passed if passed > 0 else 0.0,
    )  # fmt: skip
    return View(lines=view.lines, active=active, progress=progress, last=view.last)


def _changed(view: View, event: Event, **changes: Any) -> View:
    """The view with the card of the event's step changed, if it is in progress."""
    position = _position(view, event.step)
    if position is None:
        return view
    card = msgspec.structs.replace(view.active[position], **changes)
    return _replace(view, active=(*view.active[:position], card, *view.active[position + 1 :]))


def _branch_started(view: View, event: events.BranchStarted) -> View:
    """The card goes on from the text that the branch shares with what it leaves."""
    view = _changed(
        view, event, branch=event.branch, state="generating", text=GrowingText().plus(event.text), seed=event.seed,
        changed=event.changed, tokens=event.position, first_token=0.0,
    )  # fmt: skip
    return _progress(view, event, phase="generating", tokens=0, step_tokens=event.position, rate=0.0)


def _position(view: View, step: int | None) -> int | None:
    return next((index for index, card in enumerate(view.active) if card.step == step), None)


def _card(view: View, event: Event) -> Card | None:
    """The card of the event's step: in progress, or the newest one that ended (its code runs afterwards)."""
    position = _position(view, event.step)
    if position is not None:
        return view.active[position]
    for line in reversed(view.lines):
        if isinstance(line, RunLine):
            return None
        if isinstance(line, Card) and line.step == event.step:
            return line
    return None


def _closed(view: View, card: Card) -> View:
    """The view with `card` in its place and no longer active."""
    lines = (*view.lines[: card.place], card, *view.lines[card.place + 1 :])
    return _replace(view, lines=lines, active=tuple(one for one in view.active if one.step != card.step))


def _step_finished(view: View, event: events.StepFinished) -> View:
    if event.reason == "branched":
        return _progress(view, event)  # the step goes on, in the same card
    card = _card(view, event)
    if card is None:
        return view
    card = msgspec.structs.replace(
        card, state="finished", text=GrowingText().plus(event.text), reason=event.reason, reused=event.reused,
        prompt_tokens=event.prompt_tokens or card.prompt_tokens, tokens=event.tokens,
        prompt_seconds=event.prompt_seconds, seconds=event.seconds,
    )  # fmt: skip
    return _counted(_replace(_closed(view, card), last=event.text), event)


def _step_failed(view: View, event: events.StepFailed) -> View:
    card = _card(view, event)
    if card is None:
        card = Card(place=len(view.lines), step=event.step or 0, model=event.model, prompt=event.prompt)
        view = _replace(view, lines=(*view.lines, card))
    text = GrowingText().plus(event.text) if event.text else card.text
    failed = msgspec.structs.replace(card, state="failed", text=text, message=event.message)
    return _counted(_closed(view, failed), event)


def _counted(view: View, event: Event) -> View:
    """One more step is done. A group's time is shared among its steps: it ends with its last one."""
    before = view.progress
    spent = 0.0 if view.active else max(0.0, event.time - before.begun)
    return _progress(
        view, event, done=before.done + 1, stepping=before.stepping + spent,
        begun=before.begun if view.active else event.time,
    )  # fmt: skip


def _code(view: View, event: events.CodeEvent) -> View:
    card = _card(view, event)
    if card is None:
        return view
    block = card.code or CodeBlock(event.run, card.step)
    card = msgspec.structs.replace(card, code=happened(block, event))
    ran = event.seconds if isinstance(event, events.CodeFinished) else 0.0
    stepping = view.progress.stepping + ran
    return _progress(_closed(view, card), event, phase="code", step=card.step, model=card.model, stepping=stepping)


def _run_finished(view: View, event: events.RunFinished) -> View:
    for card in view.active:
        view = _closed(view, msgspec.structs.replace(card, state="failed"))
    view = _replace(view, lines=_with_reason(view.lines, event.run, event.reason))
    return _progress(view, event, phase="finished", reason=event.reason)


def _with_reason(lines: tuple[Line, ...], run: str, reason: str) -> tuple[Line, ...]:
    for place in range(len(lines) - 1, -1, -1):
        line = lines[place]
        if isinstance(line, RunLine) and line.run == run:
            return (*lines[:place], msgspec.structs.replace(line, reason=reason), *lines[place + 1 :])
    return lines
