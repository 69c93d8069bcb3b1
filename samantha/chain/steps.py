"""The order of a run: which model answers which prompt when, with which seed. Pure arithmetic over a chain.

Order: for each loop; for each model, in the chosen order; for each response number; for each prompt. Steps that nothing
makes depend on another are put into groups, to be generated in one batch; they keep the numbers of the order above.
"""

import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence

import msgspec

from samantha.chain.chain import Chain
from samantha.chain.prompts import PromptItem, uses_responses
from samantha.hyperparameters import Hyperparameters, changed, drawn


class Step(msgspec.Struct, frozen=True):
    """One model answering one prompt once. Numbers count from 1."""

    number: int
    loop: int
    model: str
    visit: int
    """Counts the model's turns over the whole run: a model that fails to load is tried again at its next visit."""
    response: int
    item: PromptItem
    hyperparameters: Hyperparameters
    """With the step's own seed in it."""


Group = tuple[Step, ...]


def total(chain: Chain, items: Sequence[PromptItem]) -> int | None:
    """How many steps the run has; None when it loops until stopped."""
    if chain.single_response_per_model:
        return min(len(chain.models), len(items))
    return chain.loops * len(chain.models) * chain.responses * len(items) or None


def surplus(chain: Chain, items: Sequence[PromptItem]) -> str | None:
    """With one response per model: a sentence naming the models or prompts that have no partner."""
    if not chain.single_response_per_model or len(chain.models) == len(items):
        return None
    if len(chain.models) > len(items):
        return f"More models than prompts: ignored {', '.join(chain.models[len(items):])}."
    ignored = ", ".join(f"{item.number} ({item.source[:40]})" for item in items[len(chain.models):])
    return f"More prompts than models: ignored prompt {ignored}."


def derived_seed(seed: int, purpose: str) -> int:
    """A seed from 0 to 2^32-2 for one purpose, from the run's seed, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (2**32 - 1)


def hyperparameters(chain: Chain, item: PromptItem, seed: int, number: int) -> Hyperparameters:
    """The knobs of step `number`: the page's, then random ones, then the item's braces; and the step's seed."""
    values = chain.hyperparameters
    if chain.random_hyperparameters:
        source = random.Random(derived_seed(seed, f"hyperparameters {number}"))
        values = changed(values, drawn(source, chain.random_ranges))
    values = changed(values, item.overrides)
    return values if values.seed is not None else changed(values, {"seed": derived_seed(seed, f"step {number}")})


def groups(chain: Chain, items: Sequence[PromptItem], seed: int, batches: bool = True) -> Iterator[Group]:
    """The steps of the run in the order they are executed; endless when `chain.loops` is 0.

    Args:
        batches: False puts every step into a group of its own.
    """
    size = chain.parallel if batches and independent(chain, items) else 1
    if chain.single_response_per_model:
        pairs = zip(chain.models, items, strict=False)
        yield from ((_step(chain, seed, n, 1, n, model, 1, item),) for n, (model, item) in enumerate(pairs, 1))
        return
    visits = itertools.count(1)
    first = 1
    for loop in itertools.count(1) if chain.loops == 0 else range(1, chain.loops + 1):
        for model in order(chain, seed, loop):
            yield from _visit(chain, items, seed, size, (loop, next(visits), model, first))
            first += chain.responses * len(items)


def order(chain: Chain, seed: int, loop: int) -> tuple[str, ...]:
    """The models of one loop: as chosen, or shuffled by the run's seed."""
    models = list(chain.models)
    if chain.shuffle_models:
        random.Random(derived_seed(seed, f"models {loop}")).shuffle(models)
    return tuple(models)


def independent(chain: Chain, items: Sequence[PromptItem]) -> bool:
    """Whether no step can depend on another one's answer."""
    return not (chain.feedback_loop or chain.run_code or any(map(uses_responses, items)))


def _visit(
    chain: Chain, items: Sequence[PromptItem], seed: int, size: int, place: tuple[int, int, str, int]
) -> Iterator[Group]:
    loop, visit, model, first = place
    steps = [
        [_step(chain, seed, first + (response - 1) * len(items) + index, loop, visit, model, response, item)
         for index, item in enumerate(items)]
        for response in range(1, chain.responses + 1)
    ]
    if size == 1:
        yield from ((step,) for row in steps for step in row)
        return
    for column in zip(*steps, strict=True):
        yield from (column[start : start + size] for start in range(0, len(column), size))


def _step(
    chain: Chain, seed: int, number: int, loop: int, visit: int, model: str, response: int, item: PromptItem
) -> Step:
    return Step(number, loop, model, visit, response, item, hyperparameters(chain, item, seed, number))

def with_next(groups: Iterator[Group]) -> Iterator[tuple[Group, Group | None]]:
    """Each group with the one after it."""
    before = next(groups, None)
    for group in groups:
        if before is not None:
            yield before, group
        before = group
    if before is not None:
        yield before, None
