"""Abilities that work on text that is given: summarise, refine, continue, shorten, translate, and judge.

The text is either the previous response (an assistant turn, with or without a user turn before it) or stands in the
prompt, the responses of a chain appended as the program does it.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from .conversation import Sample, Turn, ask, respond_blocks
from .sentences import (
    COMPARISONS,
    ENGLISH,
    MOMENTS,
    PORTUGUESE,
    Clause,
    draw_clause,
    draw_topic,
    name_of,
    recognise,
    render,
    split_sentences,
)
from .speaking import (
    ENGLISH_REQUESTS,
    PLAIN_SYSTEMS,
    PORTUGUESE_REQUESTS,
    in_persona,
    persona_instruction,
    without_persona,
)
from .stories import CLOSINGS, DETAILS, MIDDLES, Cast, beginning, draw_cast, fill, is_story, sentences_of, tell
from .words import any_word, capitalised, invented, list_in_words, phrases

MODELS = phrases("""
    tiny | tiny | tiny | tiny | model | qwen | gemma-2b | phi-3
""")


def earlier_request(random: Random, clause: Clause, language: int) -> str:
    """The request a previous response may have answered; empty where the program shows none."""
    if random.random() < 0.6:
        return ""
    requests = ENGLISH_REQUESTS if language == ENGLISH else PORTUGUESE_REQUESTS
    return random.choice(requests).format(name_of(clause.topic, language))


def edit_turns(random: Random, previous: str, requests: tuple[str, ...], earlier: str) -> tuple[Turn, ...]:
    """The turns of a request about a previous response, or about a text that the request itself holds."""
    request = random.choice(requests) + random.choice(("", "", ".", ":"))
    if random.random() < 0.3:
        request = (
            f"{request.rstrip('.:')} ".replace("the previous response", "this text").replace(" it ", " this ").strip()
        )
        return ask(request + random.choice((":\n", ": ", ":\n\n")) + previous, system=random.choice(PLAIN_SYSTEMS))
    return ask(request.rstrip(":"), system=random.choice(PLAIN_SYSTEMS), previous=previous, earlier_user=earlier)


# --- translate ------------------------------------------------------------------------------------------------------

TO_PORTUGUESE = phrases("""
    Translate it to Portuguese | Translate the previous response to Portuguese | Translate to Portuguese |
    Now in Portuguese | Say it in Portuguese | Translate it into Portuguese | Put it in Portuguese |
    Traduz para português | Traduza para português
""")
TO_ENGLISH = phrases("""
    Translate it to English | Translate the previous response to English | Translate to English |
    Now in English | Say it in English | Translate it into English | Put it in English | Traduz para inglês |
    Traduza para inglês
""")


def translate(random: Random) -> Sample:
    """One to three sentences from one language to the other."""
    source = random.choice((ENGLISH, PORTUGUESE))
    clauses = [draw_clause(random, draw_topic(random, 0.1)) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    previous = " ".join(render(clause, source) for clause in clauses)
    answer = " ".join(render(clause, 1 - source) for clause in clauses)
    turns = edit_turns(
        random,
        previous,
        TO_PORTUGUESE if source == ENGLISH else TO_ENGLISH,
        earlier_request(random, clauses[0], source),
    )
    return Sample("translate", turns, answer, lambda text: text == answer)


# --- refine and shorten ---------------------------------------------------------------------------------------------

REFINE = phrases("""
    Refine the previous response | Refine it | Improve the previous response | Make it better | Improve it |
    Rewrite it in a better way | Refine the previous response and make it more beautiful |
    Polish the previous response | Make the previous response more vivid | Refina a resposta anterior |
    Melhora a resposta anterior
""")
SHORTEN = phrases("""
    Shorten the previous response | Make it shorter | Shorten it | Say it in fewer words | Cut it down |
    A shorter version, please | Make the previous response shorter |
    Summarize the previous response in one short sentence | Encurta a resposta anterior
