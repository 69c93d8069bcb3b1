"""The sampler chain: what each knob leaves, in any order, with tail-free and grammar between."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samantha.errors import GrammarError
from samantha.hyperparameters import Hyperparameters
from samantha.models.llama.model import LlamaModel
from samantha.models.llama.samplers import SamplerChain
from samantha.models.model import GenerateRequest, SampleFinished, Token

OpenModel = Callable[..., LlamaModel]


def answer(model: LlamaModel, text: str = "hello there", **knobs: Any) -> tuple[list[int], SampleFinished]:
    values = Hyperparameters(**{"max_tokens": 24, "seed": 7, **knobs})
    outputs = list(model.generate(GenerateRequest(samples=(values,), text=text)))
    end = outputs[-1]
    assert isinstance(end, SampleFinished)
    return [output.id for output in outputs if isinstance(output, Token)], end


@pytest.mark.parametrize("knobs", [{"top_k": 1}, {"top_p": 0.0}, {"tfs_z": 0.0}, {"min_p": 1.0}])
def test_each_of_these_leaves_the_most_likely_token_whatever_the_others_say(
    random_gguf: Path, open_model: OpenModel, knobs: dict[str, float]
) -> None:
    model = open_model(random_gguf)
    greedy, _ = answer(model, temperature=0.0)
    assert answer(model, temperature=5.0, **knobs)[0] == greedy


def test_typical_p_zero_leaves_one_candidate(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    answers = {tuple(answer(model, temperature=2.0, typical_p=0.0, seed=seed)[0]) for seed in range(5)}
    assert len(answers) == 1


def test_the_same_seed_gives_the_same_tokens_and_another_one_others(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    hot = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    first, second, other = (answer(model, **hot, seed=seed)[0] for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_tail_free_restricts_to_the_candidates_of_its_definition(random_gguf: Path, open_model: OpenModel) -> None:
    from samantha.models.llama.tail_free import survivors

    logits = np.random.default_rng(3).normal(size=2048).astype(np.float32) * 3
    model = open_model(random_gguf)
    ranked = np.argsort(-logits)
    weights = np.exp(logits[ranked].astype(np.float64) - logits.max())
    allowed = set(ranked[: survivors((weights / weights.sum()).astype(np.float32), 0.97)].tolist())
    values = Hyperparameters(temperature=1.0, tfs_z=0.97, top_k=0, top_p=1.0, min_p=0.0, seed=1)
    chain = SamplerChain(model._weights.vocab, 2048, 1024, values, None)
    drawn = {chain._choose(logits) for _ in range(300)}
    chain.close()
    assert 1 < len(allowed) < 2048
    assert drawn <= allowed
    assert len(drawn) > 1


def test_samplers_act_in_the_order_given(random_gguf: Path, open_model: OpenModel) -> None:
    logits = np.full(2048, -30.0, np.float32)
    logits[:4] = [4.0, 3.9, 3.8, 0.0]
    model = open_model(random_gguf)

    def drawn(*samplers: str) -> set[int]:
        values = Hyperparameters(temperature=0.05, min_p=0.5, samplers=samplers, seed=1)  # type: ignore[arg-type]
        chain = SamplerChain(model._weights.vocab, 2048, 1024, values, None)
        found = {chain._choose(logits) for _ in range(400)}
        chain.close()
        return found

    assert drawn("min_p") == {0, 1, 2}
    assert drawn("temperature", "min_p") == {0}


def test_repeat_penalty_sees_the_prompt(random_gguf: Path, open_model: OpenModel) -> None:
    logits = np.zeros(2048, np.float32)
    logits[5], logits[6] = 3.0, 2.9
    model = open_model(random_gguf)
    values = Hyperparameters(repeat_penalty=1.5, seed=1)
    chain = SamplerChain(model._weights.vocab, 2048, 1024, values, None)
    assert chain._choose(logits) == 5
    chain.accept_prompt([5])
    assert chain._choose(logits) == 6
    chain.close()


@pytest.mark.parametrize(("last_n", "chosen"), [(2, 5), (-1, 6)])
def test_repeat_last_n_minus_one_is_the_whole_context(
    random_gguf: Path, open_model: OpenModel, last_n: int, chosen: int
) -> None:
    logits = np.zeros(2048, np.float32)
    logits[5], logits[6] = 3.0, 2.9
    model = open_model(random_gguf)
    values = Hyperparameters(repeat_penalty=1.5, repeat_last_n=last_n, seed=1)
    chain = SamplerChain(model._weights.vocab, 2048, 1024, values, None)
    chain.accept_prompt([5, *range(100, 200)])
    assert chain._choose(logits) == chosen
    chain.close()


@pytest.mark.parametrize("tail_free", [1.0, 0.9])
def test_a_grammar_is_followed(random_gguf: Path, open_model: OpenModel, tail_free: float) -> None:
    model = open_model(random_gguf)
    _, end = answer(model, temperature=1.0, tfs_z=tail_free, grammar='root ::= "yes" | "no"')
    assert end.text in ("yes", "no")
    assert end.reason == "end"


def test_a_json_schema_is_followed(random_gguf: Path, open_model: OpenModel) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    _, end = answer(open_model(random_gguf), temperature=1.0, max_tokens=200, json_schema=json.dumps(schema))
    assert isinstance(json.loads(end.text)["a"], bool)


@pytest.mark.parametrize(
    "knobs",
    [{"grammar": "root ::= ("}, {"grammar": 'start ::= "a"'}, {"json_schema": "{"}, {"json_schema": '{"type": "hat"}'},
     {"grammar": 'root ::= "a"', "json_schema": "{}"}],
)
def test_an_unusable_grammar_is_one_sentence(
    random_gguf: Path, open_model: OpenModel, knobs: dict[str, str]
) -> None:
    model = open_model(random_gguf)
    with pytest.raises(GrammarError, match=r"(?i)grammar|schema"):
        answer(model, **knobs)
    assert answer(model)[1].tokens == 24


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_is_seeded(random_gguf: Path, open_model: OpenModel, version: int) -> None:
    model = open_model(random_gguf)
    assert answer(model, mirostat=version)[0] == answer(model, mirostat=version)[0]


@pytest.mark.parametrize(
    "knobs",
    [{"xtc_probability": 1.0}, {"top_n_sigma": 0.5}, {"dynatemp_range": 0.5},
     {"typical_p": 0.3}, {"presence_penalty": 2.0}, {"frequency_penalty": 2.0}],
)
def test_every_other_knob_changes_something(random_gguf: Path, open_model: OpenModel, knobs: dict[str, float]) -> None:
    model = open_model(random_gguf)
    base = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "max_tokens": 80}
    plain = [answer(model, "ab " * 30, **base, seed=seed)[0] for seed in range(3)]
    assert plain != [answer(model, "ab " * 30, **base, **knobs, seed=seed)[0] for seed in range(3)]


def test_dry_breaks_a_loop(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    looping = answer(model, max_tokens=100)[0]
    assert len(set(looping)) < 50
    assert len(set(answer(model, max_tokens=100, dry_multiplier=5.0)[0])) > len(set(looping))
