"""llama.cpp's samplers against the published definitions in `learning.samplers`; tail-free against one in loops here.

Every sampler gets many rows of logits and its parameter's edges. Survivors must be the same and probabilities equal to
1e-5; where float32 sums stand nearer than a stated slack to a threshold, anything between both sides of it is accepted.
Where llama.cpp does otherwise than the definition, a test of its own says so and holds the fact.
"""

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from samantha.hyperparameters import Hyperparameters
from samantha.learning import samplers
from samantha.learning.samplers import Candidates
from samantha.models.llama.model import LlamaModel
from samantha.models.llama.native import lib
from samantha.models.llama.samplers import DRY_BREAKERS, SamplerChain, _tail_free
from samantha.models.llama.trace import CANDIDATE, Recorder, candidates_of

OpenModel = Callable[..., LlamaModel]
Logits = NDArray[np.float32]


class Applied(NamedTuple):
    """What a sampler left: its finite candidates, how many entries the array has, and the id that it selected."""

    candidates: Candidates
    size: int
    selected: int


def rows(count: int = 40) -> Iterator[Logits]:
    """Logits of 1 to 32,000 candidates: normal, flat, peaked, Zipf's, with ties, with minus infinity."""
    source = np.random.default_rng(11)
    for number in range(count):
        size = (1, 2, 3, 17, 128, 129, 1000, 1025, 5000, 32000)[number % 10]
        normal = source.normal(size=size)
        kinds = [normal * 3, normal * 0.01, np.round(normal * 2), -1.2 * np.log(1 + np.arange(size)) + normal * 0.1]
        row = kinds[(number // 10) % 4].astype(np.float32)
        if number % 3 == 1:
            row[0] += 12
        if number % 7 == 5 and size > 3:
            row[1 : 1 + size // 4] = -np.inf
        yield source.permutation(row)


def applied(sampler: Any, logits: Logits, *, free: bool = True) -> Applied:
    """The sampler on these logits; entry i is token i."""
    memory = np.zeros(logits.size, CANDIDATE)
    memory["id"], memory["logit"] = np.arange(logits.size), logits
    data = ctypes.cast(memory.ctypes.data, lib.llama_token_data_p)
    array = lib.llama_token_data_array(data, logits.size, -1, False)
    lib.llama_sampler_apply(sampler, ctypes.byref(array))
    left = candidates_of(array).copy()
    if free:
        lib.llama_sampler_free(sampler)
    selected = int(left["id"][array.selected]) if array.selected >= 0 else -1
    return Applied(samplers.candidates(left["id"], left["logit"]), left.size, selected)


def raw(logits: Logits) -> Candidates:
    return samplers.candidates(np.arange(logits.size), logits)


def slack(logits: Logits) -> float:
    """How far float32 sums of these probabilities may be off: half a unit in the last place for each, in two sums."""
    return 2e-6 + 2 * float(np.minimum(samplers.probabilities(raw(logits)), 6e-8).sum())


def assert_same(found: Candidates, expected: Candidates, likeliest_cut: bool = False) -> None:
    """The same survivors, of equal logits at the cut as many, with the same probabilities."""
    assert found.ids.size == expected.ids.size
    np.testing.assert_allclose(found.logits, expected.logits, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(samplers.probabilities(found), samplers.probabilities(expected), atol=1e-5)
    clear = expected.logits > expected.logits[-1] + 1e-5
    if likeliest_cut:
        clear = expected.logits < expected.logits[0] - 1e-5
    assert set(expected.ids[clear].tolist()) <= set(found.ids.tolist())


def assert_between(
    found: Candidates, fewest: Candidates, expected: Candidates, most: Candidates, likeliest_cut: bool = False
) -> None:
    """As many survivors as the definition says, or as it says a slack to either side."""
    assert fewest.ids.size <= found.ids.size <= most.ids.size
    if fewest.ids.size == most.ids.size:
        assert_same(found, expected, likeliest_cut)


@pytest.mark.parametrize("k", [1, 2, 40, 128, 129, 1000, 40000])
def test_top_k(k: int) -> None:
    for logits in rows():
        assert_same(applied(lib.llama_sampler_init_top_k(k), logits).candidates, samplers.top_k(raw(logits), k))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 0.95, 0.999, 1.0])
def test_top_p(p: float) -> None:
    for logits in rows():
        fewest, expected, most = (samplers.top_p(raw(logits), p + side * slack(logits)) for side in (-1, 0, 1))
        found = applied(lib.llama_sampler_init_top_p(p, 1), logits).candidates
        assert_between(found, fewest, expected if p < 1 else raw(logits), most)


def test_top_p_overlooks_what_float32_loses() -> None:
    """Definition: the first of these is less than 0.995 of all. The sum in float32 never sees the others."""
    logits = np.zeros(152_000, np.float32)
    logits[0] = 17
    assert samplers.probabilities(raw(logits))[0] < 0.995
    assert samplers.top_p(raw(logits), 0.995).ids.size > 1
    assert applied(lib.llama_sampler_init_top_p(0.995, 1), logits).candidates.ids.size == 1


@pytest.mark.parametrize("p", [0.0, 1e-6, 0.01, 0.05, 0.5, 0.9, 1.0])
def test_min_p(p: float) -> None:
    for logits in rows():
        fewest, expected, most = (samplers.min_p(raw(logits), p * ratio) for ratio in (1 + 1e-5, 1, 1 - 1e-5))
        found = applied(lib.llama_sampler_init_min_p(p, 1), logits).candidates
        if p == 1:
            assert_same(found, expected)
        else:
            assert_between(found, fewest, expected, most)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 0.99, 1.0])
