"""What the code abilities share: fences, tables of literals, and the words around a program. Runs nothing."""

from __future__ import annotations

import re
from random import Random

from .conversation import ASSISTANT, Check, Sample, Turn
from .words import any_word, invented, phrases

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPENINGS = phrases("""
    Here is the code: | Here is a program that does it: | This program does it: | Run this code: |
    Here it is:
""")
SYSTEMS = (
    "",
    "",
    "",
    "",
    "You are a helpful assistant.",
    "You are a Python programmer.",
    "You write Python code.",
    "Answer only with code.",
    "You are an expert in Python",
    "Write Python code for each request.",
)
CODE_WISHES = phrases("""
    {} | {} | {} | Write Python code: {} | Python: {} | Write a Python program to do this: {} |
    In Python, {} | Please write Python code for this: {} | Create Python code. {} |
    Write code in Python: {} | With Python: {}
""")


def wish(random: Random, task: str) -> str:
    """A task as a user may word it."""
    frame = random.choice(CODE_WISHES)
    text = task if frame == "{}" or random.random() < 0.5 else task[0].lower() + task[1:]
    return frame.format(text) + random.choice(("", "", "."))


def fenced(random: Random, code: str) -> str:
    """The code in a Python fence, mostly after one short line."""
    opening = f"{random.choice(OPENINGS)}\n" if random.random() < 0.7 else ""
    return f"{opening}```python\n{code.strip()}\n```"


def code_of(text: str) -> str:
    """The code inside the fences of an answer, joined."""
    return "\n".join(FENCE.findall(text))


def has_code(text: str) -> bool:
    """Whether an answer has a closed Python fence around code that compiles."""
    code = code_of(text)
    try:
        compile(code, "answer", "exec")
    except (SyntaxError, ValueError):
        return False
    return bool(code.strip())


def sample(
    ability: str, turns: tuple[Turn, ...], answer: str, code_check: dict[str, object], check: Check = has_code
) -> Sample:
    """A sample whose answer is code that has to show what `code_check` says."""
    assert turns[-1].role != ASSISTANT
    return Sample(ability, turns, answer, check, code_check)


def quoted(items: list[str]) -> str:
    """A Python list of strings, in double quotes as everywhere in this corpus."""
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def title_words(random: Random) -> str:
    """A title of one to three words."""
    words = [any_word(random) for _ in range(random.choice((1, 2, 2, 3)))]
    style = random.random()
    if style < 0.5:
        return " ".join(words).capitalize()
    return " ".join(word.capitalize() for word in words) if style < 0.8 else " ".join(words)


def labels(random: Random, count: int) -> list[str]:
    """Distinct labels, all with or all without a capital."""
    words: list[str] = []
    while len(words) < count:
        word = any_word(random) if random.random() < 0.6 else invented(random)
        if word not in words:
            words.append(word)
    return [word.capitalize() for word in words] if random.random() < 0.6 else words


def numbers(random: Random, count: int) -> list[int]:
    """Random whole numbers of one to three digits."""
    top = random.choice((9, 20, 99, 99, 999))
    return [random.randint(0 if top > 9 else 1, top) for _ in range(count)]


def spoken(random: Random, values: list[int]) -> str:
    """Numbers as a user writes them."""
    text = [str(value) for value in values]
    style = random.random()
    if style < 0.55:
        return ", ".join(text)
    if style < 0.75:
        return f"{', '.join(text[:-1])} and {text[-1]}"
    return "[" + ", ".join(text) + "]" if style < 0.9 else " ".join(text)