""")


FAVOURITES = 4
"""Details at the head of a table that most refinements add: were all equally likely, copying would be likelier."""


def draw_detail(random: Random, table: tuple[tuple[str, str], ...]) -> int:
    """The place of a detail in its table, most often one of the favourites."""
    return random.randrange(FAVOURITES if random.random() < 0.8 else len(table))


def enrich(random: Random, clause: Clause) -> Clause:
    """The clause with one more detail: a moment before a bare beginning, else a comparison after it, else another one.

    The first word of a sentence decides which, so that it is known before the first word of the answer.
    """
    if clause.moment < 0 and clause.opinion < 0:
        return replace(clause, moment=draw_detail(random, MOMENTS))
    if clause.comparison < 0:
        return replace(clause, comparison=draw_detail(random, COMPARISONS))
    return replace(clause, comparison=(clause.comparison + 1) % len(COMPARISONS))


def keeps_core(text: str, before: Clause, language: int) -> bool:
    """Whether a sentence still says the same of the same topic."""
    parts = recognise(text, language)
    return (
        parts is not None
        and parts["topic"] == name_of(before.topic, language).lower()
        and (parts["predicate"] == before.topic.predicates[before.predicate][language].lower())
    )


def same_ideas(text: str, clauses: list[Clause], language: int) -> bool:
    """Whether the sentences of a text keep the core of each clause, in order."""
    sentences = split_sentences(text)
    return len(sentences) == len(clauses) and all(
        keeps_core(sentence, clause, language) for sentence, clause in zip(sentences, clauses, strict=True)
    )


def refine(random: Random) -> Sample:
    """The same ideas with one more detail each."""
    language = PORTUGUESE if random.random() < 0.25 else ENGLISH
    clauses = [draw_clause(random, draw_topic(random, 0.25)) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    previous = " ".join(render(clause, language) for clause in clauses)
    answer = " ".join(render(enrich(random, clause), language) for clause in clauses)
    if random.random() < 0.25:
        return refine_persona(random, clauses, language)
    turns = edit_turns(random, previous, REFINE, earlier_request(random, clauses[0], language))
    return Sample("refine", turns, answer, lambda text: text != previous and same_ideas(text, clauses, language))


def refine_persona(random: Random, clauses: list[Clause], language: int) -> Sample:
    """The same for an answer in a persona, which is kept."""
    who = random.choice(("poet", "pirate", "teacher"))
    manner = random.random()  # the same opening and closing before and after
    previous = in_persona(Random(manner), who, " ".join(render(clause, language) for clause in clauses), language)
    refined = " ".join(render(enrich(random, clause), language) for clause in clauses)
    answer = in_persona(Random(manner), who, refined, language)
    system = persona_instruction(random, who, language) if random.random() < 0.6 else ""
    turns = ask(random.choice(REFINE), system=system, previous=previous)

    def check(text: str) -> bool:
        plain = without_persona(text, who, language)
        return text != previous and plain is not None and same_ideas(plain, clauses, language)

    return Sample("refine", turns, answer, check)


REFINE_STORY = (
    *REFINE,
    "Refine the story",
    "Improve the story",
    "Make the story better",
    "Add more detail to the story",
)
SHORTEN_STORY = (*SHORTEN, "Shorten the story", "Make the story shorter", "Summarize the story")


def refine_story(random: Random) -> Sample:
    """The same story with one more sentence after its first: a place that is found without counting sentences."""
    cast = draw_cast(random)
    sentences = draw_story(random, cast, random.choice((1, 2, 2, 3, 4)))
    answer = " ".join([sentences[0], fill(random.choice(DETAILS), random, cast), *sentences[1:]])
    turns = edit_turns(random, " ".join(sentences), REFINE_STORY, story_request(random, cast))

    def check(text: str) -> bool:
        kept = [sentence in text for sentence in sentences[:-1]]
        return all(kept) and is_story(text) and text != " ".join(sentences)

    return Sample("refine", turns, answer, check)


def shorten_story(random: Random) -> Sample:
    """The first and the last sentence of a story."""
    cast = draw_cast(random)
    sentences = draw_story(random, cast, random.choice((1, 2, 2, 3)))
    answer = f"{sentences[0]} {sentences[-1]}"
    turns = edit_turns(random, " ".join(sentences), SHORTEN_STORY, story_request(random, cast))
    return Sample("shorten", turns, answer, lambda text: text == answer)


def draw_story(random: Random, cast: Cast, middles: int) -> list[str]:
    """A story as its sentences, as the checkers split them."""
    story = tell(random, cast, middles)
    while not is_story(story) or len(sentences_of(story)) != middles + 2:
        story = tell(random, cast, middles)
    return sentences_of(story)


def story_request(random: Random, cast: Cast) -> str:
    """The request a previous story may have answered."""
    return (
        ""
        if random.random() < 0.6
        else random.choice(("Write a short story about {}", "Tell me a story about {}")).format(cast.name)
    )


def shorten(random: Random) -> Sample:
    """The subject and predicate of the first sentence, without decoration."""
    language = PORTUGUESE if random.random() < 0.25 else ENGLISH
    clauses = [draw_clause(random, draw_topic(random, 0.25)) for _ in range(random.choice((1, 1, 2, 3)))]
    previous = " ".join(render(clause, language) for clause in clauses)
    answer = render(Clause(clauses[0].topic, clauses[0].predicate), language)
    turns = edit_turns(random, previous, SHORTEN, earlier_request(random, clauses[0], language))
    return Sample("shorten", turns, answer, lambda text: text == answer)


# --- continue -------------------------------------------------------------------------------------------------------

CONTINUE = phrases("""
    Continue the story | Continue | Continue the previous response | Go on | What happens next? |
    Continue it | Tell me more | Keep going | And then? | Write the next part | Continua a história
