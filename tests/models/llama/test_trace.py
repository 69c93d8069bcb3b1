"""Traces: the same tokens as without, and what is said of the candidates is what the samplers left."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samantha.errors import GrammarError, ModelError
from samantha.hyperparameters import SAMPLERS, Hyperparameters, seed_after
from samantha.models.llama.model import LlamaModel
from samantha.models.llama.trace import Distribution, _rest, best_ids
from samantha.models.model import Adjusted, GenerateRequest, Output, PromptProgress, SampleFinished, Token
from samantha.traces import BEST, Rest, TokenTrace

OpenModel = Callable[..., LlamaModel]
HOT = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def outputs(model: LlamaModel, trace: int = 0, text: str = "hello there", **knobs: Any) -> list[Output]:
    request = {name: knobs.pop(name) for name in ("prefix", "force") if name in knobs}
    values = Hyperparameters(**{"max_tokens": 24, "seed": 7, **knobs})
    return list(model.generate(GenerateRequest(samples=(values,), text=text, trace=trace, window=1, **request)))


def tokens(found: list[Output]) -> list[Token]:
    return [output for output in found if isinstance(output, Token)]


def trace_of(token: Token) -> TokenTrace:
    assert token.trace is not None
    return token.trace


def drawn_knobs(source: random.Random) -> dict[str, Any]:
    """Any samplers in any order with any values."""
    names = list(SAMPLERS)
    source.shuffle(names)
    mirostat = source.choice((0, 0, 0, 0, 1, 2))
    return {
        "samplers": tuple(names[: source.randint(1, len(names))]),
        "temperature": source.choice((0.0, 0.5, 1.0, 1.7)),
        "top_k": source.choice((0, 1, 5, 40)),
        "top_p": source.choice((0.0, 0.5, 0.95, 1.0)),
        "min_p": source.choice((0.0, 0.05, 0.5, 1.0)),
        "typical_p": source.choice((0.2, 0.9, 1.0)),
        "tfs_z": source.choice((0.5, 0.97, 1.0)),
        "top_n_sigma": source.choice((-1.0, 1.0, 2.5)),
        "presence_penalty": source.choice((0.0, 0.6)),
        "frequency_penalty": source.choice((0.0, 0.4)),
        "repeat_penalty": source.choice((1.0, 1.2)),
        "repeat_last_n": source.choice((-1, 0, 16)),
        "xtc_probability": source.choice((0.0, 0.5)),
        "dry_multiplier": source.choice((0.0, 0.8)),
        "dynatemp_range": source.choice((0.0, 0.4)),
        "mirostat": mirostat,
        "seed": source.randrange(2**32 - 1),
    }


def test_ten_thousand_tokens_are_the_same_with_and_without_trace(tiny_gguf: Path, open_model: OpenModel) -> None:
    source = random.Random(5)
    model = open_model(tiny_gguf)
    compared = 0
    while compared < 10_000:
        knobs = drawn_knobs(source) | {"max_tokens": 60}
        text = source.choice(("Once upon a time", "The sea", "Two plus two is", "import numpy as np\n"))
        plain, traced = (tokens(outputs(model, trace, text, **knobs)) for trace in (0, 10))
        assert [token.id for token in plain] == [token.id for token in traced], knobs
        assert all(token.trace is None for token in plain)
        assert all(token.trace is not None for token in traced)
        compared += len(traced)


def test_a_grammar_that_intervenes_is_a_stage_and_changes_nothing_else(tiny_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(tiny_gguf)
    knobs = HOT | {"grammar": 'root ::= "no " [a-z]+ "!"', "max_tokens": 12}
    plain, traced = (tokens(outputs(model, trace, **knobs)) for trace in (0, 10))
    assert [token.id for token in plain] == [token.id for token in traced]
    stages = [trace_of(token).stages for token in traced]
    masked = [found for found in stages if found and found[0].name == "grammar"]
    assert masked
    assert all(found[0].survivors < model.describe().n_vocab for found in masked)


def test_the_numbers_are_those_of_the_raw_logits(random_gguf: Path, open_model: OpenModel) -> None:
    """Against the softmax in double precision of what llama.cpp computed for the same prompt."""
    model = open_model(random_gguf)
    first = tokens(outputs(model, 5, max_tokens=1, **HOT))[0]
    trace = trace_of(first)
    ids, logits = np.frombuffer(trace.ids, "<i4"), np.frombuffer(trace.logits, "<f4")
    assert ids.size == logits.size == BEST
    assert (np.diff(logits) <= 0).all()
    assert trace.rest.count == 2048 - BEST
    assert trace.rest.log_sum_exp is not None
    total = np.logaddexp(np.logaddexp.reduce(logits.astype(np.float64)), trace.rest.log_sum_exp)
    for place, candidate in enumerate(trace.candidates[:5]):
        assert candidate.id == ids[place]
        assert candidate.logit == pytest.approx(float(logits[place]))
        assert candidate.probability == pytest.approx(math.exp(logits[place] - total), rel=1e-4)
        assert candidate.rank == place + 1
    chosen = trace.candidates[-1] if trace.rank > 5 else trace.candidates[trace.rank - 1]
    assert chosen.id == first.id
    assert trace.probability == chosen.probability
    assert 0 < trace.entropy <= math.log2(2048)
    assert trace.surprisal == pytest.approx(-math.log2(trace.probability))


def test_what_each_sampler_did_is_seen(tiny_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(tiny_gguf)
    knobs = {"temperature": 0.7, "top_k": 30, "top_p": 0.8, "min_p": 0.05, "repeat_penalty": 1.3}
    for token in tokens(outputs(model, 10, "Once upon a time there was", **knobs)):
        trace = trace_of(token)
        assert [stage.name for stage in trace.stages] == ["penalties", "top_k", "top_p", "min_p", "temperature"]
        counts = [stage.survivors for stage in trace.stages]
        assert counts == sorted(counts, reverse=True)
        assert counts[1] == 30
        for candidate in trace.candidates:
            gone = [place for place, value in enumerate(candidate.after) if value is None]
            assert gone == list(range(gone[0], 5)) if gone else True
        last = [candidate.after[-1] for candidate in trace.candidates]
        assert token.id in [candidate.id for candidate, value in zip(trace.candidates, last, strict=True) if value]
        if counts[-1] <= 5:
            assert sum(value or 0 for value in last) == pytest.approx(1, abs=1e-3)


def test_temperature_zero_leaves_one_candidate_with_probability_one(tiny_gguf: Path, open_model: OpenModel) -> None:
    for token in tokens(outputs(open_model(tiny_gguf), 3, temperature=0.0)):
        trace = trace_of(token)
        assert trace.stages[-1].survivors == 1
        after = {candidate.id: candidate.after[-1] for candidate in trace.candidates}
        assert after.pop(token.id) == pytest.approx(1)
        assert set(after.values()) <= {None}


def test_a_branch_with_the_same_token_is_the_same_answer_when_nothing_is_drawn(
    tiny_gguf: Path, open_model: OpenModel
) -> None:
    model = open_model(tiny_gguf)
    whole = [token.id for token in tokens(outputs(model, 5, "Once upon a time", max_tokens=60))]
    for position in (0, 1, 30, len(whole) - 1):
        again = outputs(
            model, 5, "Once upon a time", max_tokens=60, prefix=tuple(whole[:position]), force=whole[position]
        )
        assert [token.id for token in tokens(again)] == whole[position:]
        assert trace_of(tokens(again)[0]).forced
        assert isinstance(again[-1], SampleFinished)
        assert again[-1].tokens == len(whole) - position


@pytest.mark.parametrize("traced", [0, 5])
def test_a_branch_is_the_same_with_and_without_what_was_evaluated(
    random_gguf: Path, open_model: OpenModel, traced: int
) -> None:
    """Logits are bit-identical: the answer's tokens are evaluated one by one in both cases."""
    used, fresh = open_model(random_gguf), open_model(random_gguf)
    knobs = HOT | {"max_tokens": 60}
    whole = [token.id for token in tokens(outputs(used, traced, "word " * 150, **knobs))]
    branch = {"prefix": tuple(whole[:20]), "force": 77}
    one, two = (tokens(outputs(model, traced, "word " * 150, **knobs, **branch)) for model in (used, fresh))
    assert [token.id for token in one] == [token.id for token in two]
    assert [token.trace for token in one] == [token.trace for token in two]
    assert one[0].id == 77


