"""The corpus generator: the same text for the same seed, checkers that know right from wrong, code that compiles."""

from __future__ import annotations

from random import Random

import pytest

from training.corpus import arithmetic, editing, sentences, stories
from training.corpus.coding import code_of
from training.corpus.conversation import Sample, render_prompt
from training.corpus.mixture import EVALUATED, draw_document, draw_sample, held_out_samples

ABILITIES = tuple(EVALUATED)
EXACT = ("translate", "shorten", "summarise", "judge", "arithmetic")


def samples(ability: str, count: int = 60) -> list[Sample]:
    """Some samples of one ability."""
    random = Random(f"tests {ability}")
    return [EVALUATED[ability](random) for _ in range(count)]


def test_the_same_seed_gives_the_same_corpus() -> None:
    first, second = ([draw_document(Random(5)) for _ in range(50)] for _ in range(2))
    assert first == second


def test_different_seeds_give_different_corpora() -> None:
    assert draw_document(Random(5)) != draw_document(Random(6))


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_checker_accepts_the_generators_own_answers(ability: str) -> None:
    assert all(sample.check(sample.answer) for sample in samples(ability))


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize(
    "spoil",
    [lambda text: "", lambda text: text[: len(text) // 2].rstrip(" .\n"), lambda text: text[1:-1] + " the the the"],
)
def test_a_checker_rejects_what_is_cut_or_garbled(ability: str, spoil: object) -> None:
    assert callable(spoil)
    for sample in samples(ability, 20):
        if sample.code_check is None:
            assert not sample.check(spoil(sample.answer)), (sample.answer, spoil(sample.answer))


@pytest.mark.parametrize("ability", EXACT)
def test_a_checker_rejects_the_answer_to_another_prompt(ability: str) -> None:
    first, *others = samples(ability)
    assert not any(first.check(other.answer) for other in others if other.answer != first.answer)


@pytest.mark.parametrize("ability", ABILITIES)
def test_code_in_answers_compiles(ability: str) -> None:
    for sample in samples(ability):
        if sample.code_check is not None:
            assert code_of(sample.answer).strip()
            compile(code_of(sample.answer), "answer", "exec")


def test_held_out_prompts_are_never_drawn_for_training() -> None:
    random = Random(3)
    assert not any(draw_sample(random).held_out for _ in range(2000))


def test_held_out_samples_are_distinct_and_reproducible() -> None:
    prompts = [[render_prompt(sample.turns) for sample in held_out_samples("charts", 20, 1)] for _ in range(2)]
    assert prompts[0] == prompts[1]
    assert len(set(prompts[0])) == 20


@pytest.mark.parametrize("language", [sentences.ENGLISH, sentences.PORTUGUESE])
def test_the_grammar_reads_back_what_it_says(language: int) -> None:
    random = Random(9)
    for _ in range(300):
        topic = sentences.draw_topic(random)
        clause = sentences.draw_clause(random, topic)
        parts = sentences.recognise(sentences.render(clause, language), language)
        assert parts is not None
        assert parts["topic"] == sentences.name_of(topic, language).lower()


def test_a_story_about_another_hero_is_off_topic() -> None:
    random = Random(4)
    cast = stories.Cast("fox", "Ana", "lamp", "forest")
    text = stories.tell(random, cast, 3)
    assert stories.is_story(text)
    assert not stories.is_story(text, ("owl", "Zebedee"))


def test_sums_with_columns_are_right() -> None:
    random = Random(8)
    for _ in range(300):
        a, b = random.randint(0, 999), random.randint(0, 999)
        assert arithmetic.answer_of(a, "+", b).endswith(f"= {a + b}")
        assert arithmetic.answer_of(max(a, b), "-", min(a, b)).endswith(f"= {abs(a - b)}")


def test_a_refined_text_that_changes_the_subject_is_wrong() -> None:
    random = Random(2)
    sample = editing.refine(random)
    assert not sample.check("The moon pulls the tides and the pig sings.")