def test_typical_p(p: float) -> None:
    """On finite logits. The expected surprise is a float32 sum too: what it may be off blurs who is nearer to it."""
    for logits in rows():
        possible = raw(logits[np.isfinite(logits)])
        found = applied(lib.llama_sampler_init_typical(p, 1), logits[np.isfinite(logits)]).candidates
        fewest, expected, most = (samplers.typical_p(possible, p + side * slack(logits)) for side in (-1, 0, 1))
        distance = np.abs(samplers.surprisals(possible) - samplers.entropy(possible))
        near = distance.max(initial=0, where=np.isin(possible.ids, fewest.ids))
        blur = 1e-5 + 5e-7 * possible.ids.size
        sure = set(possible.ids[distance < near - 2 * blur].tolist())
        assert sure <= set(found.ids.tolist())
        if np.count_nonzero(np.abs(distance - near) < 2 * blur) == 1 and fewest.ids.size == most.ids.size and p < 1:
            assert_same(found, expected)


def test_typical_p_wants_more_than_p_where_the_paper_is_content_with_p() -> None:
    logits = np.zeros(2, np.float32)
    assert samplers.typical_p(raw(logits), 0.5).ids.size == 1
    assert applied(lib.llama_sampler_init_typical(0.5, 1), logits).candidates.ids.size == 2


def test_typical_p_is_arbitrary_where_a_candidate_is_impossible_unless_the_chain_drops_it_before() -> None:
    """0 x minus infinity is NaN in llama.cpp's expected surprise. The program's chain has a min-p before it."""
    logits = np.append(np.linspace(5, 0, 30), np.full(10, -np.inf)).astype(np.float32)
    expected = samplers.typical_p(raw(logits), 0.5)
    found = applied(lib.llama_sampler_init_typical(0.5, 1), logits)
    assert found.size != expected.ids.size
    chain = SamplerChain(None, 40, 40, Hyperparameters(samplers=("typical_p",), typical_p=0.5), None)
    assert_same(applied(chain._typical(), logits).candidates, expected)
    chain.close()


@pytest.mark.parametrize("n", [0.0, 0.5, 1.0, 2.0, 10.0])
def test_top_n_sigma(n: float) -> None:
    for logits in rows():
        found = applied(lib.llama_sampler_init_top_n_sigma(n), logits)
        of = raw(logits)
        expected = [samplers.top_n_sigma(of, n * ratio) if n else of for ratio in (1 - 1e-4, 1, 1 + 1e-4)]
        assert_between(found.candidates, *expected)
        assert found.size == logits.size, "what it removes stays in the array, at minus infinity"


