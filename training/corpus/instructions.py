"""Requests for a program that are themselves worked on: translated, refined, carried out, and their code corrected.

These are the steps of a chain that turns a wish in Portuguese into code that runs: each works on the step before it.
"""

from __future__ import annotations

from random import Random

from .coding import SYSTEMS, code_of, fenced, labels, numbers, quoted, sample, spoken
from .conversation import Sample, ask
from .programs import FIX, STATISTICS
from .words import list_in_words, phrases

Task = tuple[str, str, str, dict[str, object]]
"""A request in English and in Portuguese, from its verb on; its code; what running the code must show."""

BEGINNINGS = (
    ("Write a Python program that {}", "Escreve um programa em Python que {}"),
    ("Create a Python program that {}", "Cria um programa em Python que {}"),
    ("Write Python code that {}", "Escreve código Python que {}"),
    ("Create Python code that {}", "Cria código Python que {}"),
)
REFINEMENT = " Write one complete program and print nothing else."
TRANSLATE = phrases("""
    Translate it to English | Translate the previous response to English | Translate to English |
    Translate the instruction to English | Put it in English
""")
TRANSLATE_THIS = phrases("""
    Translate to English: {} | Translate this instruction to English: {} | Translate the following to English: {}
""")
REFINE = phrases("""
    Refine the prompt | Refine the prompt in your previous response | Improve the prompt in your previous response |
    Refine the instruction | Improve the instruction of the previous response
""")
CARRY_OUT = phrases("""
    Execute the prompt in your previous response | Write the code described in your previous response |
    Generate the code described in your previous response | Write the code of the previous response | Write the code
""")
PLAIN = {"title": "", "color": "", "axes": ["", ""]}
WHAT = {"sum": "a soma", "largest": "o maior", "smallest": "o menor", "average": "a média"}


def counted(random: Random) -> Task:
    """The numbers of a range."""
    low = random.randint(0, 30)
    high = low + random.randint(2, 12)
    code = f"for number in range({low}, {high} + 1):\n    print(number)"
    shown = "\n".join(map(str, range(low, high + 1)))
    return (
        f"prints the numbers from {low} to {high}",
        f"mostra os números de {low} a {high}",
        code,
        {"stdout": shown},
    )


def summed_up(random: Random) -> Task:
    """A statistic of given numbers."""
    values, what = numbers(random, random.randint(3, 7)), random.choice(tuple(WHAT))
    expression, compute = STATISTICS[what]
    head = "import statistics\n\n" if "statistics." in expression else ""
    code = f'{head}numbers = {values}\nprint("{what.capitalize()}:", {expression})'
    given = spoken(random, values).replace(" and ", ", ")
    english, portuguese = f"prints the {what} of {given}", f"mostra {WHAT[what]} de {given}"
    return english, portuguese, code, {"stdout": f"{what.capitalize()}: {compute(values)}"}


def multiplied(random: Random) -> Task:
    """A multiplication table."""
    factor = random.randint(2, 99)
    code = f'for number in range(1, 11):\n    print({factor}, "x", number, "=", {factor} * number)'
    shown = "\n".join(f"{factor} x {number} = {factor * number}" for number in range(1, 11))
    return (
        f"prints the multiplication table of {factor}",
        f"mostra a tabuada do {factor}",
        code,
        {"stdout": shown},
    )


def drawn(random: Random) -> Task:
    """A bar chart."""
    count = random.randint(2, 5)
    names, values = labels(random, count), [random.randint(1, 99) for _ in range(count)]
    code = (
        f"import matplotlib.pyplot as plt\n\nlabels = {quoted(names)}\nvalues = {values}\n"
        "plt.bar(labels, values)\nplt.show()"
    )
    shown: dict[str, object] = {"figure": {"kind": "bar", "labels": names, "values": values, **PLAIN}}
    said = list_in_words([str(value) for value in values]), list_in_words(names)
    also = list_in_words([str(value) for value in values], "e"), list_in_words(names, "e")
    english = f"draws a bar chart of the values {said[0]} for {said[1]}"
    return english, f"desenha um gráfico de barras com os valores {also[0]} para {also[1]}", code, shown


def instructions(random: Random) -> Sample:
    """One step of the way from a wish to code."""
    english, portuguese, code, shown = random.choice((counted, summed_up, multiplied, drawn))(random)
    beginning = random.choice(BEGINNINGS)
    wish, desejo = (frame.format(text) + "." for frame, text in zip(beginning, (english, portuguese), strict=True))
    kind, system = random.random(), random.choice(SYSTEMS)
    if kind < 0.35:
        return translated(random, wish, desejo)
    if kind < 0.55:
        answer = wish + REFINEMENT
        turns = ask(random.choice(REFINE) + random.choice(("", ".")), system=system, previous=wish)
        return Sample("instructions", turns, answer, lambda text: text == answer)
    if kind < 0.85:
        previous = random.choice((wish, wish + REFINEMENT))
        turns = ask(random.choice(CARRY_OUT) + random.choice(("", ".")), system=system, previous=previous)
        return sample("instructions", turns, fenced(random, code), shown)
    output = str(shown.get("stdout", ""))
    previous = fenced(random, code) + (f"\n\n{output}" if output else "")
    answer = f"There is no error. Here is the code:\n```python\n{code}\n```"
    turns = ask(random.choice(FIX), system=system, previous=previous)
    return sample("instructions", turns, answer, shown, lambda text: code_of(text).strip() == code)


def translated(random: Random, english: str, portuguese: str) -> Sample:
    """The request in Portuguese, turned into English."""
    if random.random() < 0.5:
        turns = ask(random.choice(TRANSLATE) + random.choice(("", ".")), previous=portuguese)
    else:
        turns = ask(random.choice(TRANSLATE_THIS).format(portuguese))
    return Sample("instructions", turns, english, lambda text: text == english)
