"""The grammar of the prompt list: each rule of the guide, every corner of brackets and braces, and its properties."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samantha.chain import prompts
from samantha.chain.prompts import escape, fill, parse, parts, uses_responses
from samantha.errors import ChainError, HyperparameterError


def texts(source: str, **variables: str) -> list[str]:
    return [item.text for item in parse(source, variables).items]


def message(source: str, **variables: str) -> str:
    with pytest.raises(ChainError) as caught:
        parse(source, variables)
    return str(caught.value)


WORKED_EXAMPLE = """[You are a poet that writes only in Portuguese]
Create a sentence about love
Create a sentence about life
---Create a sentence about time
[[Create a paragraph in English that summarizes the ideas contained in the following sentences:]]
"""


def test_the_worked_example_of_the_specification() -> None:
    parsed = parse(WORKED_EXAMPLE)
    poet = "You are a poet that writes only in Portuguese"
    summary = "Create a paragraph in English that summarizes the ideas contained in the following sentences:"
    assert [item.text for item in parsed.items] == [
        f"{poet}\nCreate a sentence about love",
        f"{poet}\nCreate a sentence about life",
        summary,
    ]
    assert [(item.number, item.final) for item in parsed.items] == [(1, False), (2, False), (3, True)]
    assert (parsed.ignored, parsed.shared, parsed.final) == (1, poet, summary)


# Separators


def test_each_line_is_an_item_and_blank_ones_are_dropped() -> None:
    assert texts("one\n\n  two  \n\t\nthree") == ["one", "two", "three"]


def test_dollars_win_over_lines() -> None:
    assert texts("one\nstill one $$$ two\n$$$\n\n$$$three") == ["one\nstill one", "two", "three"]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_line_ends_of_every_system(ending: str) -> None:
    assert texts(ending.join(["[Be", "kind]", "one", "two"])) == ["Be\nkind\none", "Be\nkind\ntwo"]


def test_a_single_separator_keeps_line_breaks() -> None:
    assert texts("one\ntwo\n$$$") == ["one\ntwo"]


def test_escaped_separator_is_plain_and_does_not_choose_the_mode() -> None:
    assert texts("costs \\$$$\nsecond") == ["costs $$$", "second"]
    assert texts("costs \\$$$\nstill $$$ second") == ["costs $$$\nstill", "second"]


def test_only_one_backslash_goes() -> None:
    assert texts("a \\\\$$$ b") == ["a \\$$$ b"]


# Left-out entries


def test_dashes_leave_out_a_line_or_a_whole_item() -> None:
    parsed = parse("---no\nyes\n --- no")
    assert ([item.text for item in parsed.items], parsed.ignored) == (["yes"], 2)
    parsed = parse("--- no\nstill no $$$ yes")
    assert ([item.text for item in parsed.items], parsed.ignored) == (["yes"], 1)


def test_dashes_inside_an_item_are_text() -> None:
    assert texts("a --- b\n$$$") == ["a --- b"]
    assert texts("a\n---\nb $$$") == ["a\n---\nb"]


def test_escaped_dashes() -> None:
    assert texts("\\---kept") == ["---kept"]
    assert texts("\\\\---kept") == ["\\---kept"]


# Shared instruction and final prompt


def test_shared_instruction_spans_lines_and_has_text_after_it() -> None:
    assert texts("[Be short.\nBe kind.] one\ntwo") == ["Be short.\nBe kind.\none", "Be short.\nBe kind.\ntwo"]


def test_shared_instruction_after_left_out_entries() -> None:
    assert texts("---note\n\n---note\n[Be short]\none") == ["Be short\none"]
    assert texts("---note $$$ [Be short] one $$$ two") == ["Be short\none", "Be short\ntwo"]


def test_bracket_texts_come_in_either_order() -> None:
    assert texts("[[Sum up]]\n[Be short]\none") == ["Be short\none", "Sum up"]
    assert texts("[[Sum up]][Be short]one") == ["Be short\none", "Sum up"]
    assert texts("[Be short][[Sum up]]one") == ["Be short\none", "Sum up"]


def test_final_prompt_begins_any_item_and_comes_last() -> None:
    assert texts("one\n[[Sum\nup]] two\nthree") == ["one", "two", "three", "Sum\nup"]
    assert texts("one $$$ [[Sum up]] two $$$ three") == ["one", "two", "three", "Sum up"]


def test_shared_instruction_is_not_put_before_the_final_prompt() -> None:
    assert texts("[Be short]\n[[Sum up]]") == ["Sum up"]


def test_separator_inside_a_bracket_text_does_not_count() -> None:
    assert texts("[Be $$$ short]\none\ntwo") == ["Be $$$ short\none", "Be $$$ short\ntwo"]
    assert texts("one\n[[Sum $$$ up]]\ntwo") == ["one", "two", "Sum $$$ up"]
    assert texts("one\n$$$\n[[Sum $$$ up]]\ntwo\nstill two") == ["one", "two\nstill two", "Sum $$$ up"]


def test_brackets_in_the_middle_of_a_dollar_item_are_text() -> None:
    assert texts("one\n[[1, 2]]\n[[final?]]\n$$$\ntwo") == ["one\n[[1, 2]]\n[[final?]]", "two"]


def test_nested_brackets_belong_to_the_bracket_text() -> None:
    assert texts("[Be [very] short]\none") == ["Be [very] short\none"]
    assert texts("one\n[[Sum [all] up]]") == ["one", "Sum [all] up"]
    assert texts("one\n[[[all] in one]]") == ["one", "[all] in one"]


@pytest.mark.parametrize(
    "text",
    [
        "[a guide](https://example.org/guide) is here",
        "[a guide][reference] is here",
        "[reference]: https://example.org/guide",
        "[1] is a note",
        "[2024] is a year",
        "[1, 2] and [3-5] are notes",
        "[x] is done",
        "[ ] is to do",
        "[] is empty",
        "[[1]] is a note",
        "[[x]] is a letter",
        "[[1, 2], [3, 4]]",
        '[["a", "b"], ["c"]]',
        "[[a] b] c",
        "[[a guide]](https://example.org)",
        "[[a guide]]: here",
        "a list [1, 2, 3] and [text] and [[text]]",
        "x[0] = y[[1]]",
    ],
)
def test_brackets_that_do_not_count(text: str) -> None:
    parsed = parse(f"{text}\nsecond")
    assert [item.text for item in parsed.items] == [text, "second"]
    assert (parsed.shared, parsed.final) == ("", None)


def test_single_brackets_count_only_at_the_very_beginning() -> None:
    assert texts("one\n[two] three") == ["one", "[two] three"]
    assert texts("[one] [two] three") == ["one\n[two] three"]


def test_escaped_brackets() -> None:
    assert texts("\\[You] and I\none") == ["[You] and I", "one"]
    assert texts("one\n\\[[two]] three") == ["one", "[[two]] three"]
    assert texts("one\n\\[two]") == ["one", "[two]"]
    assert texts("[Write \\] or \\[ often]\none") == ["Write ] or [ often\none"]
    assert texts("one \\[ two") == ["one \\[ two"]


@pytest.mark.parametrize("text", ["[You are a poet\none", "one\n[[Sum up\ntwo", "one\n[[Sum up]\ntwo", "[[ $$$ a"])
def test_a_bracket_that_never_closes_is_an_error(text: str) -> None:
    assert re.search(r"The \[+ at \".*\" is never closed: put \]+ after", message(text))


def test_an_open_bracket_inside_an_item_is_text() -> None:
    assert texts("one\n[two\nthree [[four") == ["one", "[two", "three [[four"]


def test_two_final_prompts_are_an_error() -> None:
    assert message("one\n[[Sum up]]\n[[Judge]]").startswith('There are two final prompts, "[[Sum up]]" and "[[Judge]]"')


# Braces


def overrides(source: str) -> dict[str, object]:
    (item,) = parse(source + "\n$$$").items
    return item.overrides


@pytest.mark.parametrize(
    ("braces", "expected"),
    [
        ("{temperature=0.8}", {"temperature": 0.8}),
        ("{ temperature = 1 , top_k=5 }", {"temperature": 1.0, "top_k": 5}),
        ("{top_p=.5,}", {"top_p": 0.5}),
        ("{temperature=1e-1,\n top_k = 1_000\n}", {"temperature": 0.1, "top_k": 1000}),
        ('{stop=["}", ",", "a]b"], seed=3}', {"stop": ("}", ",", "a]b"), "seed": 3}),
        ("{stop=['END', \"\\n\"], max_tokens=20}", {"stop": ("END", "\n"), "max_tokens": 20}),
        ("{stop=[]}", {"stop": ()}),
        ('{stop=["\\$$$"]}', {"stop": ("$$$",)}),
        ("{flash_attention=on}", {"flash_attention": True}),
        ("{flash_attention=true}", {"flash_attention": True}),
        ('{grammar="root ::= \\"}\\""}', {"grammar": 'root ::= "}"'}),
        ("{grammar='''root ::= \"a\" # }\n'''}", {"grammar": 'root ::= "a" # }\n'}),
        ("{grammar=root ::= x # y}", {"grammar": "root ::= x # y"}),
        ('{samplers=["top_k", "temperature"]}', {"samplers": ("top_k", "temperature")}),
        (
            "{max_tokens=4000, temperature=0, tfs_z=0, top_p=0, min_p=1, typical_p=0, top_k=40, presence_penalty=0,"
            " frequency_penalty=0, repeat_penalty=1}",
            {
                "max_tokens": 4000,
                "temperature": 0.0,
                "tfs_z": 0.0,
                "top_p": 0.0,
                "min_p": 1.0,
                "typical_p": 0.0,
                "top_k": 40,
                "presence_penalty": 0.0,
                "frequency_penalty": 0.0,
                "repeat_penalty": 1.0,
            },
        ),
    ],
)
def test_braces(braces: str, expected: dict[str, object]) -> None:
    (item,) = parse(f"{braces} Write {{a}} poem\n$$$").items
    assert (item.text, item.overrides) == ("Write {a} poem", expected)


def test_braces_hold_for_one_item() -> None:
    first, second = parse("{top_k=3} one\ntwo").items
    assert (first.overrides, second.overrides) == ({"top_k": 3}, {})


def test_braces_are_read_before_brackets() -> None:
    one, final = parse('{stop=["]]"]} one\n{top_k=3} [[Sum up]]').items
    assert (one.overrides, final.overrides, final.text, final.final) == (
        {"stop": ("]]",)},
        {"top_k": 3},
        "Sum up",
        True,
    )


def test_braces_before_and_after_bracket_texts() -> None:
    parsed = parse("{top_k=3} [Be short] one\ntwo")
    assert [(item.text, item.overrides) for item in parsed.items] == [
        ("Be short\none", {"top_k": 3}),
        ("Be short\ntwo", {}),
    ]
    parsed = parse("{top_k=1} [[Sum up]] {top_k=2} one")
    assert [(item.text, item.overrides) for item in parsed.items] == [("one", {"top_k": 2}), ("Sum up", {"top_k": 1})]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        "{a: 1}",
        "{a}",
        "{}",
        "{x == y}",
        "{x => y}",
        "{1=2}",
        "{{name}}",
        "{% if a = b %}",
        "f(){ return 1; }",
        "see {top_k=3}",
    ],
)
def test_other_braces_are_text(text: str) -> None:
    assert texts(f"{text} is code") == [f"{text} is code"]


def test_only_the_first_braces_count() -> None:
    (item,) = parse("{top_k=3} {x=1} is code").items
    assert (item.text, item.overrides) == ("{x=1} is code", {"top_k": 3})


def test_escaped_braces() -> None:
    assert texts("\\{x=} is code") == ["{x=} is code"]
    assert texts("\\\\{x=} is code") == ["\\{x=} is code"]
    assert texts("\\{x} is code") == ["\\{x} is code"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "one\n{temprature=1} two",
            ['Item 2 ("{temprature=1} two")', "temprature", "did you mean temperature?", "\\{"],
        ),
        ("{top_p=2} one", ["Item 1", "top_p is 2", "from 0 to 1"]),
        ("{top_k=many} one", ["Item 1", "top_k is 'many'", "a whole number"]),
        ("{temperature=nan} one", ["Item 1", "temperature"]),
        ("{top_p=[0.5]} one", ["Item 1", "top_p is [0.5]", "from 0 to 1"]),
        ("{seed=1979-05-27} one", ["Item 1", "seed"]),
    ],
)
def test_unknown_keys_and_values_out_of_range(text: str, said: list[str]) -> None:
    with pytest.raises(HyperparameterError) as caught:
        parse(text)
    assert all(word in str(caught.value) for word in said), str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{temperature=0.8 one", 'Item 1 ("{temperature=0.8 one") has braces that never close'),
        ("{temperature=", "without a readable value for temperature"),
        ("{x=} one", "without a readable value for x"),
        ("{temperature=1, top_k} one", 'cannot be read at "top_k} one"'),
        ('{grammar="a" b} one', 'cannot be read at "b} one"'),
        ("{temperature=1, temperature=2} one", "sets temperature twice"),
        ("{temperature=1}\none", "holds hyperparameters and no text"),
        ('{stop=["$$$"]} one', "without a readable value for stop"),
        ("one\n$$$\n{top_k=1,\n", 'Item 2 ("{top_k=1,") has braces that never close'),
    ],
)
def test_braces_that_cannot_be_read(text: str, said: str) -> None:
    assert said in message(text)


# Placeholders


def test_variables_are_filled_and_undeclared_ones_named() -> None:
    (item,) = parse("Write about {{topic}} to {{name}}", {"topic": "", "name": ""}).items
    assert fill(item.text, {"topic": "love", "name": "Eva"}, "", "") == "Write about love to Eva"
    said = message("one\nWrite about {{topik}}", topic="love")
    assert 'Item 2 ("Write about {{topik}}") uses {{topik}}' in said
    assert "did you mean {{topic}}?" in said
    assert "declared: topic." in message("[Be {{mood}}]\none", topic="love")


def test_without_declared_variables_other_names_are_text() -> None:
    (item,) = parse("Explain {{user}} in Jinja").items
    assert fill(item.text, {}, "", "") == "Explain {{user}} in Jinja"


def test_responses_and_last_are_always_known() -> None:
    items = parse("one\n{{responses}}\n{{last}}\n\\{{last}}\n[[Sum up]]", {"topic": "love"}).items
    assert [uses_responses(item) for item in items] == [False, True, True, False, True]
    assert [fill(item.text, {}, "ALL", "LAST") for item in items] == ["one", "ALL", "LAST", "{{last}}", "Sum up"]


def test_a_shared_instruction_that_shows_responses_counts_for_every_item() -> None:
    assert all(uses_responses(item) for item in parse("[So far: {{responses}}]\none\ntwo").items)


def test_what_comes_in_is_not_expanded_again() -> None:
    assert fill("{{a}} {{last}}", {"a": "{{b}}", "b": "no"}, "", "{{a}} \\{{a}}") == "{{b}} {{a}} \\{{a}}"


def test_placeholder_names_are_exact_identifiers() -> None:
    assert (
        fill("{{ a }} {{a-b}} {{1}} {{tópico}}", {"a": "no", "tópico": "o mar"}, "", "")
        == "{{ a }} {{a-b}} {{1}} o mar"
    )


# The other fields


def test_parts() -> None:
    assert parts("one\ntwo") == "one\ntwo"
    assert parts("one $$$ ---no\nstill no $$$\n\ntwo $$$ $$$") == "one\n\ntwo"
    assert parts("--- no") == ""
    assert parts("\\---yes $$$ a \\$$$ b $$$ \\[c]") == "---yes\n\na $$$ b\n\n\\[c]"


def test_the_example_is_one_item_and_what_is_typed_before_its_end_stays_one() -> None:
    assert prompts.EXAMPLE.endswith("$$$")
    assert len(parse(prompts.EXAMPLE).items) == 1
    assert len(parse("one\ntwo\n" + prompts.EXAMPLE).items) == 1


def test_an_empty_text_is_an_empty_list() -> None:
    assert parse(" \n$$$\n ").items == ()
    assert parse("[Be short]").shared == "Be short"


# Properties

MARKS = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "{{",
    "}}",
    "$$$",
    "$",
    "---",
    "\\",
    "\n",
    "\r",
    "=",
    ",",
    '"',
    "'",
    '"""',
    " ",
    "(",
    ":",
    "top_k",
    "temperature",
    "0.5",
    "9" * 5000,
    "stop",
    "x",
    "last",
    "responses",
    "#",
    "1",
    "a b",
    "\x00",
    "\u2028",
]
marked = st.lists(st.sampled_from(MARKS)).map("".join) | st.text()
plain = st.text(st.characters(exclude_characters="[]{}$-\\\r", exclude_categories=["Cs"]))


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