def test_a_branch_from_token_500_evaluates_no_prompt_chunk_again(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    knobs = HOT | {"max_tokens": 520}
    first = outputs(model, 5, "word " * 150, **knobs)
    whole = [token.id for token in tokens(first)]
    assert len(whole) == 520
    before = model.evaluated
    again = outputs(model, 5, "word " * 150, prefix=tuple(whole[:500]), force=3, **(knobs | {"max_tokens": 501}))
    assert model.evaluated - before == 1
    progress = [output for output in again if isinstance(output, PromptProgress)]
    assert progress[0].reused >= 499 + 150


def test_hyperparameters_change_from_the_next_token_on(tiny_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(tiny_gguf)
    values = Hyperparameters(max_tokens=12, seed=7)
    found = []
    for output in model.generate(GenerateRequest((values,), text="Once upon a time", trace=3, window=1)):
        found.append(output)
        if len(tokens(found)) == 5 and isinstance(output, Token):
            model.adjust(Hyperparameters(max_tokens=12, temperature=1.5, top_k=7, seed=99))
    adjusted = [output for output in found if isinstance(output, Adjusted)]
    assert [(one.position, one.values.temperature, one.values.seed) for one in adjusted] == [(5, 1.5, 7)]
    names = [[stage.name for stage in trace_of(token).stages] for token in tokens(found)]
    assert names[:5] == [["top_k", "top_p", "min_p", "temperature"]] * 5
    counts = [trace_of(token).stages[0].survivors for token in tokens(found)]
    assert counts == [40] * 5 + [7] * 7
    alone = outputs(
        model, 3, "Once upon a time", max_tokens=12, temperature=1.5, top_k=7,
        prefix=tuple(token.id for token in tokens(found)[:5]),
    )  # fmt: skip
    assert [token.id for token in tokens(alone)] == [token.id for token in tokens(found)[5:]]


def test_a_new_beginning_draws_other_numbers() -> None:
    assert seed_after(7, 0) == 7
    assert len({seed_after(7, position) for position in range(5000)}) == 5000
    assert all(0 <= seed_after(2**32 - 2, position) < 2**32 - 1 for position in range(1000))


@pytest.mark.parametrize(("given", "named"), [({"force": 2048}, "2048"), ({"prefix": (5, -1)}, "-1")])
def test_a_token_outside_the_vocabulary_is_refused(
    random_gguf: Path, open_model: OpenModel, given: dict[str, Any], named: str
) -> None:
    model = open_model(random_gguf)
    with pytest.raises(ModelError, match=f"no token {named}: .* 0 to 2047"):
        outputs(model, 5, **given)
    assert tokens(outputs(model, 5))


def test_a_forced_token_that_the_grammar_forbids_is_refused(tiny_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(tiny_gguf)
    (wrong,) = [token for token, piece in model.tokenize("x") if piece == b"x"]
    with pytest.raises(GrammarError, match="does not allow token"):
        outputs(model, 5, grammar='root ::= "yes" | "no"', force=wrong)
    with pytest.raises(GrammarError, match="does not allow token"):
        outputs(model, 0, grammar='root ::= "yes" | "no"', prefix=(wrong,))


@pytest.mark.parametrize("traced", [0, 5])
def test_logits_that_are_no_numbers_are_refused(tmp_path: Path, open_model: OpenModel, traced: int) -> None:
    from benchmarks import random_model

    path = tmp_path / "broken.gguf"
    random_model.write(path, layers=1, width=128, words=2048, norm_weight=float("nan"))
    with pytest.raises(ModelError, match="no number"):
        outputs(open_model(path), traced)


def test_a_forced_token_is_traced_and_named_even_when_it_is_most_unlikely(
    random_gguf: Path, open_model: OpenModel
) -> None:
    model = open_model(random_gguf)
    ranks = []
    for token in (3, 900, 2047):
        trace = trace_of(tokens(outputs(model, 5, force=token, max_tokens=2))[0])
        assert trace.candidates[-1].id == token or trace.rank <= 5
        assert trace.forced
        ranks.append(trace.rank)
    assert max(ranks) > 5


@pytest.mark.parametrize("size", [5, 511, 512, 513, 600, 3000, 40_000])
@pytest.mark.parametrize("kind", ["smooth", "ties", "ruled out", "steep"])
def test_the_best_and_the_rest_are_those_of_a_plain_computation(size: int, kind: str) -> None:
    source = np.random.default_rng(size)
    logits = (source.normal(size=size) * (20 if kind == "steep" else 3) - 5).astype(np.float32)
    if kind == "ties":
        logits = np.round(logits)
    if kind == "ruled out":
        logits[source.random(size) < 0.4] = -np.inf
    best = best_ids(logits, min(BEST, size))
    assert best.tolist() == np.lexsort((np.arange(size), -logits))[: min(BEST, size)].tolist()
    left = np.isfinite(logits)
    left[best] = False
    values = logits[left].astype(np.float64)
    rest = _rest(Distribution(None, logits), best)
    if not values.size:
        assert rest == Rest(0)
        return
    assert rest.count == values.size
    assert rest.maximum == values.max()
    assert rest.mean == pytest.approx(values.mean(), abs=1e-6)
    assert rest.deviation == pytest.approx(values.std(), abs=1e-5)
    total = values.max() + math.log(np.exp(values - values.max()).sum())
    assert rest.log_sum_exp is None or rest.log_sum_exp == pytest.approx(total, abs=1e-3)
    assert rest.log_sum_exp is not None or values.max() < logits.max() - 80
