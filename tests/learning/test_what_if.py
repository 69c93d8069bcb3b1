"""What-if against the real thing: the program's sampler chain, run with the new values on the same full logits.

A trace is recorded with one set of values; what-if sees the trace alone. Where it does not call itself approximate, its
stages, survivors and probabilities must be those that the chain gives: after the last stage within 1e-4, between the
stages, where penalised tokens beyond the best only blur the sum, within 1e-2.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from samantha.errors import TraceError
from samantha.hyperparameters import SAMPLERS, Hyperparameters
from samantha.learning.what_if import WhatIf, what_if
from samantha.models.llama.samplers import SamplerChain
from samantha.models.llama.trace import Recorder
from samantha.traces import Rest, TokenTrace

Logits = NDArray[np.float32]
WITHOUT_DRY = tuple(name for name in SAMPLERS if name != "dry")
"""DRY needs a model's vocabulary: its amounts are tested with traces that name them."""


def recorded(
    logits: Logits, values: Hyperparameters, before: Sequence[int] = (), top: int = 600
) -> tuple[int, TokenTrace]:
    """What the program's chain chooses from these logits, and its trace."""
    recorder = Recorder(lambda token: b"%d" % token, top)
    chain = SamplerChain(None, logits.size, 8192, values, None, recorder)
    chain.accept_prompt(before)
    token = chain._choose(logits)
    chain.close()
    return token, recorder.finish(token, False)


def zipf(count: int, seed: int = 0) -> Logits:
    """Logits as a language model has them: a few likely tokens and a long tail."""
    source = np.random.default_rng(seed)
    logits = -1.3 * np.log(np.arange(1, count + 1)) + source.normal(size=count) * 0.3 + 8
    return source.permutation(logits.astype(np.float32))


def assert_as_recorded(found: WhatIf, real: TokenTrace) -> None:
    assert [stage.name for stage in found.stages] == [stage.name for stage in real.stages]
    if found.approximate:
        return
    assert [stage.survivors for stage in found.stages] == [stage.survivors for stage in real.stages]
    known = {candidate.id: candidate for candidate in real.candidates}
    for candidate in found.candidates:
        if candidate.id not in known:
            continue
        assert candidate.rank == known[candidate.id].rank
        assert candidate.probability == pytest.approx(known[candidate.id].probability, abs=1e-6)
        pairs = list(zip(candidate.after, known[candidate.id].after, strict=True))
        assert [one is None for one, _ in pairs] == [other is None for _, other in pairs]
        for place, (one, other) in enumerate(pairs):
            within = 1e-4 if place == len(pairs) - 1 else 1e-2
            assert one is None or other is None or abs(one - other) <= within


def assert_sound(found: WhatIf) -> None:
    """No NaN anywhere, probabilities and shares that are some, a choice that can have come."""
    for stage in found.stages:
        assert stage.survivors >= 0
        assert math.isfinite(stage.entropy)
    for candidate in found.candidates:
        assert all(value is None or 0 <= value <= 1 + 1e-9 for value in (candidate.probability, *candidate.after))
    assert sum(share for _, share in found.shares) == pytest.approx(1, abs=1e-6)
    assert all(0 < share <= 1 + 1e-9 for _, share in found.shares)
    assert found.choice == found.shares[0][0]
    assert msgspec.json.decode(msgspec.json.encode(found), type=WhatIf) == found


@st.composite
def settings_of(draw: st.DrawFn) -> Hyperparameters:
    """Any samplers in any order, with values that truncate a little, a lot, and not at all."""
    names = draw(st.permutations(WITHOUT_DRY))
    names = names[: draw(st.integers(0, len(names)))] if draw(st.booleans()) else list(WITHOUT_DRY)
    choices: dict[str, tuple[float, ...]] = {
        "temperature": (0.0, 0.3, 0.8, 1.0, 1.7, 5.0), "top_k": (0, 1, 5, 40, 200, 600, 5000),
        "top_p": (0.0, 0.5, 0.95, 0.999, 1.0), "min_p": (0.0, 0.001, 0.05, 0.5, 1.0), "typical_p": (0.0, 0.2, 0.9, 1.0),
        "tfs_z": (0.0, 0.5, 0.97, 1.0, 2.0), "top_n_sigma": (-1.0, 0.5, 1.0, 3.0), "presence_penalty": (-0.5, 0.0, 0.6),
        "frequency_penalty": (-0.2, 0.0, 0.4), "repeat_penalty": (0.8, 1.0, 1.2), "repeat_last_n": (-1, 0, 16),
        "xtc_probability": (0.0, 1.0), "xtc_threshold": (0.02, 0.1, 0.5, 0.8), "dynatemp_range": (0.0, 0.4, 2.0),
    }  # fmt: skip
    drawn: dict[str, Any] = {name: draw(st.sampled_from(values)) for name, values in choices.items()}
    return Hyperparameters(samplers=tuple(names), seed=draw(st.integers(0, 2**32 - 2)), **drawn)


