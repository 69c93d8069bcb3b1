"""Chain files: what is written is read back, and every way in which a file can be wrong gets one sentence."""

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samantha.chain.chain import Chain, Example
from samantha.chain.files import from_toml, read, to_toml, validate, write
from samantha.errors import ChainError, HyperparameterError
from samantha.hyperparameters import KNOBS, SAMPLERS, Hyperparameters, check
from samantha.models.model import PromptFormat

FILE = '''
format = 1
models = ["tiny", "user/repo:Q4_K_M"]
system = "You are a poet."
prompts = """
[Answer in one sentence.]
{temperature=0.8} Write about {{topic}}
[[Summarize:]]
"""
responses = 2            # loops = 0: until stopped
seed = 7
variables = {topic = "love"}
hyperparameters = {temperature = 0.2, stop = ["END"]}
random_ranges = {top_p = [0.5, 1.0]}
[[examples]]
user = "Hi"
assistant = "Hello."
'''

CHAIN = Chain(
    models=("tiny", "user/repo:Q4_K_M"),
    system="You are a poet.",
    prompts="[Answer in one sentence.]\n{temperature=0.8} Write about {{topic}}\n[[Summarize:]]\n",
    responses=2,
    seed=7,
    variables={"topic": "love"},
    hyperparameters=Hyperparameters(temperature=0.2, stop=("END",)),
    random_ranges={"top_p": (0.5, 1.0)},
    examples=(Example("Hi", "Hello."),),
)


def test_a_chain_file_is_read() -> None:
    assert from_toml(FILE) == CHAIN
    assert from_toml(FILE.replace("\n", "\r\n")) == CHAIN
    assert from_toml("") == Chain()


def test_a_chain_file_is_written_for_people() -> None:
    assert (
        to_toml(CHAIN)
        == '''format = 1
models = ["tiny", "user/repo:Q4_K_M"]
system = "You are a poet."
prompts = """
[Answer in one sentence.]
{temperature=0.8} Write about {{topic}}
[[Summarize:]]
"""
responses = 2
seed = 7
variables = {topic = "love"}
hyperparameters = {temperature = 0.2, stop = ["END"]}
random_ranges = {top_p = [0.5, 1.0]}

[[examples]]
user = "Hi"
assistant = "Hello."
'''
    )


def test_only_what_differs_from_the_defaults_is_written() -> None:
    assert to_toml(Chain()) == "format = 1\n"


def test_backslashes_and_quotes_stay_readable() -> None:
    assert "prompts = '''\n\\[You]\nSay \"hi\"'''" in to_toml(Chain(prompts='\\[You]\nSay "hi"'))
    assert 'prompts = """\nSay "hi"\nnow"""' in to_toml(Chain(prompts='Say "hi"\nnow'))


# Round trip

AWKWARD = [
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "\n",
    "\r",
    "\t",
    "\x00",
    "\x7f",
    "\x85",
    "\u2028",
    "é",
    "😀",
    "#",
    "]",
    "{",
    "n",
    "\\n",
]
text = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(AWKWARD)).map("".join)
finite = st.floats(allow_nan=False, allow_infinity=False)


def values(name: str) -> st.SearchStrategy[Any]:
    """Allowed values of one knob, its default among them."""
    knob = KNOBS[name]
    if knob.choices:
        return st.sampled_from(knob.choices)
    kinds: dict[Any, st.SearchStrategy[Any]] = {
        float: st.floats(knob.minimum, knob.maximum, allow_nan=False, allow_infinity=False),
        int: st.integers(int(knob.minimum or 0), int(knob.maximum or 2**63 - 1)),
        bool: st.booleans(),
        str: text,
    }
    lists = st.permutations(SAMPLERS).map(tuple) if name == "samplers" else st.lists(text, max_size=3).map(tuple)
    return st.just(knob.default) | kinds.get(knob.type, lists)