@pytest.mark.parametrize("z", [0.0, 0.3, 0.9, 0.97, 0.999, 1.0])
def test_tail_free(z: float) -> None:
    """Against Bricken's definition in loops; its shares of the bend are compared with a slack of 1e-5."""
    for logits in rows(20):
        of = raw(logits[np.isfinite(logits)])
        memory = np.zeros(of.ids.size, CANDIDATE)
        memory["id"], memory["logit"] = np.arange(of.ids.size), logits[np.isfinite(logits)]
        data = ctypes.cast(memory.ctypes.data, lib.llama_token_data_p)
        array = lib.llama_token_data_array(data, of.ids.size, -1, False)
        _tail_free(array, z)
        found = {int(token) for token in candidates_of(array)["id"]}
        counts = [tail_free_by_hand(samplers.probabilities(of).tolist(), z + slack) for slack in (-1e-5, 0, 1e-5)]
        assert counts[0] <= len(found) <= counts[2] or z in (0, 1)
        if counts[0] == counts[2] or z in (0, 1):
            assert_same(samplers.candidates(list(found), logits[np.isfinite(logits)][list(found)]), of.first(counts[1]))


def tail_free_by_hand(probabilities: Sequence[float], z: float) -> int:
    """Take the second derivative, let its sizes sum to 1, keep what comes before the sum exceeds z, at least one."""
    count = len(probabilities)
    if z <= 0:
        return 1
    if z >= 1 or count <= 2:
        return count
    slopes = [probabilities[i + 1] - probabilities[i] for i in range(count - 1)]
    bends = [abs(slopes[i + 1] - slopes[i]) for i in range(count - 2)]
    total = math.fsum(bends)
    if total <= 1e-6:
        bends, total = [1.0] * len(bends), float(len(bends))
    reached = 0.0
    for index, bend in enumerate(bends):
        reached += bend / total
        if reached > z and index >= 1:
            return index
    return count


@pytest.mark.parametrize("heat", [0.0, 0.1, 0.8, 1.0, 1.7, 100.0])
def test_temperature(heat: float) -> None:
    for logits in rows():
        found = applied(lib.llama_sampler_init_temp_ext(heat, 0.0, 1.0), logits).candidates
        assert_same(found, samplers.temperature(raw(logits), heat))


def test_of_equal_logits_temperature_0_keeps_the_first() -> None:
    logits = np.array([1, 3, 3, 2], np.float32)
    assert applied(lib.llama_sampler_init_temp_ext(0.0, 0.0, 1.0), logits).candidates.ids.tolist() == [1]
    assert samplers.temperature(raw(logits), 0).ids.tolist() == [1]


@pytest.mark.parametrize(
    ("heat", "range_", "exponent"), [(1.0, 0.5, 1.0), (0.8, 0.8, 2.0), (0.0, 0.7, 0.5), (0.5, 2, 1)]
)
def test_dynamic_temperature(heat: float, range_: float, exponent: float) -> None:
    for logits in rows():
        of = raw(logits[np.isfinite(logits)])
        found = applied(lib.llama_sampler_init_temp_ext(heat, range_, exponent), logits[np.isfinite(logits)]).candidates
        expected = samplers.temperature(of, samplers.dynamic_temperature(of, heat, range_, exponent))
        np.testing.assert_allclose(samplers.probabilities(found), samplers.probabilities(expected), atol=1e-4)


def test_dynamic_temperature_counts_impossible_candidates() -> None:
    """The highest entropy is that of all entries of the array; the definition knows only candidates."""
    logits = np.array([3, 2, 1, -np.inf, -np.inf], np.float32)
    found = applied(lib.llama_sampler_init_temp_ext(1.0, 0.5, 1.0), logits).candidates
    of = raw(logits)
    counted, bare = (samplers.dynamic_temperature(of, 1.0, 0.5, 1.0, count) for count in (5, None))
    assert bare > counted + 0.05
    assert_same(found, samplers.temperature(of, counted))


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.1, 0.3, 0.5, 0.51])
@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_xtc(threshold: float, probability: float) -> None:
    """With the very draw of llama.cpp: one 32-bit number of the Mersenne twister for its seed, as a share of 2^32."""
    for seed, logits in enumerate(rows()):
        draw = int(np.random.RandomState(seed)._bit_generator.random_raw()) / 2**32
        found = applied(lib.llama_sampler_init_xtc(probability, threshold, 1, seed), logits).candidates
        # A higher threshold removes less.
        sides = [min(0.5, threshold + side * 1e-5) if 0 < threshold <= 0.5 else threshold for side in (-1, 0, 1)]
        fewest, expected, most = (samplers.xtc(raw(logits), probability, side, draw) for side in sides)
        if threshold == 0 and not np.isfinite(logits).all() and probability and draw <= probability:
            continue  # there even the impossible ones reach the threshold: see the next test
        assert_between(found, fewest, expected, most, likeliest_cut=True)