@st.composite
def rows(draw: st.DrawFn) -> Logits:
    """Rows of logits around and beyond the best 512: steep, flat, with ties, with minus infinity."""
    source = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.sampled_from((1, 2, 3, 30, 511, 512, 513, 514, 700, 3000)))
    normal = source.normal(size=count)
    kinds = {"normal": normal * 3 - 2, "flat": normal * 0.05, "ties": np.round(normal * 3), "zipf": zipf(count)}
    logits = kinds[draw(st.sampled_from(sorted(kinds)))].astype(np.float32)
    if draw(st.booleans()):
        logits[0] += 10
    if count > 3 and draw(st.integers(0, 9)) == 0:
        logits[1 : 1 + count // 3] = -np.inf
    return source.permutation(logits)


@settings(max_examples=300)
@given(rows(), settings_of(), settings_of(), st.integers(0, 2**32), st.sampled_from((0, 3, 60)))
def test_it_says_what_the_chain_does(
    logits: Logits, first: Hyperparameters, then: Hyperparameters, seed: int, count: int
) -> None:
    before = np.random.default_rng(seed).integers(0, logits.size, count).tolist() + np.argsort(-logits)[:count].tolist()
    token, trace = recorded(logits, first, before)
    found = what_if(trace, token, first, then, before, top=600)
    assert_sound(found)
    assert_as_recorded(found, recorded(logits, then, before)[1])


@settings(max_examples=100)
@given(rows(), settings_of(), st.integers(0, 2**32))
def test_unchanged_values_give_the_recorded_token(logits: Logits, values: Hyperparameters, seed: int) -> None:
    before = np.random.default_rng(seed).integers(0, logits.size, 20).tolist()
    token, trace = recorded(logits, values, before)
    elsewhere = msgspec.structs.replace(values, seed=1, max_tokens=5, n_threads=2)
    for same in (values, elsewhere):
        found = what_if(trace, token, values, same, before)
        assert found.shares == ((token, 1.0),)
        assert found.certain
        assert found.same_luck


@settings(max_examples=60)
@given(rows(), settings_of(), st.integers(0, 2**32))
def test_the_recorded_draw_is_found_again_where_nothing_is_skipped(
    logits: Logits, values: Hyperparameters, seed: int
) -> None:
    """A change without effect on the candidates goes the whole way of the luck, and comes to the same token."""
    before = np.random.default_rng(seed).integers(0, logits.size, 20).tolist()
    token, trace = recorded(logits, values, before)
    without_effect = msgspec.structs.replace(values, mirostat_tau=values.mirostat_tau + 1)
    found = what_if(trace, token, values, without_effect, before)
    if found.same_luck:
        assert found.choice == token or found.approximate
        assert found.shares[0][1] == pytest.approx(1, abs=1e-6) or found.approximate


DEFAULTS = {"temperature": 0.8, "repeat_penalty": 1.1}
NOT_APPROXIMATE: list[dict[str, Any]] = [
    {}, {"temperature": 0.0}, {"temperature": 2.0}, {"top_k": 1}, {"top_k": 500}, {"top_k": 0, "top_p": 0.5},
    {"top_k": 0, "top_p": 1.0, "min_p": 0.05}, {"top_n_sigma": 4.5, "repeat_penalty": 1.0}, {"typical_p": 0.7},
    {"tfs_z": 0.95}, {"xtc_probability": 1.0}, {"repeat_penalty": 1.5, "repeat_last_n": -1}, {"dynatemp_range": 0.5},
    {"samplers": ("temperature", "top_k")}, {"samplers": ()},
]  # fmt: skip


@pytest.mark.parametrize("change", NOT_APPROXIMATE)
def test_the_usual_questions_are_answered_exactly(change: dict[str, Any]) -> None:
    """So that the comparison above is not empty: 32,000 tokens, of which the trace names 512."""
    logits = zipf(32_000)
    before = [*np.argsort(-logits)[:5].tolist(), *range(100)]
    first = Hyperparameters(**DEFAULTS, seed=5)
    then = Hyperparameters(**{**DEFAULTS, **change, "seed": 5})
    token, trace = recorded(logits, first, before)
    found = what_if(trace, token, first, then, before, top=600)
    assert found.left_out == ()
    assert_as_recorded(found, recorded(logits, then, before)[1])


BEYOND: list[dict[str, Any]] = [
    {"top_k": 0, "top_p": 0.999, "min_p": 0.0}, {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "temperature": 2.0},
    {"top_k": 2000, "top_p": 1.0, "min_p": 0.0}, {"top_k": 0, "top_p": 1.0, "min_p": 1e-5},
    {"top_n_sigma": 7.0, "top_k": 0}, {"top_k": 0, "typical_p": 0.99, "top_p": 1.0, "min_p": 0.0},
]  # fmt: skip


@pytest.mark.parametrize("change", BEYOND)
def test_beyond_the_best_it_says_so_and_estimates(change: dict[str, Any]) -> None:
    """The likeliest token's probability within a fifth of itself, the survivors within half an order of magnitude."""
    logits = zipf(32_000)
    first, then = Hyperparameters(temperature=0.8, seed=5), Hyperparameters(**{"temperature": 0.8, "seed": 5, **change})
    token, trace = recorded(logits, first)
    found = what_if(trace, token, first, then, ())
    assert "beyond_best" in found.left_out
    assert found.approximate
    real = recorded(logits, then)[1]
    assert found.candidates[0].after[-1] == pytest.approx(real.candidates[0].after[-1], rel=0.2)
    for estimate, stage in zip(found.stages, real.stages, strict=True):
        assert 0.3 < estimate.survivors / stage.survivors < 3.3


def test_it_names_the_stage_that_removed_a_candidate() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.12, 0.06, 0.02], np.float32))
    values = Hyperparameters(temperature=1.0, top_k=4, top_p=0.9, min_p=0.3)
    token, trace = recorded(logits, Hyperparameters(temperature=1.0, seed=1))
    found = what_if(trace, token, Hyperparameters(temperature=1.0, seed=1), values, ())
    assert [found.removed_by(candidate) for candidate in found.candidates] == ["", "", "min_p", "top_p", "top_k"]
    assert [candidate.piece for candidate in found.candidates] == [b"0", b"1", b"2", b"3", b"4"]