counts = st.integers(1, 2**40)
hyperparameters = st.fixed_dictionaries({}, optional={name: values(name) for name in KNOBS}).map(
    lambda chosen: Hyperparameters(**chosen)
)
formats = st.builds(PromptFormat, *[text] * 6, st.lists(text, max_size=2).map(tuple))
chains = st.builds(
    Chain,
    models=st.lists(text, max_size=4).map(tuple),
    system=text,
    previous_response=text,
    prompts=text,
    loops=st.integers(0, 2**40),
    responses=counts,
    single_response_per_model=st.booleans(),
    shuffle_models=st.booleans(),
    reset_model=st.booleans(),
    feedback_loop=st.booleans(),
    cumulative_response=st.booleans(),
    random_hyperparameters=st.booleans(),
    random_ranges=st.dictionaries(text, st.tuples(finite, finite), max_size=3),
    run_code=st.booleans(),
    stop_condition=st.booleans(),
    feedback_code_output_only=st.booleans(),
    files=st.lists(text, max_size=3).map(tuple),
    variables=st.dictionaries(text, text, max_size=3),
    parallel=st.integers(1, 64),
    strip_thinking=st.booleans(),
    seed=st.none() | st.integers(0, 2**32 - 2),
    template=text | formats,
    raw=st.booleans(),
    examples=st.lists(st.builds(Example, text, text), max_size=3).map(tuple),
    hyperparameters=hyperparameters,
)


@given(chains)
@example(Chain(models=(), template=PromptFormat(), variables={"": ""}, random_ranges={"'\"": (0.0, 1.0)}))
@example(Chain(prompts='\n\n"""', system="\\\\\n'''", previous_response="a\n\\", variables={"a": "\r\n" * 60}))
@example(Chain(examples=(Example("\n", ""),), hyperparameters=Hyperparameters(stop=("\n", '"""'), grammar="a\n")))
def test_what_is_written_is_read_back(chain: Chain) -> None:
    assert set(Chain.__struct_fields__) == FIELDS
    assert from_toml(to_toml(chain)) == chain


FIELDS = set(msgspec.structs.asdict(Chain()))


@given(st.text())
def test_any_text_is_a_chain_or_a_chain_error(source: str) -> None:
    try:
        chain = from_toml(source)
    except ChainError:
        return
    assert isinstance(chain, Chain)


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match=r"holds U\+D83D, half of a character"):
        to_toml(Chain(prompts="\ud83d"))
    with pytest.raises(ChainError, match=r"U\+D83D"):
        write(Chain(prompts="\ud83d"), tmp_path / "list.txt")
    assert list(tmp_path.iterdir()) == []


# Files


def test_files_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "poem.toml"
    write(CHAIN, path)
    assert read(path) == CHAIN
    write(Chain(), path)
    assert read(path) == Chain()
    assert [each.name for each in tmp_path.iterdir()] == ["poem.toml"]


def test_data_files_lie_beside_the_chain_and_move_with_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "data").mkdir(parents=True)
    data = tmp_path.resolve() / "a" / "data" / "sales.csv"
    data.write_text("month,sold\n")
    chain = Chain(prompts="p", files=(str(data),))
    write(chain, tmp_path / "a" / "one.toml")
    assert 'files = ["data/sales.csv"]' in (tmp_path / "a" / "one.toml").read_text()
    assert read(tmp_path / "a" / "one.toml") == chain
    (tmp_path / "a").rename(tmp_path / "b")
    assert read(tmp_path / "b" / "one.toml").files == (str(tmp_path.resolve() / "b" / "data" / "sales.csv"),)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.csv", "data/../../secret.csv", "link.csv", "."])