@given(plain)
def test_text_without_markers_survives_untouched(text: str) -> None:
    items = parse(text + "\n$$$").items
    assert [item.text for item in items] == ([text.strip()] if text.strip() else [])
    assert [item.text for item in parse(text).items] == [line.strip() for line in text.split("\n") if line.strip()]
    assert parts(text) == text.strip()


@given(marked)
@example("\\[")
@example("{{{{a}}}}")
@example("{a={{a}}}")
@example("$$$$$$$")
@example("\\\\\\{{last}}\\$$$")
def test_escaped_text_is_one_item_and_comes_back(text: str) -> None:
    items = parse(escape(text)).items
    assert [fill(item.text, {"x": "no"}, "no", "no") for item in items] == ([normal(text)] if normal(text) else [])
    assert not any(item.overrides or item.final or uses_responses(item) for item in items)


@given(st.lists(marked), st.sampled_from(["", "[Be short]", "[[Sum up]]", "{top_k=1} [Be short] one $$$"]))
def test_escaped_texts_can_be_joined(pages: list[str], before: str) -> None:
    parsed = parse(before + "\n" + "\n".join(map(escape, pages)))
    shared = f"{parsed.shared}\n" if parsed.shared else ""
    got = [fill(item.text, {}, "", "").removeprefix(shared) for item in parsed.items if not item.final]
    assert got[before.endswith("$$$") :] == [normal(page) for page in pages if normal(page)]


