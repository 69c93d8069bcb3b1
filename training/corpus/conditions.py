"""Programs that print or stay silent, and programs that print STOP_SAMANTHA when a condition holds."""

from __future__ import annotations

from random import Random

from .coding import SYSTEMS, fenced, sample, wish
from .conversation import Sample, ask
from .words import any_word, phrases

STOP = "STOP_SAMANTHA"
COMPARISONS = {
    "<": ("below", "less than", "smaller than", "lower than", "under"),
    ">": ("above", "greater than", "larger than", "more than", "over"),
    ">=": ("at least", "greater than or equal to"),
    "<=": ("at most", "less than or equal to"),
    "==": ("equal to", "exactly"),
}
HOLDS = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
}
DRAWS = phrases("""
    Draw a random number from {low} to {high} | Pick a random number between {low} and {high} |
    Choose a random integer from {low} to {high} | Generate a random number between {low} and {high} |
    Draw a random integer from {low} to {high} | Draw a number from {low} to {high} at random |
    Roll a random number from {low} to {high}
""")
THEN = phrases("""
    {draw} and print {word} if it is {relation} {limit} | {draw}. If it is {relation} {limit}, print {word} |
    {draw}, then print {word} if the number is {relation} {limit} |
    {draw}. Print {word} if it is {relation} {limit} | {draw} and if it is {relation} {limit} print {word} |
    Print {word} if a random number from {low} to {high} is {relation} {limit}
""")
OTHERWISE = (", otherwise print the number", ", else print the number", ". Otherwise print the number")
SILENT = (", otherwise print nothing", ", otherwise stay silent", "", "", ", else nothing", ". Otherwise print nothing")


def draw_relation(random: Random) -> tuple[str, str]:
    """A comparison operator and how it is said."""
    operator = random.choice(("<", "<", ">", ">", ">=", "<=", "=="))
    return operator, random.choice(COMPARISONS[operator])


def outcome_word(random: Random) -> str:
    """What is printed: mostly the word that ends a run."""
    if random.random() < 0.6:
        return STOP
    word = any_word(random)
    return random.choice((word.upper(), word, word.capitalize()))


def random_number(random: Random) -> Sample:
    """A number is drawn; a word is printed where it fits, and else the number or nothing."""
    low = random.choice((0, 1, 1, 1, random.randint(2, 60)))
    high = low + random.choice((5, 9, 10, 19, 49, 99, random.randint(4, 90)))
    limit = random.randint(low + 1, high - 1)
    operator, relation = draw_relation(random)
    word, prints_number = outcome_word(random), random.random() < 0.35
    task = random.choice(THEN).format(
        draw=random.choice(DRAWS).format(low=low, high=high),
        low=low,
        high=high,
        word=word,
        relation=relation,
        limit=limit,
    ) + random.choice(OTHERWISE if prints_number else SILENT)
    code = (
        f'import random\n\nnumber = random.randint({low}, {high})\nif number {operator} {limit}:\n    print("{word}")\n'
    )
    code += "else:\n    print(number)\n" if prints_number else ""
    if random.random() < 0.25:
        task = task.replace(f"print {word}", f'print "{word}"').replace(f"Print {word}", f'Print "{word}"')
    tried = sorted({low, limit - 1, limit, limit + 1, high})
    expected = {
        value: word if HOLDS[operator](value, limit) else str(value) if prints_number else "" for value in tried
    }
    turns = ask(wish(random, task), system=random.choice(SYSTEMS))
    return sample("conditions", turns, fenced(random, code), {"draws": expected, "range": [low, high]})