def drawn(logits: Logits, values: Hyperparameters, wanted: int) -> tuple[Hyperparameters, TokenTrace]:
    """The first seed with which the chain chooses `wanted`."""
    for seed in range(1000):
        seeded = msgspec.structs.replace(values, seed=seed)
        token, trace = recorded(logits, seeded)
        if token == wanted:
            return seeded, trace
    raise AssertionError(f"no seed chooses {wanted}")


def test_the_same_luck_falls_on_what_now_stands_there() -> None:
    """0.5 | 0.3 | 0.2: the draw for token 1 fell between 0.5 and 0.8. With 0.6 | 0.4 a third of that is token 0's."""
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    plain = Hyperparameters(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
    values, trace = drawn(logits, plain, 1)
    two = msgspec.structs.replace(values, samplers=("min_p", "temperature"), min_p=0.5)
    found = what_if(trace, 1, values, two, ())
    assert found.shares == (
        (1, pytest.approx((0.8 - 0.625) / 0.3, abs=1e-4)),
        (0, pytest.approx(0.125 / 0.3, abs=1e-4)),
    )
    assert found.same_luck
    assert not found.certain


def test_one_survivor_is_certain_and_after_no_draw_every_token_can_come() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    hot = Hyperparameters(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
    cold = msgspec.structs.replace(hot, temperature=0.0)
    values, trace = drawn(logits, hot, 2)
    assert what_if(trace, 2, values, cold, ()).shares == ((0, 1.0),)
    token, trace = recorded(logits, cold)
    found = what_if(trace, token, cold, hot, ())
    assert [number for number, _ in found.shares] == [0, 1, 2]
    assert [share for _, share in found.shares] == pytest.approx([0.5, 0.3, 0.2], abs=1e-6)


def test_a_forced_token_had_no_luck() -> None:
    logits = zipf(700)
    values = Hyperparameters(temperature=1.0, seed=1)
    _, trace = recorded(logits, values)
    unlikely = int(np.argsort(-logits)[650])
    forced = msgspec.structs.replace(trace, forced=True, rank=651, logit=float(logits[unlikely]))
    found = what_if(forced, unlikely, values, values, ())
    assert not found.same_luck
    assert found.choice == int(np.argmax(logits))
    assert len(found.shares) == found.stages[-1].survivors
    assert unlikely in [candidate.id for candidate in found.candidates]
    assert found.left_out == ()


def test_the_chosen_token_is_known_even_beyond_the_best() -> None:
    logits = (np.random.default_rng(4).normal(size=5000) * 0.3).astype(np.float32)
    hot = Hyperparameters(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
    for seed in range(20):
        values = msgspec.structs.replace(hot, seed=seed)
        token, trace = recorded(logits, values, top=10)
        if trace.rank > 512:
            break
    cooler = msgspec.structs.replace(values, temperature=0.9)
    found = what_if(trace, token, values, cooler, ())
    own = next(candidate for candidate in found.candidates if candidate.id == token)
    assert own.rank == trace.rank > 512
    assert own.probability == pytest.approx(trace.probability, rel=1e-4)
    assert own.after[0] == pytest.approx(recorded(logits, cooler)[1].probability, rel=2)
    assert "beyond_best" in found.left_out


@pytest.mark.parametrize("values", [{}, {"temperature": 2.0, "top_k": 0}, {"typical_p": 0.5, "tfs_z": 0.5}])
def test_a_vocabulary_of_one(values: dict[str, float]) -> None:
    token, trace = recorded(np.array([3.0], np.float32), Hyperparameters())
    found = what_if(trace, token, Hyperparameters(), Hyperparameters(**values), (0, 0))
    assert_sound(found)
    assert (found.choice, found.certain, found.approximate) == (0, True, False)


def test_a_trace_without_any_possible_token_gives_the_recorded_one() -> None:
    nothing = TokenTrace(1, None, 0.0, 0.0, (), (), b"\0\0\0\0", np.array([-np.inf], "<f4").tobytes())
    found = what_if(nothing, 0, Hyperparameters(), Hyperparameters(temperature=1.0, typical_p=0.5, tfs_z=0.5), ())
    assert found.choice == 0
    assert all(stage.survivors == 0 for stage in found.stages)


def test_a_trace_without_logits_is_refused_in_a_sentence() -> None:
    bare = TokenTrace(1, 0.0, 1.0, 0.0, (), (), rest=Rest(0))
    with pytest.raises(TraceError, match="trace the answer anew"):
        what_if(bare, 0, Hyperparameters(), Hyperparameters(), ())


HOT = Hyperparameters(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=3)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"mirostat": 2}, ("mirostat",)), ({"xtc_probability": 0.5, "mirostat": 1}, ("mirostat",)),
        ({"grammar": 'root ::= "a"'}, ("grammar",)), ({"json_schema": "{}"}, ("grammar",)),
        ({"xtc_probability": 0.5}, ("xtc",)), ({"xtc_probability": 1.0}, ()),
        ({"dry_multiplier": 0.8}, ("dry",)), ({"dry_multiplier": 0.8, "samplers": ("top_k", "temperature")}, ()),
    ],
)  # fmt: skip
def test_what_is_left_out_is_said_in_codes(change: dict[str, Any], codes: tuple[str, ...]) -> None:
    logits = zipf(300)
    token, trace = recorded(logits, HOT)
    found = what_if(trace, token, HOT, msgspec.structs.replace(HOT, **change), (1, 2, 3, 1, 2))
    assert found.left_out == codes
    assert found.approximate is bool(codes)
    assert_sound(found)


