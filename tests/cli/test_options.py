"""Every setting and every hyperparameter is an option, made from its declaration."""

import argparse
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.chain.chain import HELP, Chain, Example
from samantha.cli import options
from samantha.cli.parsing import Parser
from samantha.hyperparameters import KNOBS, Hyperparameters
from samantha.models.model import PromptFormat


def parsed(*arguments: str, base: Chain | None = None) -> Chain:
    parser = Parser("test")
    options.add(parser)
    return options.applied(base or Chain(), parser.parse_args(arguments))


def spellings() -> set[str]:
    parser = Parser("test")
    options.add(parser)
    return set(parser._option_string_actions)


def test_every_setting_and_hyperparameter_has_an_option() -> None:
    assert {f"--{name}" for name in (*Chain.__struct_fields__, *KNOBS)} - {"--format"} <= spellings()


def test_every_setting_has_help() -> None:
    assert set(HELP) == set(Chain.__struct_fields__) - {"format"}


@pytest.mark.parametrize("name", [name for name, kind in get_type_hints(Chain).items() if kind is bool])
def test_switches_go_both_ways_in_both_spellings(name: str) -> None:
    for spelled in (name, name.replace("_", "-")):
        assert getattr(parsed(f"--{spelled}"), name) is True
        assert getattr(parsed(f"--no-{spelled}", base=Chain(**{name: True})), name) is False


EXAMPLES: dict[str, tuple[str, Any]] = {
    "mirostat": ("2", 2), "stop": ("END", ("END",)), "samplers": ("top_k,temperature", ("top_k", "temperature")),
    "grammar": ('root ::= "a"', 'root ::= "a"'), "json_schema": ('{"type": "object"}', '{"type": "object"}'),
    "n_threads": ("3", 3), "flash_attention": ("", True),
    "cache_type_k": ("q8_0", "q8_0"), "cache_type_v": ("bf16", "bf16"),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in KNOBS if name != "seed"])
def test_every_hyperparameter_is_taken(name: str) -> None:
    text, value = EXAMPLES.get(name, ("1", 1))
    for spelled in (name, name.replace("_", "-")):
        chain = parsed(f"--{spelled}", *([text] if text else []))
        assert getattr(chain.hyperparameters, name) == value


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=0, max_value=10**6))
def test_numbers_arrive_as_they_are(share: float, count: int) -> None:
    values = parsed(f"--top_p={share!r}", f"--top_k={count}").hyperparameters
    assert (values.top_p, values.top_k) == (share, count)


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT.filter(lambda text: not text.lstrip().startswith("[")))
def test_any_text_is_a_stop_string_and_a_system_prompt(text: str) -> None:
    chain = parsed(f"--stop={text}", f"--system={text}")
    assert (chain.hyperparameters.stop, chain.system) == ((text,), text)


def test_stop_strings_are_repeated_or_a_list_of_either_notation() -> None:
    assert parsed("--stop", "a", "--stop", "b").hyperparameters.stop == ("a", "b")
    assert parsed("--stop", '["a", "b"]').hyperparameters.stop == ("a", "b")
    assert parsed("--stop", "['a', 'b']", "--stop", "c").hyperparameters.stop == ("a", "b", "c")


def test_a_list_is_data_and_never_evaluated(tmp_path: Any) -> None:
    trap = tmp_path / "trap"
    with pytest.raises(SystemExit):
        parsed("--samplers", f"[open({str(trap)!r}, 'w')]")
    text = f"[open({str(trap)!r}, 'w')]"
    assert parsed("--stop", text).hyperparameters.stop == (text,)
    assert not trap.exists()


def test_the_other_settings_are_taken() -> None:
    chain = parsed(
        "--model", "a", "--model", "b", "--loops", "0", "--seed", "9", "--variables", "x=1=2", "--random_ranges",
        "top_p=0.5,1", "--example", "Hi", "Hello", "--example", "Bye", "Goodbye", "--template", "chatml",
        "--hyperparameters", "{seed = 7, top_k = 3}", "--top_k", "4",
    )  # fmt: skip
    assert chain == Chain(
        models=("a", "b"), loops=0, seed=9, variables={"x": "1=2"}, random_ranges={"top_p": (0.5, 1.0)},
        examples=(Example("Hi", "Hello"), Example("Bye", "Goodbye")), template="chatml",
        hyperparameters=Hyperparameters(seed=7, top_k=4),
    )  # fmt: skip


def test_a_template_of_ones_own_is_a_table() -> None:
    chain = parsed("--template", '{user_prefix = "### ", stop = ["###"]}')
    assert chain.template == PromptFormat(user_prefix="### ", stop=("###",))


@pytest.mark.parametrize("value", ["---x", "-1", "--no such option", "-"])
def test_a_value_may_begin_with_dashes(value: str) -> None:
    assert parsed("--prompts", value).prompts == value
    assert parsed(f"--prompts={value}", "--raw") == Chain(prompts=value, raw=True)


def test_an_option_is_not_the_value_of_another() -> None:
    with pytest.raises(SystemExit):
        parsed("--prompts", "--raw")


def test_what_is_not_given_stays() -> None:
    base = Chain(models=("x",), prompts="y", loops=3, hyperparameters=Hyperparameters(top_k=1))
    assert parsed(base=base) == base


def test_options_left_out_are_unknown() -> None:
    parser = Parser("test")
    options.add(parser, frozenset({"loops"}))
    assert "--loops" not in parser._option_string_actions
    assert isinstance(parser, argparse.ArgumentParser)