def test_xtc_without_a_threshold_leaves_an_impossible_candidate_where_there_is_one() -> None:
    found = applied(lib.llama_sampler_init_xtc(1.0, 0.0, 1, 1), np.array([2, 1, -np.inf], np.float32))
    assert (found.size, found.candidates.ids.size) == (1, 0)


@pytest.mark.parametrize(
    ("last_n", "repeat", "presence", "frequency"),
    [(64, 1.3, 0.0, 0.0), (64, 0.7, 0.0, 0.0), (5, 1.1, 0.5, 0.25), (64, 1.0, -2.0, 1.5), (0, 1.5, 1, 1), (1, 2, 0, 2)],
)
def test_penalties(last_n: int, repeat: float, presence: float, frequency: float) -> None:
    source = np.random.default_rng(2)
    for logits in rows():
        before = source.integers(0, logits.size, 20).tolist() * 2
        sampler = lib.llama_sampler_init_penalties(logits.size, last_n, repeat, frequency, presence)
        for token in before:
            lib.llama_sampler_accept(sampler, token)
        window = samplers.recent(before, last_n)
        expected = samplers.penalties(raw(logits), window, repeat, presence, frequency)
        assert_same(applied(sampler, logits).candidates, expected)


def test_minus_one_is_no_token_to_llama_cpp_and_the_whole_context_to_the_definition() -> None:
    logits = np.array([2, 1], np.float32)
    sampler = lib.llama_sampler_init_penalties(2, -1, 2.0, 0.0, 0.0)
    lib.llama_sampler_accept(sampler, 0)
    assert applied(sampler, logits).candidates.logits.tolist() == [2, 1]
    assert samplers.recent([0], -1) == [0]


@pytest.mark.parametrize(("base", "allowed", "last_n"), [(1.75, 2, 200), (1.0, 1, 200), (3.0, 4, 50), (1.75, 300, 200)])
@pytest.mark.parametrize("words", [3, 40])
def test_dry(random_gguf: Path, open_model: OpenModel, base: float, allowed: int, last_n: int, words: int) -> None:
    """With the breakers of the program: a token whose text holds one of these characters breaks a repetition."""
    model = open_model(random_gguf)
    pieces = [model._weights.piece(token, True) for token in range(2048)]
    breakers = {token for token, piece in enumerate(pieces) if any(breaker in piece for breaker in DRY_BREAKERS)}
    assert breakers
    source = np.random.default_rng(words)
    some = [*sorted(breakers)[:1], *source.permutation(2048)[: words - 1].tolist()]
    characters = (ctypes.c_char_p * len(DRY_BREAKERS))(*DRY_BREAKERS)
    penalised = 0
    for _ in range(20):
        before = [some[int(place)] for place in source.integers(0, words, 120)]
        sampler = lib.llama_sampler_init_dry(
            model._weights.vocab, 0.8, base, allowed, last_n,
            ctypes.cast(characters, ctypes.POINTER(ctypes.c_char_p)), len(DRY_BREAKERS),
        )  # fmt: skip
        for token in before:
            lib.llama_sampler_accept(sampler, token)
        amounts = samplers.dry(samplers.recent(before, last_n), 0.8, base, allowed, breakers)
        penalised += len(amounts)
        logits = source.normal(size=2048).astype(np.float32)
        assert_same(applied(sampler, logits).candidates, samplers.subtracted(raw(logits), amounts))
    assert penalised or allowed > 4 or words > 3


