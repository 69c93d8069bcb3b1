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

DATA_WORDS = words("""
    sold units quantity amount income revenue cost profit total mean average median rate count value index date day
    time hours city country region state product item category customer client order invoice sales stock store shop
    distance height width length depth age population births deaths temperature rainfall humidity pressure energy
    power voltage current signal error loss accuracy grade exam student teacher course school rooms rent salary
    budget tax debt balance account payment discount share volume high low users visits clicks views
    likes comments downloads requests failures attempts version status kind group team player goals points
    matches wins losses rank position speed direction latitude longitude area density rivers roads cars flights
    passengers tickets seats delay calories protein water milk eggs coffee harvest yield wheat species sample
    experiment result measure sensor device code name title author pages words language genre film song artist
    vendas mês ano cidade produto preço quantidade total média valor data hora dia cliente pedido receita custo lucro
    idade peso altura nota aluno turma escola temperatura chuva energia consumo despesa salário imposto população
    área região país estado notas faltas resultado medida
""")

CONSONANTS = words("""
    b c d f g h j k l m n p r s t v z br dr gr tr st pl cl
""")
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "o", "a", "e"]
RESERVED = {*keyword.kwlist, *dir(builtins)}  # never names in a program
ENDINGS = ["", "", "", "n", "r", "s", "l", "x", "m", "t", "k"]
SUFFIXES = ["ed", "ing", "tion", "ity", "ment", "er", "ers", "ly", "ness", "able", "ance", "al", "ica", "ção", "dade"]
LETTERS = "eeeeeaaaaaiiiioooouuttttnnnnssssrrrrhllldddccmmppbbffggvvwwykjxqz"


def letters(random: Random) -> str:
    """Letters as they fall, in a word's length: what no rule of syllables foresees must be copied too."""
    return "".join(random.choice(LETTERS) for _ in range(random.randint(2, 8)))


def invented(random: Random) -> str:
    """A made-up word: two or three syllables, now and then with a real ending, or just letters."""
    shape = random.random()
    if shape < 0.25:
        word = letters(random)
    elif shape < 0.4:
        word = "".join(random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(random.choice((1, 1, 2))))
        word += random.choice(CONSONANTS) + random.choice(SUFFIXES)
    else:
        return made_of_syllables(random)
    return made_of_syllables(random) if word in RESERVED else word


def made_of_syllables(random: Random) -> str:
    """Two or three syllables."""
    syllables = random.choice((1, 2, 2, 2, 3))
    body = "".join(random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(syllables))
    word = body + random.choice(ENDINGS)
    if word in RESERVED:
        return made_of_syllables(random)
    return word if len(word) > 2 else word + random.choice(CONSONANTS) + random.choice(VOWELS)


def any_word(random: Random) -> str:
    """A known noun, a word of data, or an invented one."""
    kind = random.random()
    if kind < 0.3:
        return random.choice(NOUNS)
    return random.choice(DATA_WORDS) if kind < 0.5 else invented(random)


def any_name(random: Random) -> str:
    """A known first name, or an invented one."""
    return random.choice(NAMES) if random.random() < 0.6 else invented(random).capitalize()


def capitalised(text: str) -> str:
    """The text with its first letter made large, the rest untouched (`str.capitalize` would lower the rest)."""
    return text[:1].upper() + text[1:]


def list_in_words(items: list[str], joint: str = "and") -> str:
    """'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}"
