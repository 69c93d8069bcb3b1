"""The order of steps, their seeds and their groups."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.chain import prompts, steps
from samantha.chain.chain import Chain
from samantha.chain.steps import Group


def planned(chain: Chain, seed: int = 1, most: int = 1000, batches: bool = True) -> list[Group]:
    items = prompts.parse(chain.prompts).items
    return list(itertools.islice(steps.groups(chain, items, seed, batches), most))


def shape(groups: list[Group]) -> list[tuple[int, int, str, int, str]]:
    return [(s.number, s.loop, s.model, s.response, s.item.source) for group in groups for s in group]


def test_loops_then_models_then_responses_then_prompts() -> None:
    chain = Chain(models=("a", "b"), prompts="p\nq", responses=2, loops=2, feedback_loop=True)
    expected = itertools.product((1, 2), ("a", "b"), (1, 2), ("p", "q"))
    assert shape(planned(chain)) == [
        (number, loop, model, response, prompt)
        for number, (loop, model, response, prompt) in enumerate(expected, 1)
    ]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5))
def test_groups_hold_every_step_once_with_the_same_numbers(
    loops: int, models: int, responses: int, count: int, parallel: int
) -> None:
    chain = Chain(
        models=("m",) * models, prompts="\n".join(f"p{n}" for n in range(count)), loops=loops, responses=responses,
        parallel=parallel,
    )  # fmt: skip
    alone = shape(planned(msg_replace(chain, parallel=1)))
    together = planned(chain)
    assert sorted(shape(together)) == alone
    assert all(len(group) <= parallel for group in together)
    assert all(len({(s.loop, s.visit, s.item.number) for s in group}) == 1 for group in together)
    items = prompts.parse(chain.prompts).items
    assert steps.total(chain, items) == len(alone)


def msg_replace(chain: Chain, **changes: Any) -> Chain:
    import msgspec

    return msgspec.structs.replace(chain, **changes)


@pytest.mark.parametrize(
    "chain",
    [
        Chain(prompts="p", responses=4, feedback_loop=True),
        Chain(prompts="p\n[[all:]]", responses=4),
        Chain(prompts="p\nq {{responses}}", responses=4),
        Chain(prompts="p\nq {{last}}", responses=4),
        Chain(prompts="p", responses=4, run_code=True),
        Chain(prompts="p", responses=4, parallel=1),
    ],
)
def test_steps_that_may_depend_on_another_are_alone(chain: Chain) -> None:
    assert all(len(group) == 1 for group in planned(chain))


def test_batches_can_be_turned_off() -> None:
    chain = Chain(prompts="p", responses=4)
    assert [len(group) for group in planned(chain)] == [4]
    assert [len(group) for group in planned(chain, batches=False)] == [1, 1, 1, 1]


def test_single_response_per_model_pairs_models_with_prompts() -> None:
    chain = Chain(models=("a", "b", "c"), prompts="p\nq", single_response_per_model=True, loops=5, responses=3)
    assert [(model, source) for _, _, model, _, source in shape(planned(chain))] == [("a", "p"), ("b", "q")]
    items = prompts.parse(chain.prompts).items
    assert steps.surplus(chain, items) == "More models than prompts: ignored c."
    fewer = msg_replace(chain, models=("a",))
    assert "prompt 2 (q)" in (steps.surplus(fewer, items) or "")


def test_zero_loops_never_end() -> None:
    chain = Chain(prompts="p", loops=0)
    assert len(planned(chain, most=50)) == 50
    assert steps.total(chain, prompts.parse(chain.prompts).items) is None


def test_shuffle_is_seeded_and_a_permutation_each_loop() -> None:
    chain = Chain(models=tuple("abcdef"), prompts="p", loops=20, shuffle_models=True)
    orders = [steps.order(chain, 3, loop) for loop in range(20)]
    assert all(sorted(order) == list("abcdef") for order in orders)
    assert len(set(orders)) > 5
    assert orders == [steps.order(chain, 3, loop) for loop in range(20)]


def test_every_step_has_a_seed_of_its_own_derived_from_the_runs() -> None:
    chain = Chain(prompts="p\nq", responses=20)
    seeds = [s.hyperparameters.seed for group in planned(chain, seed=5) for s in group]
    assert len(set(seeds)) == 40
    assert seeds == [s.hyperparameters.seed for group in planned(chain, seed=5) for s in group]
    assert seeds != [s.hyperparameters.seed for group in planned(chain, seed=6) for s in group]


def test_an_items_braces_win_over_random_values_and_those_over_the_pages() -> None:
    from samantha.hyperparameters import Hyperparameters

    chain = Chain(
        prompts="{temperature=3, seed=9} p\nq", random_hyperparameters=True,
        hyperparameters=Hyperparameters(temperature=4.5, top_k=7), random_ranges={"top_p": (0.5, 0.5)},
    )  # fmt: skip
    first, second = (group[0].hyperparameters for group in planned(chain))
    assert (first.temperature, first.seed) == (3.0, 9)
    assert 0.1 <= second.temperature <= 1.0
    assert first.top_p == second.top_p == 0.5
    assert first.top_k == 7
    assert first.typical_p != second.typical_p