def test_a_chain_file_cannot_name_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.csv").write_text("x")
    (tmp_path / "chains").mkdir()
    (tmp_path / "chains" / "link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "chains" / "one.toml").write_text(f'prompts = "p"\nfiles = ["{name}"]\n')
    with pytest.raises(ChainError, match=r"not in the folder of the chain: put a copy there"):
        read(tmp_path / "chains" / "one.toml")


def test_a_text_file_is_a_prompt_list(tmp_path: Path) -> None:
    path = tmp_path / "LIST.TXT"
    path.write_bytes(b"[Be short]\r\none\r\ntwo")
    assert read(path) == Chain(prompts="[Be short]\r\none\r\ntwo")
    write(CHAIN, path)
    assert path.read_text("utf-8") == CHAIN.prompts


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", "ação 愛 😀"),
        ("utf-8-sig", "Você é um poeta"),
        ("utf-16", "Você é um poeta"),
        ("utf-16", "写一个关于爱的句子"),
        ("utf-32", "Crie uma frase sobre o mar"),
        ("cp1252", "ação"),
        ("cp1252", "Crie uma frase sobre o coração"),
        ("cp1252", "[Você é um poeta que só escreve em português]\nCrie uma frase “curta” sobre a manhã"),
        ("cp1252", "Écris une phrase sur l'été, le cœur et Noël"),
        ("latin-1", "Übung macht den Meister, schöne Grüße"),
        ("cp1250", "Napisz zdanie o miłości i życiu, proszę."),
        ("cp1251", "Напиши короткую историю про кота и собаку, которые живут вместе."),
        ("gb18030", "写一个关于爱的句子"),
    ],
)
def test_encodings_are_recognised(tmp_path: Path, encoding: str, content: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content.encode(encoding))
    assert read(path).prompts == content


def refused(path: Path) -> str:
    with pytest.raises(ChainError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "There is no file" in refused(tmp_path / "missing.toml")
    assert "is a folder" in refused(tmp_path)
    file = tmp_path / "list.txt"
    file.write_bytes(b"one\0two")
    assert "is not a text file" in refused(file)
    assert "There is no file" in refused(file / "inside.txt")
    assert "cannot be read (File name too long)" in refused(tmp_path / ("x" * 300 + ".txt"))
    file.write_text("one\n$-$-$\ntwo")
    assert "is a collection" in refused(file)
    assert "neither a chain file (.toml) nor a prompt list (.txt)" in refused(tmp_path / "a.gguf")
    os.truncate(file, 17 * 2**20)
    assert "is larger than 16 MiB" in refused(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert "is not an ordinary file" in refused(tmp_path / "pipe.toml")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    for place, said in [
        (tmp_path / "missing" / "poem.toml", "cannot be written (No such file or directory)"),
        (tmp_path / "po\0em.toml", "cannot be written (embedded null byte)"),
        (tmp_path, "is a folder: give the file a name in it"),
        (Path("/"), "is a folder"),
    ]:
        with pytest.raises(ChainError, match=re.escape(said)):
            write(CHAIN, place)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('models = ["tiny"\nsystem = 1', "chain.toml is not valid TOML: Unclosed array (at line 2, column 1)."),
        ("system = 1\nprompts = ", "(at line 2, column 11, the end)."),
        ("a = 1\na = 2\n", "(at line 2, column 6)"),
        (f"seed = {'9' * 5000}", "chain.toml is not valid TOML"),
        ("a = " + "[" * 5000, "chain.toml is nested too deeply"),
        ("format = 2", "chain.toml has format 2, but this version reads format 1: update Samantha."),
        ("sytem = 'x'", "chain.toml: unknown key sytem; did you mean system?"),
        ("zzz = 1", "chain.toml: unknown key zzz. Known: format, models, "),
        ("temperature = 1", "chain.toml: temperature is a hyperparameter: write hyperparameters = {temperature = …}."),
        ("loops = -1", "chain.toml: loops is -1, but must be a whole number of at least 0."),
        ("parallel = 65", "chain.toml: parallel is 65, but must be a whole number of at most 64."),
        ("loops = 'two'", "chain.toml: loops is 'two', but must be a whole number."),
        ("models = 'tiny'", "chain.toml: models is 'tiny', but must be a list."),
        ("feedback_loop = 1", "chain.toml: feedback_loop is 1, but must be true or false."),
        ("models = [1]", "chain.toml: models[0] holds another value, but must be a text."),
        ("template = 1", "chain.toml: template is 1, but must be a text or a table."),
        ("template = {user_sufix = 'x'}", "template has an unknown key user_sufix; did you mean user_suffix?"),
        ("hyperparameters = 1", "chain.toml: hyperparameters is 1, but must be a table."),
        ("random_ranges = {top_p = [1]}", "random_ranges[...] holds another value, but must be a list of length 2."),
        ("[[examples]]\nuser = 'a'", "chain.toml: examples[0] has no assistant: add it."),
        ("[[examples]]\nusr = 'a'\nassistant = 'b'", "examples[0] has an unknown key usr; did you mean user?"),
    ],
)
def test_malformed_chain_files(source: str, said: str) -> None:
    with pytest.raises(ChainError) as caught:
        from_toml(source, "chain.toml")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("temprature = 1", "chain.toml: unknown hyperparameter temprature; did you mean temperature?"),
        ("top_p = 2", "chain.toml: top_p is 2, but must be a number from 0 to 1."),
        ("top_k = 'many'", "chain.toml: top_k is 'many', but must be a whole number, 0 or more."),
    ],
)
def test_hyperparameters_of_a_file_are_checked(source: str, said: str) -> None:
    with pytest.raises(HyperparameterError) as caught:
        from_toml(f"[hyperparameters]\n{source}", "chain.toml")
    assert str(caught.value) == said