def test_the_choice_is_where_the_draw_falls_in_the_cumulative_distribution() -> None:
    """The draw is two 32-bit numbers of the Mersenne twister for the seed, the lower first, as a share of 2^64."""
    for seed, logits in enumerate(rows()):
        low, high = np.random.RandomState(seed)._bit_generator.random_raw(2).tolist()
        in_order = Candidates(np.arange(logits.size), logits.astype(np.float64), np.ones(logits.size))
        weights = np.exp(in_order.logits - in_order.logits.max())
        expected = int(np.searchsorted(np.cumsum(weights / weights.sum()), (low + high * 2**32) / 2**64))
        selected = applied(lib.llama_sampler_init_dist(seed), logits).selected
        near = abs(float((weights / weights.sum())[: expected + 1].sum()) - (low + high * 2**32) / 2**64) < 1e-6
        assert selected == expected or near


def test_choice_inverts_the_cumulative_distribution() -> None:
    of = raw(np.log(np.array([0.5, 0.3, 0.2], np.float32)))
    assert [samplers.choice(of, draw) for draw in (0.0, 0.49, 0.51, 0.79, 0.81, 1.0)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("tau", [1.0, 3.0, 5.0])
def test_mirostat_2(tau: float) -> None:
    """Two tokens each, so that the limit for the second shows how it follows the first one's surprise."""
    for seed, logits in enumerate(rows()):
        sampler, mu = lib.llama_sampler_init_mirostat_v2(seed, tau, 0.3), 2 * tau
        for _ in range(2):
            found = applied(sampler, logits, free=False)
            expected = samplers.mirostat_2(raw(logits), mu)
            assert_between(
                found.candidates, samplers.mirostat_2(raw(logits), mu - 1e-4), expected,
                samplers.mirostat_2(raw(logits), mu + 1e-4),
            )  # fmt: skip
            left = found.candidates
            surprise = float(samplers.surprisals(left)[left.ids == found.selected][0]) / math.log(2)
            mu = samplers.mirostat_next(mu, surprise, tau, 0.3)
        lib.llama_sampler_free(sampler)


@pytest.mark.parametrize("tau", [1.0, 3.0, 5.0])
def test_mirostat_1(tau: float) -> None:
    """On logits that fall like Zipf's law, for which it is made; k, a power in float32, may be one off."""
    source = np.random.default_rng(5)
    for seed in range(20):
        logits = (-1.3 * np.log(1 + np.arange(3000)) + source.normal(size=3000) * 0.05).astype(np.float32)
        found = applied(lib.llama_sampler_init_mirostat(3000, seed, tau, 0.1, 100), logits).candidates
        expected = samplers.mirostat_1(raw(logits), 2 * tau, 3000)
        assert abs(found.ids.size - expected.ids.size) <= 1 + expected.ids.size // 1000


def test_a_whole_chain_is_its_samplers_one_after_the_other() -> None:
    """The program's own order with all that truncates, traced, against the definitions on the same rows."""
    values = Hyperparameters(
        temperature=0.7, top_k=200, top_p=0.97, min_p=0.02, typical_p=0.98, tfs_z=0.999, top_n_sigma=3.0, seed=3
    )
    for logits in rows():
        recorder = Recorder(lambda token: b"", 1)
        chain = SamplerChain(None, logits.size, 64, values, None, recorder)
        recorder.finish(chain._choose(logits), False)
        of, left = raw(logits), []
        steps: list[Callable[[Candidates], Candidates]] = [
            lambda of: samplers.top_n_sigma(of, 3.0),
            lambda of: samplers.top_k(of, 200),
            lambda of: samplers.typical_p(of, 0.98),
            lambda of: samplers.top_p(of, 0.97),
            lambda of: samplers.tfs_z(of, 0.999),
            lambda of: samplers.min_p(of, 0.02),
            lambda of: samplers.temperature(of, 0.7),
        ]
        for step in steps:
            of = step(of)
            left.append(of.ids.size)
        chain.close()
        assert [distribution.survivors for _, distribution in recorder._stages] == pytest.approx(left, abs=1)
