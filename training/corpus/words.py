"""Word lists that several grammars draw from, and invented words; pure data and three ways to draw.

Invented words matter: they can only be copied from the prompt, never recited, so the model must learn to copy.
"""

from __future__ import annotations

import builtins
import keyword
from random import Random


def phrases(text: str) -> tuple[str, ...]:
    """A table of phrases, written with a bar between them."""
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


def words(text: str) -> list[str]:
    """A table of words, written with blanks between them."""
    return text.split()


NAMES = words("""
    Ana Rui Maria Pedro Sofia Miguel Clara Hugo Elena Oscar Ruth Felix Nora Ivan Alice Bruno Diana Emil Flora
    Gustav Helen Igor Julia Karl Laura Martin Nina Otto Paula Rosa Simon Teresa Victor Wanda Zoe Adam Beatriz
    Carlos Dora Edgar Gloria Henry Iris Jonas Kira Leo Mila Noah Olga Paul Rita Samuel Tina Vera Tom Sara Luis Eva
    Max Mara
""")

NOUNS = words("""
    apple lamp river stone chair bottle garden window ladder pencil basket candle mirror blanket bridge castle
    button ticket hammer kettle pocket feather pillow bucket wagon harbor valley island meadow tower temple market
    kitchen engine wheel needle ribbon saddle shovel whistle barrel anchor compass lantern violin trumpet drum
    piano guitar mushroom pumpkin carrot lemon cherry pepper onion cabbage potato tomato rice corn sugar butter
    cheese cake soup tiger lion monkey turtle spider lizard penguin dolphin camel donkey parrot pigeon beetle snail
    frog wolf bear paper letter number color shape size weight speed price score level month year week hour minute
    second point
""")

COLORS = words("""
    red blue green orange purple black brown gray pink yellow cyan magenta gold navy teal olive crimson coral
    salmon indigo violet turquoise
""")

CONSONANTS = words("""
    b c d f g h j k l m n p r s t v z br dr gr tr st pl cl
""")
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "o", "a", "e"]
RESERVED = {*keyword.kwlist, *dir(builtins)}  # never names in a program
ENDINGS = ["", "", "", "n", "r", "s", "l", "x", "m", "t", "k"]


def invented(random: Random) -> str:
    """A made-up word of two or three syllables."""
    syllables = random.choice((1, 2, 2, 2, 3))
    body = "".join(random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(syllables))
    word = body + random.choice(ENDINGS)
    if word in RESERVED:
        return invented(random)
    return word if len(word) > 2 else word + random.choice(CONSONANTS) + random.choice(VOWELS)


def any_word(random: Random) -> str:
    """A known noun, or an invented word."""
    return random.choice(NOUNS) if random.random() < 0.45 else invented(random)


def any_name(random: Random) -> str:
    """A known first name, or an invented one."""
    return random.choice(NAMES) if random.random() < 0.6 else invented(random).capitalize()


def capitalised(text: str) -> str:
    """The text with its first letter made large, the rest untouched (`str.capitalize` would lower the rest)."""
    return text[:1].upper() + text[1:]


def list_in_words(items: list[str], joint: str = "and") -> str:
    """'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}"