# What can run


def test_a_whole_chain_is_valid() -> None:
    validate(CHAIN)
    validate(msgspec.structs.replace(CHAIN, shuffle_models=True, models=("a", "b", "a")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompts": ""}, "The prompt list is empty"),
        ({"prompts": "[Be short]\n---one"}, "The prompt list is empty"),
        ({"models": ()}, "No model is chosen"),
        ({"models": ("tiny", " ")}, "Model 2 has no name"),
        ({"shuffle_models": True}, "shuffle_models needs 3 models, but there are 2"),
        (
            {"random_ranges": {"top_q": (0, 1)}},
            "random_ranges cannot have top_q: random values are drawn for temperature",
        ),
        ({"random_ranges": {"top_k": (0, 1)}}, "random_ranges cannot have top_k"),
        ({"random_ranges": {"top_p": (1, 0.5)}}, "random range of top_p goes from 1 to 0.5: put the smaller"),
        ({"random_ranges": {"top_p": (0.5, 2)}}, "random_ranges: top_p is 2, but must be a number from 0 to 1"),
        ({"random_ranges": {"top_p": (float("nan"), 1)}}, "random_ranges: top_p is nan, but must be a number"),
        ({"variables": {"topic": "", "last": "x"}}, "The variable last must be renamed"),
        ({"variables": {"my topic": "x"}}, "The variable 'my topic' cannot stand in {{ }}"),
        ({"variables": {"name": "x"}}, 'Item 1 ("{temperature=0.8} Write about {{topic}}") uses {{topic}}'),
        ({"loops": -1}, "The chain: loops is -1"),
        ({"hyperparameters": Hyperparameters(top_p=3)}, "The chain: top_p is 3"),
        ({"prompts": "{top_p=3} one"}, 'Item 1 ("{top_p=3} one"): top_p is 3'),
    ],
)
def test_what_cannot_run(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ChainError) as caught:
        validate(msgspec.structs.replace(CHAIN, **change))
    assert said in str(caught.value)


@given(chains)
def test_validation_never_fails_otherwise(chain: Chain) -> None:
    try:
        validate(chain)
    except ChainError:
        return
    assert chain.models
    assert all(check(name, getattr(chain.hyperparameters, name)) is not ... for name in KNOBS)
