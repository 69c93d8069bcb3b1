"""Small sums, with the working shown where a sum has more than one column.

Sums and differences of numbers up to 999 (none below zero except among the smallest), products up to 12 x 12.
"""

from __future__ import annotations

import re
from random import Random

from .conversation import Sample, ask
from .speaking import PLAIN_SYSTEMS
from .words import any_name, any_word

REQUESTS = {
    "+": (
        "What is {a} + {b}?",
        "{a} + {b}",
        "Calculate {a} + {b}",
        "How much is {a} plus {b}?",
        "Add {a} and {b}",
        "What is the sum of {a} and {b}?",
        "{a}+{b}=",
        "Quanto é {a} + {b}?",
        "Compute {a} + {b}.",
        "What is {a} plus {b}?",
    ),
    "-": (
        "What is {a} - {b}?",
        "{a} - {b}",
        "Calculate {a} - {b}",
        "How much is {a} minus {b}?",
        "Subtract {b} from {a}",
        "Quanto é {a} - {b}?",
        "{a}-{b}=",
        "What is the difference between {a} and {b}?",
        "Take {b} away from {a}",
        "What is {a} minus {b}?",
    ),
    "*": (
        "What is {a} * {b}?",
        "{a} * {b}",
        "What is {a} x {b}?",
        "How much is {a} times {b}?",
        "Multiply {a} by {b}",
        "What is the product of {a} and {b}?",
        "Calculate {a} x {b}",
        "Quanto é {a} vezes {b}?",
        "{a}*{b}=",
        "What is {a} times {b}?",
    ),
}
STORIES = {
    "+": (
        "{name} has {a} {thing}s and finds {b} more. How many {thing}s does {name} have?",
        "There are {a} {thing}s in a box and {b} in a bag. How many {thing}s are there?",
    ),
    "-": (
        "{name} has {a} {thing}s and gives away {b}. How many {thing}s are left?",
        "A shop has {a} {thing}s and sells {b}. How many {thing}s are left?",
    ),
    "*": ("{name} buys {a} boxes with {b} {thing}s in each. How many {thing}s is that?",),
}
COLUMNS = ("Ones", "Tens", "Hundreds")


def digits(number: int) -> list[int]:
    """The three lowest digits, ones first."""
    return [number // 10**place % 10 for place in range(3)]


def working_of_sum(a: int, b: int) -> list[str]:
    """The columns of a sum, ones first, with what is carried."""
    lines, carry = [], 0
    for place in range(len(str(max(a, b)))):
        first, second = digits(a)[place], digits(b)[place]
        total = first + second + carry
        carried = " + 1" if carry else ""
        carry = total // 10
        lines.append(f"{COLUMNS[place]}: {first} + {second}{carried} = {total}" + (", carry 1." if carry else "."))
    return lines


def working_of_difference(a: int, b: int) -> list[str]:
    """The columns of a difference (a >= b), ones first, with what is borrowed."""
    lines, borrow = [], 0
    for place in range(len(str(a))):
        first, second = digits(a)[place], digits(b)[place]
        taken = " - 1" if borrow else ""
        rest = first - second - borrow
        borrow = int(rest < 0)
        shown = f"1{first}" if borrow else str(first)
        lines.append(
            f"{COLUMNS[place]}: {shown} - {second}{taken} = {rest + 10 * borrow}" + (", borrow 1." if borrow else ".")
        )
    return lines


def result_of(a: int, sign: str, b: int) -> int:
    """The right result."""
    return a + b if sign == "+" else a - b if sign == "-" else a * b


def answer_of(a: int, sign: str, b: int) -> str:
    """The answer as it is taught: columns first where there are several, then the whole sum."""
    lines: list[str] = []
    if sign == "+" and max(a, b) > 9:
        lines = working_of_sum(a, b)
    if sign == "-" and a > 9:
        lines = working_of_difference(a, b)
    return "\n".join([*lines, f"{a} {sign} {b} = {result_of(a, sign, b)}"])


def draw_numbers(random: Random, sign: str) -> tuple[int, int]:
    """Two numbers in the range of the operation."""
    if sign == "*":
        return random.randint(0, 12), random.randint(0, 12)
    a, b = (random.randint(0, 10 ** random.choice((1, 2, 2, 3, 3)) - 1) for _ in range(2))
    return (max(a, b), min(a, b)) if sign == "-" and max(a, b) > 9 else (a, b)


def comparison(random: Random) -> Sample:
    """Whether one small number is greater or less than another: yes or no."""
    a, b = random.randint(0, 99), random.randint(0, 99)
    relation, holds = random.choice((("greater than", a > b), ("less than", a < b), ("larger than", a > b)))
    right = "yes" if holds else "no"
    return Sample("arithmetic", ask(f"Is {a} {relation} {b}?"), right, lambda answer: answer.strip() == right)


def arithmetic(random: Random) -> Sample:
    """One small sum, bare or inside a little story."""
    if random.random() < 0.06:
        return comparison(random)
    sign = random.choice(("+", "+", "-", "-", "*"))
    a, b = draw_numbers(random, sign)
    told = a > 1 and b > 1 and a > b and random.random() < 0.2
    request = random.choice(STORIES[sign] if told else REQUESTS[sign])
    text = request.format(a=a, b=b, name=any_name(random), thing=any_word(random))
    right = f"{a} {sign} {b} = {result_of(a, sign, b)}"
    return Sample(
        "arithmetic",
        ask(text, system=random.choice(PLAIN_SYSTEMS)),
        answer_of(a, sign, b),
        lambda answer: answer.strip().splitlines()[-1:] == [right] and not re.search(r"\n\n", answer),
    )
