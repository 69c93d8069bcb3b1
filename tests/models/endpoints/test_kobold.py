"""KoboldCpp's own API, against a small server that speaks it as documented: see kobold_server.py for why."""

import threading
from collections.abc import Iterator

import pytest

from samantha.errors import EndpointError, PromptTooLong
from samantha.models.endpoints import EndpointModel
from samantha.models.model import Message
from tests.models.endpoints.conftest import chat, collect, end, notices, opened, outputs, raw, tokens
from tests.models.endpoints.kobold_server import KoboldServer
from tests.models.endpoints.small_server import SmallServer

WHOLE = " The sea is calm today. Nothing moves."


@pytest.fixture
def kobold() -> Iterator[KoboldServer]:
    server = KoboldServer()
    yield server
    server.close()


@pytest.fixture
def model(kobold: KoboldServer) -> EndpointModel:
    return opened(f"kobold+{kobold.origin}")


def test_it_says_what_it_is(model: EndpointModel) -> None:
    assert model.facts.kind == "kobold"
    assert model.facts.version == "1.99"
    assert model.describe().n_ctx == 512


def test_raw_text_is_continued_word_by_word(model: EndpointModel, kobold: KoboldServer) -> None:
    items = outputs(model, raw("Once upon a time"))
    assert [token.shown for token in tokens(items)] == [
        " The",
        " sea",
        " is",
        " calm",
        " today.",
        " Nothing",
        " moves.",
    ]
    ended = end(items)
    assert (ended.text, ended.reason, ended.tokens, ended.prompt_seconds) == (WHOLE, "end", 7, 0.25)
    assert kobold.given == ["Once upon a time"]


def test_messages_get_the_template_that_it_has_loaded(model: EndpointModel, kobold: KoboldServer) -> None:
    request = chat("Hi")
    items = outputs(model, type(request)(samples=request.samples, messages=(Message("system", "S"), *request.messages)))
    assert kobold.given == ["<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"]
    assert "{{[INPUT]}}" in notices(items)


def test_placeholders_in_a_raw_text_stay_as_they_are(model: EndpointModel, kobold: KoboldServer) -> None:
    outputs(model, raw("Write {{[INPUT]}} literally"))
    assert kobold.given == ["Write {{[INPUT]}} literally"]


def test_a_stop_string_is_known_as_the_reason(model: EndpointModel) -> None:
    ended = end(outputs(model, raw("Once", stop=("today",))))
    assert (ended.text, ended.reason) == (" The sea is calm ", "stop_string")


def test_max_tokens_is_known_as_the_reason(model: EndpointModel) -> None:
    ended = end(outputs(model, raw("Once", max_tokens=2)))
    assert (ended.text, ended.reason, ended.tokens) == (" The sea", "max_tokens", 2)


def test_stopping_aborts_by_the_answers_own_mark(model: EndpointModel, kobold: KoboldServer) -> None:
    kobold.hold = True
    items = []
    for item in model.generate(raw("Once")):
        items.append(item)
        if len(tokens(items)) == 2:
            model.stop()
    assert (end(items).text, end(items).reason) == (" The sea", "stopped")
    assert kobold.aborted.wait(10)
    asked = kobold.asked("/api/extra/generate/stream")
    assert [seen.body for seen in kobold.asked("/api/extra/abort")] == [{"genkey": asked[0].body["genkey"]}]


def test_a_busy_server_is_asked_again_until_it_is_free(model: EndpointModel, kobold: KoboldServer) -> None:
    kobold._busy.acquire()
    asked = threading.Event()
    answer = kobold.routes["/api/extra/generate/stream"]
    kobold.routes["/api/extra/generate/stream"] = lambda exchange: (asked.set(), answer(exchange))
    threading.Thread(target=lambda: (asked.wait(10), kobold._busy.release())).start()
    assert end(outputs(model, raw("Once"))).text == WHOLE
    assert len(kobold.asked("/api/extra/generate/stream")) >= 2


def test_a_server_that_stays_busy_is_given_up(kobold: KoboldServer) -> None:
    import msgspec

    from tests.models.endpoints.conftest import HASTY

    model = opened(f"kobold+{kobold.origin}", msgspec.structs.replace(HASTY, busy=0.1))
    kobold._busy.acquire()
    _, error = collect(model, raw("Once"))
    assert "is busy (503): 'Server is busy; please try again later.'" in str(error)


def test_traces_come_with_a_whole_answer(model: EndpointModel, kobold: KoboldServer) -> None:
    items = outputs(model, raw("Once", trace=2))
    assert "appears when it is complete" in notices(items)
    traces = [token.trace for token in tokens(items)]
    assert len(traces) == 7
    assert all(trace and trace.rank == 1 and len(trace.candidates) == 2 for trace in traces)
    assert end(items).text == WHOLE


def test_every_knob_has_its_name_there(model: EndpointModel, kobold: KoboldServer) -> None:
    outputs(model, raw("Once", temperature=0.5, tfs_z=0.9, typical_p=0.8, repeat_penalty=1.2, repeat_last_n=-1,
                       top_n_sigma=1.5, seed=2**32 - 2, grammar="root ::= \"a\""))  # fmt: skip
    body = kobold.asked("/api/extra/generate/stream")[0].body
    wanted = {"temperature": 0.5, "tfs": 0.9, "typical": 0.8, "rep_pen": 1.2, "rep_pen_range": 512, "nsigma": 1.5,
              "sampler_seed": 2**31 - 2, "grammar": "root ::= \"a\"", "max_context_length": 512}  # fmt: skip
    assert {name: body[name] for name in wanted} == wanted
    assert body["sampler_order"] == [6, 0, 4, 2, 3, 5, 1]


def test_it_counts_and_splits(model: EndpointModel) -> None:
    assert model.count(raw("one two three")) == 3
    assert [piece for _, piece in model.tokenize("one two three")] == [b"one", b" two", b" three"]


def test_a_prompt_that_leaves_no_room_is_refused_with_the_numbers(model: EndpointModel) -> None:
    with pytest.raises(PromptTooLong) as caught:
        outputs(model, raw("word " * 500))
    assert (caught.value.prompt_tokens, caught.value.n_ctx) == (501, 512)


def test_the_answer_gets_what_the_prompt_leaves(model: EndpointModel, kobold: KoboldServer) -> None:
    outputs(model, raw("one two three", max_tokens=0))
    assert kobold.asked("/api/extra/generate/stream")[0].body["max_length"] == 512 - 3


def test_a_server_that_speaks_something_else_is_named(small: SmallServer) -> None:
    small.routes["/api/v1/model"] = lambda exchange: exchange.json({"hello": "world"})
    with pytest.raises(EndpointError, match="does not speak KoboldCpp's API"):
        opened(f"kobold+{small.origin}")
