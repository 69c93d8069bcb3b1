"""Texts scored by Samantha Tiny, against probabilities computed here from llama.cpp's own logits."""

import ctypes
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from llama_cpp import llama_cpp as library_of_c

from samantha.chain.chain import Chain
from samantha.errors import ChainError, ModelNotFound, ScoreError
from samantha.hyperparameters import Hyperparameters
from samantha.learning import scoring
from samantha.learning.score import Score, compare
from samantha.learning.scoring import first_prompt, score_text
from samantha.models import library
from samantha.models.model import Loading, LoadOptions, Model, PromptProgress, Scored
from samantha.models.residency import Residency
from samantha.models.scripted import ScriptedSource

TEXT = "<|im_start|>user\nWrite a story about an owl.<|im_end|>\n<|im_start|>assistant\nOne day, the owl found a key."


@pytest.fixture(scope="module")
def residency() -> Iterator[Residency]:
    made = Residency()
    yield made
    made.close()


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samantha Tiny once more, with fewer bits for each weight."""
    path = tmp_path_factory.mktemp("models") / "tiny-q4.gguf"
    parameters = library_of_c.llama_model_quantize_default_params()
    parameters.ftype, parameters.allow_requantize, parameters.nthread = 2, True, 1
    given = (str(library.TINY_PATH).encode(), str(path).encode(), ctypes.byref(parameters))
    assert library_of_c.llama_model_quantize(*given) == 0
    return path


def scored(residency: Residency, name: str, text: str, **given: object) -> Score:
    *_, last = score_text(residency, name, text, **given)  # type: ignore[arg-type]
    assert isinstance(last, Score)
    return last


def independent_bits(path: Path, tokens: list[int]) -> list[float]:
    """-log2 p of each token but the first, from all logits at once, in float64, without any code of ours."""
    model = library_of_c.llama_model_load_from_file(str(path).encode(), library_of_c.llama_model_default_params())
    parameters = library_of_c.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
    parameters.n_threads = parameters.n_threads_batch = 1
    parameters.flash_attn_type = library_of_c.LLAMA_FLASH_ATTN_TYPE_DISABLED
    context = library_of_c.llama_init_from_model(model, parameters)
    size = library_of_c.llama_vocab_n_tokens(library_of_c.llama_model_get_vocab(model))
    batch = library_of_c.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for place, token in enumerate(tokens):
        batch.token[place], batch.pos[place], batch.n_seq_id[place] = token, place, 1
        batch.seq_id[place][0], batch.logits[place] = 0, True
    assert library_of_c.llama_decode(context, batch) == 0
    bits = []
    for place, token in enumerate(tokens[1:]):
        row = library_of_c.llama_get_logits_ith(context, place)
        logits = np.ctypeslib.as_array(row, (size,)).astype(np.float64)
        bits.append(float((np.logaddexp.reduce(logits) - logits[token]) / math.log(2)))
    library_of_c.llama_batch_free(batch)
    library_of_c.llama_free(context)
    library_of_c.llama_model_free(model)
    return bits


def test_the_perplexity_is_that_of_the_logits_themselves(residency: Residency) -> None:
    score = scored(residency, "tiny", TEXT)
    expected = independent_bits(library.TINY_PATH, [token.id for token in score.tokens])
    assert [token.surprisal for token in score.scored] == pytest.approx(expected, abs=1e-3)
    assert score.bits == pytest.approx(sum(expected), rel=1e-4)
    assert score.perplexity == pytest.approx(2 ** (sum(expected) / len(expected)), rel=1e-4)
    assert b"".join(token.piece for token in score.tokens).decode() == TEXT


def test_the_likeliest_candidate_of_rank_one_is_the_token_itself(residency: Residency) -> None:
    for token in scored(residency, "tiny", TEXT, best=3).scored:
        likeliest = [number for number, _, _ in token.best]
        assert len(likeliest) == 3
        assert (token.rank or 0) > 3 or likeliest[(token.rank or 0) - 1] == token.id


def test_a_model_does_not_differ_from_itself(residency: Residency) -> None:
    compared = compare(scored(residency, "tiny", TEXT), scored(residency, "tiny", TEXT))
    assert {piece.difference for piece in compared.both} == {0.0}
    assert "".join(piece.text.decode() for piece in compared.pieces) == TEXT


def test_another_quantization_of_it_differs_a_little(residency: Residency, quantized: Path) -> None:
    compared = compare(scored(residency, "tiny", TEXT), scored(residency, str(quantized), TEXT))
    assert len(compared.pieces) == len(compared.a.tokens)
    assert 0.01 < abs(compared.biggest(1)[0].difference or 0) < 12
    assert compared.bits[0] == pytest.approx(compared.a.bits)


def test_progress_comes_before_the_score_and_counts_every_token(residency: Residency) -> None:
    seen = list(score_text(residency, "tiny", TEXT * 20))
    tokens = [token for one in seen if isinstance(one, Scored) for token in one.tokens]
    counts = [one.done for one in seen if isinstance(one, PromptProgress)]
    assert isinstance(seen[-1], Score)
    assert tuple(tokens) == seen[-1].tokens
    assert counts == sorted(counts)
    assert counts[-1] == len(tokens)


def test_a_stop_keeps_what_was_scored_and_frees_the_model(residency: Residency) -> None:
    asked = score_text(residency, "tiny", TEXT * 60)
    seen = []
    for progress in asked:
        seen.append(progress)
        if isinstance(progress, PromptProgress) and progress.done > 1:
            asked.stop()
    assert isinstance(seen[-1], Score)
    assert not seen[-1].complete
    assert 1 < len(seen[-1].tokens) < len(scored(residency, "tiny", TEXT * 60).tokens)


def test_a_stop_before_the_model_is_there_ends_quietly(residency: Residency) -> None:
    asked = score_text(residency, "tiny", TEXT)
    asked.stop()
    assert not [one for one in asked if not isinstance(one, Loading | Score)]


def test_it_waits_while_a_run_uses_the_model(residency: Residency) -> None:
    used = acquired(residency)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        if asked == 3:
            residency.release(used)
        return False

    assert scored(residency, "tiny", TEXT, cancelled=cancelled).complete
    assert asked >= 3


def acquired(source: Residency) -> Model:
    *_, model = source.acquire("tiny", LoadOptions(), lambda: False)
    assert not isinstance(model, Loading)
    return model


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("tiny", "", ScoreError, "no text"),
        ("tiny", "x" * (scoring.LONGEST + 1), ScoreError, "at most 1,000,000"),
        ("tiny", "<|im_start|>", ScoreError, "single token"),
        ("tniy", "Hello there", ModelNotFound, "Did you mean tiny"),
    ],
)
def test_what_cannot_be_scored_gets_one_sentence(
    residency: Residency, name: str, text: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        list(score_text(residency, name, text))
    assert scored(residency, "tiny", TEXT).complete


def test_the_first_prompt_of_a_chain_is_what_its_run_would_give(residency: Residency) -> None:
    chain = Chain(models=("tiny",), system="Be brief.", prompts="[In rhyme.]\nA song about rain\nAnother")
    model = acquired(residency)
    try:
        text = first_prompt(chain, model)
    finally:
        residency.release(model)
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")
    assert "In rhyme." in text
    assert "A song about rain" in text
    assert text.endswith("<|im_start|>assistant\n")


def test_a_prompt_that_is_sent_raw_is_shown_as_it_is() -> None:
    model = ScriptedSource({"tiny": ["Yes."]}).models["tiny"]
    assert first_prompt(Chain(models=("tiny",), prompts="Once upon", raw=True), model) == "Once upon"


def test_a_chain_without_a_step_has_no_first_prompt() -> None:
    with pytest.raises(ChainError, match="no step"):
        scoring.first_step(Chain(models=("tiny",), prompts="--- nothing", hyperparameters=Hyperparameters()))


def test_scripted_words_are_all_certain() -> None:
    *_, score = score_text(ScriptedSource({"tiny": [""]}), "tiny", "one two")
    assert isinstance(score, Score)
    assert score.bits == 0
