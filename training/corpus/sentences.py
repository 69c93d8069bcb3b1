"""A small bilingual grammar of sentences about topics: it composes, translates and recognises them.

A `Clause` is a meaning (topic, predicate, moment, comparison, opinion); `render` says it in English or Portuguese.
Whatever `render` can say, `recognise` reads back, which is what the checkers of several abilities rest on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from .topics import GENERIC_PREDICATES, TOPICS, Topic, parse_pair
from .words import any_word, capitalised, invented

ENGLISH, PORTUGUESE = 0, 1
Pair = tuple[str, str]


def pairs(table: str) -> tuple[Pair, ...]:
    """The pairs of a table written as 'english = portuguese', one a line."""
    return tuple(parse_pair(line) for line in table.strip().splitlines())


MOMENTS = pairs("""
in the morning = de manhã
at night = à noite
every day = todos os dias
after the rain = depois da chuva
in the quiet hours = nas horas calmas
when the day ends = quando o dia acaba
before dawn = antes da aurora
in this small town = nesta pequena vila
sooner or later = mais cedo ou mais tarde
in every country = em todos os países
on a cold evening = numa tarde fria
at the end of the road = no fim da estrada
when nobody is looking = quando ninguém está a olhar
little by little = pouco a pouco
even in hard times = mesmo em tempos difíceis
under the open sky = sob o céu aberto
""")

COMPARISONS = pairs("""
like a river in spring = como um rio na primavera
like a song from childhood = como uma canção da infância
like a light in the window = como uma luz na janela
like an old friend = como um velho amigo
like rain on dry land = como chuva em terra seca
like a bird in the open sky = como um pássaro no céu aberto
like a letter from far away = como uma carta de longe
like the first day of summer = como o primeiro dia de verão
like a fire in winter = como um fogo no inverno
like a boat on calm water = como um barco em água calma
like a story without end = como uma história sem fim
like bread fresh from the oven = como pão acabado de cozer
and the whole world listens = e o mundo inteiro escuta
and nothing can stop it = e nada o pode parar
and we remember it for years = e lembramo-nos disso durante anos
and that is enough = e isso basta
""")

OPINIONS = pairs("""
I believe that = acredito que
we all know that = todos sabemos que
they say that = dizem que
it is true that = é verdade que
my grandmother said that = a minha avó dizia que
remember that = lembra-te de que
""")


@dataclass(frozen=True)
class Clause:
    """The meaning of one sentence; the index -1 means that the part is left out."""

    topic: Topic
    predicate: int
    moment: int = -1
    comparison: int = -1
    opinion: int = -1


def unknown_topic(random: Random) -> Topic:
    """A topic outside the table: its name can only be copied, and is the same in both languages."""
    name = invented(random) if random.random() < 0.6 else any_word(random)
    return Topic(name, name, GENERIC_PREDICATES)


def draw_topic(random: Random, unknown_share: float = 0.2) -> Topic:
    """A topic of the table, or now and then one whose name must be copied."""
    return unknown_topic(random) if random.random() < unknown_share else random.choice(TOPICS)


def draw_clause(random: Random, topic: Topic, plain: bool = False) -> Clause:
    """A random clause about the topic; a plain one is subject and predicate only."""
    clause = Clause(topic, random.randrange(len(topic.predicates)))
    if plain:
        return clause
    moment = random.randrange(len(MOMENTS)) if random.random() < 0.5 else -1
    comparison = random.randrange(len(COMPARISONS)) if random.random() < 0.55 else -1
    opinion = random.randrange(len(OPINIONS)) if moment < 0 and random.random() < 0.35 else -1
    return replace(clause, moment=moment, comparison=comparison, opinion=opinion)


def name_of(topic: Topic, language: int) -> str:
    """The topic's name in a language."""
    return (topic.english, topic.portuguese)[language]


def core(clause: Clause, language: int) -> str:
    """Subject and predicate, without capital and full stop."""
    return f"{name_of(clause.topic, language)} {clause.topic.predicates[clause.predicate][language]}"


def render(clause: Clause, language: int = ENGLISH) -> str:
    """The clause as one sentence."""
    text = core(clause, language)
    if clause.comparison >= 0:
        comparison = COMPARISONS[clause.comparison][language]
        text += (", " if comparison.split()[0] in ("and", "e") else " ") + comparison
    if clause.opinion >= 0:
        text = f"{OPINIONS[clause.opinion][language]} {text}"
    if clause.moment >= 0:
        text = f"{MOMENTS[clause.moment][language]}, {text}"
    return capitalised(text) + "."


def alternatives(table: tuple[Pair, ...], language: int) -> str:
    """A regular expression that matches any entry of a table."""
    return "|".join(re.escape(pair[language]) for pair in table)


@cache
def sentence_pattern(language: int) -> re.Pattern[str]:
    """A regular expression for every sentence that `render` can say."""
    predicates = tuple(dict.fromkeys(pair for topic in TOPICS for pair in topic.predicates)) + GENERIC_PREDICATES
    return re.compile(
        rf"(?:(?P<moment>{alternatives(MOMENTS, language)}), )?(?:(?P<opinion>{alternatives(OPINIONS, language)}) )?"
        rf"(?P<topic>(?:[^\W\d_]+ ){{1,3}}?)(?P<predicate>{alternatives(predicates, language)})"
        rf"(?:,? (?P<comparison>{alternatives(COMPARISONS, language)}))?\.",
        re.IGNORECASE,
    )


def recognise(text: str, language: int = ENGLISH) -> dict[str, str] | None:
    """The parts of a sentence (lower case), or None where the grammar could not have said it."""
    match = sentence_pattern(language).fullmatch(text.strip())
    if match is None or not text.strip()[:1].isupper():
        return None
    return {name: (part or "").strip().lower() for name, part in match.groupdict().items()}


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each with its full stop."""
    return [part.strip() for part in re.findall(r"[^.!?]+[.!?]", text)]


def is_about(text: str, topic: Topic, language: int) -> bool:
    """Whether the text is nothing but grammatical sentences, each about the topic."""
    sentences = split_sentences(text)
    parts = [recognise(sentence, language) for sentence in sentences]
    known = {pair[language].lower() for pair in topic.predicates}
    return (
        bool(parts)
        and "".join(text.split()) == "".join("".join(sentences).split())
        and all(part is not None and part["topic"] == name_of(topic, language).lower() for part in parts)
        and all(part is not None and part["predicate"] in known for part in parts)
    )
