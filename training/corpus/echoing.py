"""Saying what is given, word for word: the plainest form of copying, which every other ability builds on."""

from __future__ import annotations

from random import Random

from .conversation import Sample, ask
from .sentences import ENGLISH, PORTUGUESE, draw_clause, draw_topic, render
from .speaking import PLAIN_SYSTEMS
from .words import any_name, any_word, capitalised, phrases

REQUESTS = phrases("""
    Repeat after me: {} | Repeat: {} | Say this again: {} | Copy this text: {} | Write this: {} | Echo: {} |
    Repeat this text: {} | Repeat these words: {} | Write exactly this: {} | Repete: {} | Say: {} | Copy: {}
""")
PREVIOUS = phrases("""
    Repeat the previous response | Say it again | Repeat it | Once more, please | Repeat what you said | Copy it |
    Repete a resposta anterior
""")


def draw_text(random: Random) -> str:
    """Words, names and numbers in any order, or a sentence."""
    if random.random() < 0.25:
        return render(draw_clause(random, draw_topic(random, 0.3)), random.choice((ENGLISH, PORTUGUESE)))
    makers = (any_word, any_word, any_name, lambda source: str(source.randint(0, 999)))
    items = [random.choice(makers)(random) for _ in range(random.randint(1, 16))]
    text = random.choice((" ", " ", ", ")).join(items)
    return capitalised(text) + "." if random.random() < 0.2 else text


def echo(random: Random) -> Sample:
    """The given text again, or the previous response again."""
    text, system = draw_text(random), random.choice(PLAIN_SYSTEMS)
    if random.random() < 0.3:
        turns = ask(random.choice(PREVIOUS) + random.choice(("", ".")), system=system, previous=text)
    else:
        turns = ask(random.choice(REQUESTS).format(text), system=system)
    return Sample("echo", turns, text, lambda answer: answer == text)
