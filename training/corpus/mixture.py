"""The mixture of abilities: which share each has, and the stream of training documents drawn from it.

A document is a list of spans (text, is it an answer); the trainer weighs the two differently. Prompts of the
evaluation (`Sample.held_out`) never enter the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from . import arithmetic, charts, conditions, echoing, editing, instructions, programs, speaking, stories
from .conversation import ASSISTANT, END, START, SYSTEM, USER, Sample, Turn, render_prompt, render_turn

Maker = Callable[[Random], Sample]
Span = tuple[str, bool]
Document = list[Span]

# Ability -> (maker, share of the samples). The hard ones, which copy much or count, get more.
MAKERS: dict[str, tuple[Maker, float]] = {
    "echo": (echoing.echo, 8),
    "identity": (speaking.identity, 3),
    "cannot": (speaking.cannot, 2),
    "sentences": (speaking.sentence, 6),
    "paragraphs": (speaking.paragraph, 4),
    "persona": (speaking.persona, 6),
    "stories": (stories.story, 4),
    "continue": (editing.continue_story, 3),
    "arithmetic": (arithmetic.arithmetic, 20),
    "summarise": (editing.summarise, 16),
    "translate": (editing.translate, 12),
    "refine": (editing.refine, 10),
    "refine a story": (editing.refine_story, 6),
    "shorten": (editing.shorten, 4),
    "shorten a story": (editing.shorten_story, 4),
    "judge": (editing.judge, 7),
    "judge two sound": (editing.judge_equals, 1),
    "conditions": (conditions.conditions, 4),
    "charts": (charts.charts, 10),
    "csv": (charts.csv_file, 6),
    "statistics": (programs.statistics_program, 5),
    "functions": (programs.function_program, 4),
    "mend": (programs.mend, 4),
    "instructions": (instructions.instructions, 6),
}
EVALUATED: dict[str, Maker] = {name: maker for name, (maker, _) in MAKERS.items()}
RAW_SHARE = 0.03  # plain text without a template, for completion
LONG_SHARE = 0.02  # several exchanges in one conversation, so that long contexts are seen


# Abilities whose request needs no earlier turn: where feedback goes on to another prompt, a response stands before it.
INDEPENDENT = (
    "identity",
    "cannot",
    "sentences",
    "persona",
    "stories",
    "arithmetic",
    "conditions",
    "charts",
    "csv",
    "statistics",
    "functions",
    "summarise",
    "translate",
    "shorten",
)
FEEDBACK_SHARE = 0.1


def after_feedback(random: Random) -> Sample:
    """A request that does not depend on the previous response before it."""
    sample = MAKERS[random.choice(INDEPENDENT)][0](random)
    earlier = MAKERS[random.choice(INDEPENDENT[2:])][0](random)
    while any(turn.role == ASSISTANT for turn in sample.turns):
        sample = MAKERS[random.choice(INDEPENDENT)][0](random)
    head = tuple(turn for turn in sample.turns if turn.role == SYSTEM)
    if random.random() < 0.3:
        head += tuple(turn for turn in earlier.turns if turn.role == USER)
    return replace(sample, turns=(*head, Turn(ASSISTANT, earlier.answer), sample.turns[-1]))


EVALUATED["after another response"] = after_feedback


def draw_sample(random: Random) -> Sample:
    """A random sample of the mixture that is not held out."""
    makers, shares = zip(*MAKERS.values(), strict=True)
    while True:
        chosen = after_feedback if random.random() < FEEDBACK_SHARE else random.choices(makers, shares)[0]
        sample: Sample = chosen(random)
        if not sample.held_out:
            return sample


def held_out_samples(ability: str, count: int, seed: int) -> Iterator[Sample]:
    """Samples of one ability whose prompts are never trained on."""
    random, maker = Random(f"evaluation {ability} {seed}"), EVALUATED[ability]
    seen: set[str] = set()
    while len(seen) < count:
        sample = maker(random)
        prompt = render_prompt(sample.turns)
        if sample.held_out and prompt not in seen:
            seen.add(prompt)
            yield sample


def exchange(sample: Sample) -> Document:
    """One sample as spans."""
    return [(render_prompt(sample.turns), False), (sample.answer + END, True)]


def long_document(random: Random) -> Document:
    """Several exchanges in one conversation; a system turn only at its head."""
    document = exchange(draw_sample(random))
    for _ in range(random.randint(2, 9)):
        sample = draw_sample(random)
        turns = "".join(render_turn(turn) for turn in sample.turns if turn.role != SYSTEM)
        document += [(f"\n{turns}{START}{ASSISTANT}\n", False), (sample.answer + END, True)]
    return document


def draw_document(random: Random) -> Document:
    """One training document."""
    kind = random.random()
    if kind < RAW_SHARE:
        return [(stories.raw_story(random) + END, True)]
    if kind < RAW_SHARE + LONG_SHARE:
        return long_document(random)
    return exchange(draw_sample(random))


def documents(seed: int) -> Iterator[Document]:
    """An endless stream of documents, the same for the same seed."""
    random = Random(seed)
    while True:
        yield draw_document(random)