@pytest.mark.parametrize(("count", "codes"), [(500, ()), (700, ("beyond_best",))])
def test_dynamic_temperature_wants_to_know_how_many_tokens_are_impossible(count: int, codes: tuple[str, ...]) -> None:
    logits = zipf(count)
    logits[: count - 300] = -np.inf
    token, trace = recorded(logits, HOT)
    then = msgspec.structs.replace(HOT, dynatemp_range=0.5)
    found = what_if(trace, token, HOT, then, ())
    assert found.left_out == codes
    assert_as_recorded(found, recorded(logits, then)[1])


def test_two_equal_logits_are_a_tie_where_only_one_can_stay() -> None:
    logits = np.array([3, 3, 1, 0], np.float32)
    token, trace = recorded(logits, HOT)
    assert what_if(trace, token, HOT, msgspec.structs.replace(HOT, top_k=1), ()).left_out == ("tie",)
    assert what_if(trace, token, HOT, msgspec.structs.replace(HOT, top_k=2), ()).left_out == ()


@pytest.mark.parametrize("probability", [0.2, 0.5, 0.9])
def test_whether_xtc_acts_follows_from_whether_it_did(probability: float) -> None:
    """Half of the seeds let it act at 0.5. What acted acts at 0.9 too; what did not does not at 0.2."""
    logits = zipf(300)
    then = msgspec.structs.replace(HOT, xtc_probability=probability, xtc_threshold=0.05)
    seen = set()
    for seed in range(12):
        first = msgspec.structs.replace(HOT, xtc_probability=0.5, seed=seed)
        token, trace = recorded(logits, first)
        acted = trace.stages[0].survivors < 300
        found = what_if(trace, token, first, msgspec.structs.replace(then, seed=seed), ())
        known = probability == 0.5 or acted is (probability == 0.9)
        assert found.left_out == (() if known else ("xtc",))
        if known:
            assert (found.stages[0].survivors < 300) is acted
            assert_as_recorded(found, recorded(logits, msgspec.structs.replace(then, seed=seed))[1])
        seen.add(acted)
    assert seen == {True, False}