@given(marked)
@example("{top_k=1} [a b] x")
def test_any_text_is_a_list_or_a_chain_error(text: str) -> None:
    try:
        items = parse(text, {"x": "1"}).items
    except ChainError:
        return
    assert [item.number for item in items] == list(range(1, len(items) + 1))
    assert not any(item.final for item in items[:-1])
    assert all(item.text for item in items)


@given(marked)
def test_an_item_is_what_its_source_says(text: str) -> None:
    try:
        parsed = parse(text)
    except ChainError:
        return
    for item in parsed.items:
        (again,) = parse(f"x $$$ {item.source} $$$").items[1:]
        shared = f"{parsed.shared}\n" if parsed.shared and not item.final else ""
        assert (shared + again.text, again.overrides, again.final) == (item.text, item.overrides, item.final)


@given(marked, st.dictionaries(st.sampled_from(["x", "top_k"]), marked), marked, marked)
def test_fill_is_one_pass(text: str, variables: dict[str, str], responses: str, last: str) -> None:
    known = {**variables, "responses": responses, "last": last}
    filled = ""
    for index, piece in enumerate(re.split(r"(\\?\{\{[^\W\d]\w*\}\})", text)):
        escaped = piece.startswith("\\")
        placeholder = index % 2 == 1
        filled += piece[1:] if placeholder and escaped else known.get(piece[2:-2], piece) if placeholder else piece
    assert fill(text, variables, responses, last) == filled
