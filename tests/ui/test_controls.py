"""Fields and settings become a chain and back; every mistake says beside which field it belongs."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.chain.chain import Chain, Example
from samantha.hyperparameters import KNOBS, PRESETS, Hyperparameters
from samantha.models.model import PromptFormat
from samantha.ui import controls
from samantha.ui.controls import FieldError, Fields, chain_of, panel, stop_strings, variables


def fields(chain: Chain) -> Fields:
    return Fields(
        system=chain.system, previous=chain.previous_response, prompts=chain.prompts, feedback=chain.feedback_loop,
        models=chain.models, responses=chain.responses, loops=chain.loops,
    )  # fmt: skip


def through_the_page(chain: Chain) -> Chain:
    """The chain put into the page and read from it again, as JSON in between."""
    return chain_of(fields(chain), msgspec.json.decode(msgspec.json.encode(panel(chain))))


@pytest.mark.parametrize(
    "chain",
    [
        Chain(),
        Chain(models=("a", "b", "a"), system="S", previous_response="P", prompts="x\ny", responses=3, loops=0),
        Chain(hyperparameters=Hyperparameters(temperature=0.7, top_k=1, stop=("END", "a\nb"), seed=5)),
        Chain(hyperparameters=Hyperparameters(grammar='root ::= "x"', json_schema="{}", n_threads=2, n_ctx=0)),
        Chain(hyperparameters=Hyperparameters(samplers=("top_k", "temperature"), mirostat=2, flash_attention=True)),
        Chain(variables={"topic": "love", "text": "two\nlines \\n and \\"}, seed=0),
        Chain(examples=(Example("Hi", "Hello."), Example("a\nb", ""))),
        Chain(random_hyperparameters=True, random_ranges={"top_p": (0.5, 1.0)}, parallel=1, strip_thinking=False),
        Chain(template="chatml", raw=True), Chain(template=PromptFormat(user_prefix="### ", stop=("#",))),
        Chain(run_code=True, stop_condition=True, feedback_code_output_only=True, feedback_loop=True),
    ],
)  # fmt: skip
def test_a_chain_put_into_the_page_comes_out_the_same(chain: Chain) -> None:
    assert through_the_page(chain) == chain


def refused(values: dict[str, Any] | None = None, **changes: Any) -> FieldError:
    with pytest.raises(FieldError) as caught:
        chain_of(msgspec.structs.replace(fields(Chain(prompts="Hi")), **changes), values or {})
    return caught.value


@pytest.mark.parametrize(
    ("values", "changes", "field", "says"),
    [
        ({}, {"models": ()}, "models", "model"),
        ({}, {"responses": 0}, "start", "Responses"),
        ({}, {"responses": None}, "start", "Responses"),
        ({}, {"loops": 1.5}, "start", "Loops"),
        ({"hyperparameters": {"temperature": -1}}, {}, "settings", "temperature"),
        ({"hyperparameters": {"top_p": 7}}, {}, "settings", "from 0 to 1"),
        ({"hyperparameters": {"top_k": 2.5}}, {}, "settings", "top_k"),
        ({"hyperparameters": {"temprature": 1}}, {}, "settings", "temperature"),
        ({"hyperparameters": {"stop": "[1, 2]"}}, {}, "settings", "stop"),
        ({"hyperparameters": {"stop": "[open"}}, {}, "settings", "stop"),
        ({"seed": 1.5}, {}, "settings", "seed"),
        ({"seed": -1}, {}, "settings", "seed"),
        ({"parallel": 100}, {}, "settings", "parallel"),
        ({"variables": "no sign"}, {}, "settings", "line 1"),
        ({"random_ranges": {"top_p": [1]}}, {}, "settings", "random_ranges"),
    ],
)
def test_a_mistake_is_one_sentence_beside_its_field(
    values: dict[str, Any], changes: dict[str, Any], field: str, says: str
) -> None:
    error = refused(values, **changes)
    assert error.field == field
    assert says in str(error)
    assert "\n" not in str(error)


def test_one_response_per_model_fixes_the_counts() -> None:
    chain = chain_of(
        msgspec.structs.replace(fields(Chain()), responses=5, loops=9), {"flags": {"single_response_per_model": True}}
    )
    assert (chain.responses, chain.loops) == (1, 1)


def test_stop_strings_are_read_as_data() -> None:
    assert stop_strings('["a", "b"]') == ["a", "b"]
    assert stop_strings("['a', 'it''s']") == ["a", "its"]
    assert stop_strings("one\ntwo") == ["one", "two"]
    for code in ("[__import__('os')]", "[x for x in 'ab']", "[open('/etc/passwd').read()]"):
        with pytest.raises(controls.HyperparameterError):
            stop_strings(code)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=20).map(str.strip)))
def test_variables_survive_their_field(values: dict[str, str]) -> None:
    kept = {name: value.replace("\r", "") for name, value in values.items()}
    kept = {name: value for name, value in kept.items() if len(value.splitlines()) <= 1 or "\n" in value}
    shown = panel(Chain(variables=kept))["variables"]
    if len(shown.splitlines()) == len(kept):
        assert variables(shown) == kept


def test_the_panel_draws_every_knob_of_the_declaration_once() -> None:
    rows = controls.declaration()
    assert [row["name"] for row in rows] == list(KNOBS)
    assert {row["kind"] for row in rows} == {"number", "bool", "choice", "samplers", "text", "list"}
    assert msgspec.json.decode(msgspec.json.encode(rows))


def test_shipped_presets_are_what_they_change() -> None:
    presets = controls.shipped_presets()
    assert presets.keys() == PRESETS.keys()
    assert presets["Deterministic"] == {}