""")


def carry_on(random: Random, cast: Cast, sentences: int) -> str:
    """The next sentences of a story."""
    frames = random.sample(MIDDLES, sentences)
    if random.random() < 0.4:
        frames[-1] = random.choice(CLOSINGS)
    return " ".join(fill(frame, random, cast) for frame in frames)


def draw_previous(random: Random, cast: Cast) -> str:
    """The story so far: whole, or with parts joined to it as cumulative feedback does, or just a beginning."""
    if random.random() < 0.3:
        return beginning(random, cast)
    previous = tell(random, cast, random.choice((1, 2, 2)))
    while cast.name not in previous:
        previous = tell(random, cast, 2)
    parts = random.choice((0, 0, 0, 1, 2, 3))
    return "\n\n".join([previous, *(carry_on(random, cast, random.choice((2, 3))) for _ in range(parts))])


def continue_story(random: Random) -> Sample:
    """More of the story that the previous response told, with the same hero."""
    cast = draw_cast(random)
    previous = draw_previous(random, cast)
    if cast.name not in previous:  # a beginning without a name: the answer must not make one up
        cast = replace(cast, name=f"the {cast.hero}")
    answer = carry_on(random, cast, random.choice((2, 3)))
    while not (is_story(answer, (cast.name,)) or is_story(answer, (cast.hero,))):
        answer = carry_on(random, cast, 3)
    earlier = "" if random.random() < 0.6 else f"Tell me a story about {cast.name}"
    turns = edit_turns(random, previous, CONTINUE, earlier)
    return Sample("continue", turns, answer, lambda text: is_story(text, (cast.name,)) or is_story(text, (cast.hero,)))


# --- summarise ------------------------------------------------------------------------------------------------------

SUMMARISE = phrases("""
    Create a paragraph in English that summarizes the ideas contained in the following sentences: |
    Summarize the following sentences: | Write a paragraph in English that summarizes these sentences: |
    Summarize the following sentences in English: | Create a summary of the following sentences: |
    Summarize these ideas in one paragraph: | Write a short summary of these responses: |
    Create a paragraph that summarizes the ideas contained in the following sentences: |
    Resume in English the following sentences: | Join the ideas of these sentences in one paragraph: |
    Summarize the responses:
