"""Reuse of evaluated tokens never changes the answer: logits are compared bit by bit."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from samantha.hyperparameters import Hyperparameters
from samantha.models.llama.context import CHUNK, Context
from samantha.models.llama.model import LlamaModel
from samantha.models.llama.native import lib
from samantha.models.model import GenerateRequest, LoadOptions, SampleFinished, Token

OpenModel = Callable[..., LlamaModel]
PROMPTS = 200


def logits(context: Context, tokens: Sequence[int], reuse: bool, n_vocab: int) -> tuple[NDArray[np.float32], int]:
    reused = 0
    for _, kept in context.prefill(tokens, reuse):
        reused = kept
    if context.given is not None:
        return context.given.copy(), reused
    return np.ctypeslib.as_array(lib.llama_get_logits_ith(context.handle, -1), shape=(n_vocab,)).copy(), reused


def varied_prompts(n_vocab: int) -> list[list[int]]:
    """Prompts that share beginnings of every length with ones before them, as chains do."""
    source = random.Random(11)
    prompts: list[list[int]] = []
    for _ in range(PROMPTS):
        shared = prompts[-1][: source.randrange(400)] if prompts and source.random() < 0.8 else []
        prompts.append(shared + [source.randrange(n_vocab) for _ in range(source.randrange(1, 200))])
    return prompts


@pytest.mark.parametrize("name", ["random_gguf", "tiny_gguf"])
def test_cached_and_uncached_runs_give_bit_identical_logits(
    name: str, open_model: OpenModel, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(name)
    cached, uncached = open_model(path), open_model(path)
    words = cached._weights.n_vocab
    saved = 0
    for prompt in varied_prompts(words):
        with_cache, reused = logits(cached._open(), prompt, True, words)
        without, nothing = logits(uncached._open(), prompt, False, words)
        assert nothing == 0
        assert np.array_equal(with_cache, without)
        saved += reused > 0
    assert saved > PROMPTS // 3


def test_one_and_two_threads_give_bit_identical_logits(random_gguf: Path, open_model: OpenModel) -> None:
    one, two = open_model(random_gguf, n_threads=1), open_model(random_gguf, n_threads=2)
    words = one._weights.n_vocab
    for prompt in varied_prompts(words):
        assert np.array_equal(
            logits(one._open(), prompt, True, words)[0], logits(two._open(), prompt, True, words)[0]
        )


@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_the_same_prompt_again_evaluates_nothing(random_gguf: Path, open_model: OpenModel, length: int) -> None:
    model = open_model(random_gguf)
    context = model._open()
    prompt = list(range(length))
    first, _ = logits(context, prompt, True, 2048)
    before = context.evaluated
    again, reused = logits(context, prompt, True, 2048)
    assert np.array_equal(first, again)
    assert reused == length
    assert context.evaluated == before


@pytest.mark.parametrize("name", ["random_gguf", "tiny_gguf"])
def test_prompts_that_alternate_are_evaluated_once(
    name: str, open_model: OpenModel, request: pytest.FixtureRequest
) -> None:
    """Three prompts of 700 tokens in turns, each with other last words at each visit, bit-identical to fresh ones."""
    path: Path = request.getfixturevalue(name)
    kept, fresh = open_model(path), open_model(path)
    words = kept._weights.n_vocab
    source = random.Random(3)
    beginnings = [[source.randrange(words) for _ in range(700)] for _ in range(3)]
    for visit in range(4):
        for beginning in beginnings:
            prompt = beginning + [source.randrange(words) for _ in range(visit)]
            before = kept._open().evaluated
            with_shelf, reused = logits(kept._open(), prompt, True, words)
            without, _ = logits(fresh._open(), prompt, False, words)
            assert np.array_equal(with_shelf, without)
            if visit:
                assert reused == 700 // CHUNK * CHUNK
                assert kept._open().evaluated - before == len(prompt) - reused


def test_a_prompt_that_comes_back_word_for_word_needs_no_evaluation(
    random_gguf: Path, open_model: OpenModel
) -> None:
    context = open_model(random_gguf)._open()
    one, other = list(range(900)), list(range(900, 0, -1))
    first, _ = logits(context, one, True, 2048)
    logits(context, other, True, 2048)
    before = context.evaluated
    again, reused = logits(context, one, True, 2048)
    assert np.array_equal(first, again)
    assert (reused, context.evaluated - before) == (900, 0)


def test_the_shelf_keeps_no_more_than_its_capacity(random_gguf: Path, open_model: OpenModel) -> None:
    context = open_model(random_gguf)._open()
    prompts = [[number] * 300 for number in range(5)]
    logits(context, prompts[0], True, 2048)
    logits(context, prompts[1], True, 2048)
    one = context._shelf.size
    assert one > 0
    context._shelf._capacity = int(2.5 * one)
    for prompt in prompts[2:]:
        logits(context, prompt, True, 2048)
        assert context._shelf.size <= 2.5 * one
    assert logits(context, prompts[0], True, 2048)[1] == 0
    assert logits(context, prompts[3], True, 2048)[1] == 300
    context.reset()
    assert context._shelf.size == 0


def test_an_answer_between_does_not_disturb_reuse(random_gguf: Path, open_model: OpenModel) -> None:
    """Generated tokens and batches leave nothing behind that the next prompt could see."""
    model, fresh = open_model(random_gguf, n_seq_max=4), open_model(random_gguf, n_seq_max=4)
    samples = tuple(Hyperparameters(temperature=1.0, seed=seed, max_tokens=40) for seed in range(4))
    list(model.generate(GenerateRequest(samples=samples, text="a shared beginning " * 20)))
    prompt = model._weights.tokenize("a shared beginning " * 20 + "and then another end")
    cached, reused = logits(model._open(), prompt, True, 2048)
    assert reused >= CHUNK
    assert np.array_equal(cached, logits(fresh._open(), prompt, False, 2048)[0])


def test_reset_model_evaluates_everything_again(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=1),), text="word " * 100, reuse=False)
    ends = [list(model.generate(request))[-1] for _ in range(2)]
    assert [end.reused for end in ends if isinstance(end, SampleFinished)] == [0, 0]


def test_samples_of_a_batch_share_one_prompt_pass(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf, n_seq_max=8)
    samples = tuple(Hyperparameters(temperature=1.0, seed=seed, max_tokens=5) for seed in range(8))
    outputs = list(model.generate(GenerateRequest(samples=samples, text="word " * 100)))
    ends = [output for output in outputs if isinstance(output, SampleFinished)]
    assert model.evaluated == ends[0].prompt_tokens + 8 * 4
    assert sorted(end.sample for end in ends) == list(range(8))


def test_samples_that_do_not_fit_together_all_get_their_whole_answer(
    random_gguf: Path, open_model: OpenModel
) -> None:
    model = open_model(random_gguf, n_seq_max=4, n_ctx=256)
    values = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "max_tokens": 0}
    samples = tuple(Hyperparameters(seed=seed, **values) for seed in range(4))  # type: ignore[arg-type]
    outputs = list(model.generate(GenerateRequest(samples=samples, text="word " * 20)))
    ends = [output for output in outputs if isinstance(output, SampleFinished)]
    assert len(ends) == 4
    for end in ends:
        tokens = sum(isinstance(output, Token) and output.sample == end.sample for output in outputs)
        assert tokens == end.tokens
        assert end.reason == "end" or end.tokens == 256 - end.prompt_tokens


def test_another_n_ctx_makes_another_context_of_the_same_weights(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf, n_ctx=512)
    model.prepare(LoadOptions(n_ctx=300, n_threads=1))
    assert model.describe().n_ctx == 300