def dry_trace(first: Hyperparameters) -> tuple[TokenTrace, dict[int, float]]:
    """Logits 0 to 9; DRY took from 7 for a repetition of 3 tokens and from 8 for one of 5."""
    logits = np.arange(10).astype(np.float32)
    _, trace = recorded(logits, msgspec.structs.replace(HOT, temperature=1.0))
    lengths = {7: 3, 8: 5}
    amounts = {
        token: first.dry_multiplier * first.dry_base ** (length - first.dry_allowed_length)
        for token, length in lengths.items()
    }
    return msgspec.structs.replace(trace, dry=tuple(amounts.items())), amounts


@pytest.mark.parametrize(
    ("change", "amounts"),
    [
        ({"temperature": 2.0}, {7: 0.8 * 1.75, 8: 0.8 * 1.75**3}),
        ({"dry_multiplier": 1.6}, {7: 1.6 * 1.75, 8: 1.6 * 1.75**3}),
        ({"dry_base": 1.2}, {7: 0.8 * 1.2, 8: 0.8 * 1.2**3}),
        ({"dry_allowed_length": 4}, {8: 0.8 * 1.75}),
        ({"dry_multiplier": 0.0}, {}),
    ],
)
def test_dry_follows_from_what_it_took(change: dict[str, float], amounts: dict[int, float]) -> None:
    first = msgspec.structs.replace(HOT, dry_multiplier=0.8)
    trace, _ = dry_trace(first)
    then = msgspec.structs.replace(first, **change)
    found = what_if(trace, 9, first, then, (), top=10)
    assert found.left_out == ()
    logits = {token: (token - amounts.get(token, 0.0)) / then.temperature for token in range(10)}
    total = sum(math.exp(logit) for logit in logits.values())
    by_id = {candidate.id: candidate.after for candidate in found.candidates}
    if found.stages:
        assert all(by_id[token][-1] == pytest.approx(math.exp(logits[token]) / total) for token in range(10))
    assert [stage.name for stage in found.stages][:1] == (["dry"] if amounts else [])


@pytest.mark.parametrize("change", [{"dry_allowed_length": 1}, {"repeat_last_n": 10}])
def test_where_dry_could_take_from_others_it_says_so(change: dict[str, float]) -> None:
    first = msgspec.structs.replace(HOT, dry_multiplier=0.8)
    trace, _ = dry_trace(first)
    found = what_if(trace, 9, first, msgspec.structs.replace(first, **change), (1, 2, 9, 5, 1, 2))
    assert found.left_out == ("dry",)
    assert_sound(found)


def test_dry_behind_a_sampler_that_truncates_is_not_wholly_recorded() -> None:
    first = msgspec.structs.replace(HOT, dry_multiplier=0.8, top_k=5, samplers=("top_k", "dry", "temperature"))
    trace, _ = dry_trace(first)
    found = what_if(trace, 9, first, msgspec.structs.replace(first, temperature=2.0), ())
    assert found.left_out == ("dry",)


def test_equally_likely_tokens_of_which_typical_sampling_keeps_one_are_a_tie() -> None:
    """Which of them llama.cpp keeps depends on how its sort happens to leave them."""
    logits = np.array([2, 7, 4, 3, 7, 5, 0, -1], np.float32)
    plain, typical = Hyperparameters(temperature=1.0), Hyperparameters(temperature=1.0, top_k=2, typical_p=0.0)
    token, trace = recorded(logits, plain)
    assert "tie" in what_if(trace, token, plain, typical, ()).left_out
