"""Saying what is given, word for word: the plainest form of copying, which every other ability builds on."""

from __future__ import annotations

from random import Random

from .coding import SYSTEMS, code_of, fenced
from .conversation import Sample, ask
from .programs import BREAKS
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

RUN = phrases("""
    Run it | Run the code | Run it again | Execute the code | Run the previous code | Run your code |
    Run the code of the previous response
""")
RUN_THIS = phrases("""
    Run this code: | Run this: | Execute this code: | Run this program: | Execute this Python code:
""")


def draw_text(random: Random) -> str:
    """Words, names and numbers in any order, or a sentence."""
    if random.random() < 0.25:
        return render(draw_clause(random, draw_topic(random, 0.3)), random.choice((ENGLISH, PORTUGUESE)))
    makers = (any_word, any_word, any_name, lambda source: str(source.randint(0, 999)))
    items = [random.choice(makers)(random) for _ in range(random.randint(1, 16))]
    text = random.choice((" ", " ", ", ")).join(items)
    return capitalised(text) + "." if random.random() < 0.2 else text


def run_code(random: Random) -> Sample:
    """Code that is to be run, with its errors: it is said again as it is, and the program runs what is said."""
    broken, mended, *_ = random.choice(BREAKS)(random)
    code = (broken if random.random() < 0.6 else mended).strip()
    system = random.choice(SYSTEMS)
    answer = f"```python\n{code}\n```"
    if random.random() < 0.6:
        turns = ask(random.choice(RUN) + random.choice(("", ".")), system=system, previous=fenced(random, code))
    else:
        given = random.choice((answer, code))
        turns = ask(f"{random.choice(RUN_THIS)}\n{given}", system=system)
    return Sample("echo", turns, answer, lambda text: code_of(text).strip() == code)


def echo(random: Random) -> Sample:
    """The given text again, or the previous response again."""
    if random.random() < 0.25:
        return run_code(random)
    text, system = draw_text(random), random.choice(PLAIN_SYSTEMS)
    if random.random() < 0.3:
        turns = ask(random.choice(PREVIOUS) + random.choice(("", ".")), system=system, previous=text)
    else:
        turns = ask(random.choice(REQUESTS).format(text), system=system)
    return Sample("echo", turns, text, lambda answer: answer == text)