def fixed_number(random: Random) -> Sample:
    """Two given numbers are compared, or one is tested for being even or odd."""
    a, b = random.randint(0, 999), random.randint(0, 999)
    word, kind = outcome_word(random), random.random()
    if kind < 0.6:
        operator, relation = draw_relation(random)
        condition, holds = f"{a} {operator} {b}", HOLDS[operator](a, b)
        task = random.choice(
            (
                "Print {w} if {a} is {r} {b}",
                "If {a} is {r} {b}, print {w}",
                "Check if {a} is {r} {b} and print {w} if so",
            )
        )
        task = task.format(w=word, a=a, b=b, r=relation)
    else:
        even = random.random() < 0.5
        condition, holds = f"{a} % 2 == {0 if even else 1}", (a % 2 == 0) == even
        task = random.choice(
            ("Print {w} if {a} is {r}", "If {a} is {r}, print {w}", "Check if {a} is {r} and print {w} if so")
        )
        task = task.format(w=word, a=a, r="even" if even else "odd")
    other = any_word(random)
    has_else = random.random() < 0.4
    task += f", otherwise print {other}" if has_else else random.choice(SILENT)
    code = f'if {condition}:\n    print("{word}")\n' + (f'else:\n    print("{other}")\n' if has_else else "")
    expected = word if holds else other if has_else else ""
    return sample(
        "conditions", ask(wish(random, task), system=random.choice(SYSTEMS)), fenced(random, code), {"stdout": expected}
    )


def word_test(random: Random) -> Sample:
    """A given word is tested for its length, its first letter, or a letter in it."""
    tested, word = any_word(random), outcome_word(random)
    letter, length = random.choice("abcdefghijklmnoprstuv"), random.randint(3, 9)
    phrase, condition, holds = random.choice(
        (
            (f"has more than {length} letters", f"len(word) > {length}", len(tested) > length),
            (f"has fewer than {length} letters", f"len(word) < {length}", len(tested) < length),
            (f"starts with {letter}", f'word.startswith("{letter}")', tested.startswith(letter)),
            (f"ends with {letter}", f'word.endswith("{letter}")', tested.endswith(letter)),
            (f"contains the letter {letter}", f'"{letter}" in word', letter in tested),
        )
    )
    task = random.choice(("Print {w} if the word {t} {p}", "If the word {t} {p}, print {w}")).format(
        w=word, t=tested, p=phrase
    )
    task += random.choice(SILENT)
    code = f'word = "{tested}"\nif {condition}:\n    print("{word}")\n'
    turns = ask(wish(random, task), system=random.choice(SYSTEMS))
    return sample("conditions", turns, fenced(random, code), {"stdout": word if holds else ""})


def counting(random: Random) -> Sample:
    """A loop that prints the numbers of a range, all or those that a number divides."""
    low = random.randint(0, 20)
    high, step = low + random.randint(3, 30), random.randint(2, 9)
    if random.random() < 0.4:
        task = random.choice((f"Print the numbers from {low} to {high}", f"Count from {low} to {high}"))
        code = f"for number in range({low}, {high} + 1):\n    print(number)"
        expected = list(range(low, high + 1))
    else:
        task = random.choice(
            (
                f"Print the numbers from {low} to {high} that are divisible by {step}",
                f"Print every multiple of {step} from {low} to {high}",
            )
        )
        code = f"for number in range({low}, {high} + 1):\n    if number % {step} == 0:\n        print(number)"
        expected = [number for number in range(low, high + 1) if number % step == 0]
    turns = ask(wish(random, task), system=random.choice(SYSTEMS))
    return sample("conditions", turns, fenced(random, code), {"stdout": "\n".join(map(str, expected))})


def printing(random: Random) -> Sample:
    """Printing a given text, STOP_SAMANTHA among others, once or several times."""
    text = random.choice(
        (STOP, any_word(random), f"{any_word(random)} {any_word(random)}", any_word(random).capitalize())
    )
    times = random.choice((1, 1, 1, random.randint(2, 9)))
    shown = random.choice((text, f'"{text}"'))
    task = random.choice(
        ("Print {}", "Write a program that prints {}", "Create code that prints {}", "Show {}")
    ).format(shown)
    code = f'print("{text}")' if times == 1 else f'for _ in range({times}):\n    print("{text}")'
    task += "" if times == 1 else f" {times} times"
    turns = ask(wish(random, task), system=random.choice(SYSTEMS[4:]))
    return sample("conditions", turns, fenced(random, code), {"stdout": "\n".join([text] * times)})


def conditions(random: Random) -> Sample:
    """One of the kinds above."""
    return random.choice((random_number, random_number, random_number, fixed_number, word_test, counting, printing))(
        random
    )
