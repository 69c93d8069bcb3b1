"""Events: their JSON is fixed, and every one survives it."""

import types
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import events

EXAMPLES = [
    '{"kind":"run_started","run":"r1","step":null,"time":0.0,"format":1,"seed":7,"chain":{}}',
    '{"kind":"step_started","run":"r1","step":1,"time":0.1,"model":"tiny","prompt":"Hi","rendered":"…","seed":11,"group":[1]}',
    '{"kind":"token_generated","run":"r1","step":1,"time":0.2,"id":31,"piece":"T2s=","shown":"Ok"}',
    '{"kind":"step_finished","run":"r1","step":1,"time":0.3,"text":"Ok","reason":"end","prompt_tokens":9,"reused":0,"tokens":1}',
    '{"kind":"run_finished","run":"r1","step":null,"time":0.9,"reason":"done"}',
]  # fmt: skip


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_documented_lines_are_read(line: str) -> None:
    event = events.decode(line)
    fields = msgspec.json.decode(line)
    written = msgspec.json.decode(events.encode(event))
    assert {name: written[name] for name in fields} == fields
    assert list(written)[:4] == ["kind", "run", "step", "time"]


def test_a_piece_is_base64_bytes() -> None:
    assert typing.cast(Any, events.decode(EXAMPLES[2])).piece == b"Ok"


@given(st.data())
def test_every_event_survives_its_json(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(typing.get_args(events.Event)))
    event = data.draw(values(kind))
    assert events.decode(events.encode(event)) == event


def values(kind: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: value(hint) for name, hint in hints.items() if name in kind.__struct_fields__})


def value(hint: Any) -> st.SearchStrategy[Any]:
    if hint == dict[str, Any] or hint == dict[str, str]:
        return st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if hint is int:
        return st.integers(-(2**53), 2**53)
    if hint == int | None:
        return st.none() | st.integers(0, 2**53)
    if hint == tuple[int, ...]:
        return st.lists(st.integers(0, 99), max_size=3).map(tuple)
    if hint is str:
        return st.text(st.characters(exclude_categories=("Cs",)))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return values(hint)
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(value(parts[0]), max_size=3).map(tuple)
        return st.tuples(*map(value, parts))
    if isinstance(hint, types.UnionType):
        return st.one_of(*map(value, parts))
    return st.from_type(hint)


@pytest.mark.parametrize("line", ['{"kind":"nonsense","run":"r"}', '{"run":"r"}', "[]", '{"kind":"notice","run":"r"}'])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        events.decode(line)