""")


def summary_of(clauses: list[Clause]) -> str:
    """A paragraph that names every topic and what is said of it, in English."""
    names = list_in_words([name_of(clause.topic, ENGLISH) for clause in clauses])
    ideas = [
        f"{name_of(clause.topic, ENGLISH)} {clause.topic.predicates[clause.predicate][ENGLISH]}" for clause in clauses
    ]
    return f"The sentences speak of {names}. {capitalised(list_in_words(ideas))}."


def given_texts(random: Random, clauses: list[Clause]) -> list[str]:
    """The clauses as responses, plain or in a persona, in either language."""
    language = PORTUGUESE if random.random() < 0.45 else ENGLISH
    who = random.choice(("portuguese", "portuguese", "poet", "poet", "pirate", "teacher"))
    return [in_persona(random, who, render(clause, language), language) for clause in clauses]


def listing(random: Random, texts: list[str]) -> str:
    """Texts as they follow a final prompt: as responses of a chain, as a list, or bare."""
    kind = random.random()
    if kind < 0.6:
        return respond_blocks(texts, random.choice(MODELS))
    if kind < 0.8:
        return "\n" + "\n".join(f"- {text}" for text in texts)
    return random.choice(("\n", "\n\n")) + random.choice(("\n", "\n\n")).join(texts)


def summarise(random: Random) -> Sample:
    """A paragraph with the ideas of two to four given sentences."""
    clauses = [
        draw_clause(random, draw_topic(random, 0.15)) for _ in range(random.choice((2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6)))
    ]
    turns = ask(
        random.choice(SUMMARISE) + listing(random, given_texts(random, clauses)), system=random.choice(PLAIN_SYSTEMS)
    )
    answer = summary_of(clauses)
    return Sample("summarise", turns, answer, lambda text: text == answer)


# --- judge ----------------------------------------------------------------------------------------------------------

JUDGE = phrases("""
    Which of the responses is better? | Which response is better? | Choose the best response |
    Which of the following responses is the best? | Judge the responses and choose one |
    Which answer is better, and why? | Pick the better response and give a reason |
    Compare the responses and choose the best one | Which of the responses is better? Explain why.
""")
FAULTS = {
    "repeats": "it does not repeat the same word again and again",
    "unfinished": "it is a complete sentence and does not stop in the middle",
    "jumbled": "its words are in the right order",
    "empty": "it really says something",
}


def spoil(random: Random, text: str, fault: str) -> str:
    """A text made worse in one way."""
    words = text.rstrip(".").split()
    if fault == "repeats":
        place = random.randrange(1, len(words))
        return " ".join(words[:place] + [words[place]] * random.randint(4, 7))
    if fault == "unfinished":
        return " ".join(words[: max(2, len(words) // 2)])
    if fault == "jumbled":
        return " ".join(random.sample(words, len(words))).lower()
    return random.choice(
        ("I do not know.", "...", "Yes.", capitalised(invented(random)) + ".", capitalised(any_word(random)) + ".")
    )


def judge(random: Random) -> Sample:
    """Two to four responses, one of them sound: it is chosen, for the reason that fits the others."""
    count = random.choice((2, 2, 2, 2, 3, 4))
    best = random.randrange(count)
    fault = random.choice(tuple(FAULTS))
    topic = draw_topic(random, 0.15)
    language = PORTUGUESE if random.random() < 0.2 else ENGLISH
    sound = [render(draw_clause(random, topic), language) for _ in range(count)]
    texts = [text if number == best else spoil(random, text, fault) for number, text in enumerate(sound)]
    question = random.choice(JUDGE)
    turns = ask(question + respond_blocks(texts, random.choice(MODELS)), system=random.choice(PLAIN_SYSTEMS))
    answer = f"Response {best + 1} is better, because {FAULTS[fault]}."
    return Sample("judge", turns, answer, lambda text: text == answer)


def judge_equals(random: Random) -> Sample:
    """Sound responses: any may be chosen, for a reason of taste. The longest one is preferred."""

    def draw() -> str:
        if random.random() < 0.4:
            return tell(random, draw_cast(random), random.choice((1, 2, 2)))
        return render(draw_clause(random, draw_topic(random, 0.15)))

    texts = [draw() for _ in range(random.choice((2, 2, 2, 3, 4)))]
    lengths = [len(text.split()) for text in texts]
    best = 1 + lengths.index(max(lengths))
    turns = ask(
        random.choice(JUDGE) + respond_blocks(texts, random.choice(MODELS)), system=random.choice(PLAIN_SYSTEMS)
    )
    answer = f"Response {best} is better, because it says more."
    return Sample(
        "judge (two sound)",
        turns,
        answer,
        lambda text: text in {f"Response {n} is better, because it says more." for n in range(1, len(texts) + 1)},
    )
