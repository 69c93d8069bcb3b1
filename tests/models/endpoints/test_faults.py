"""Servers that refuse, fail, hang, lie and break off: what is tried again, what is said, what stands."""

import socket
import threading
from typing import Any

import msgspec
import pytest

from samantha.errors import EndpointError, ModelNotFound
from samantha.models.endpoints import keys
from samantha.models.endpoints.faults import Patience
from samantha.models.model import PromptProgress, SampleFinished
from tests.models.endpoints.conftest import HASTY, KEY, chat, collect, end, notices, opened, outputs, raw, tokens
from tests.models.endpoints.small_server import Exchange, SmallServer


def ok(exchange: Exchange) -> None:
    exchange.text("Hel", "lo", ".")


def refusing(status: int, message: str = "no", **headers: str) -> Any:
    return lambda exchange: exchange.json({"error": {"message": message}}, status, **headers)


def test_an_answer_is_read(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("Hel", "lo", usage={"prompt_tokens": 9, "completion_tokens": 2}))
    ended = end(outputs(opened(small.base), chat("Hi")))
    assert (ended.text, ended.reason, ended.prompt_tokens, ended.tokens) == ("Hello", "end", 9, 2)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_temporary_failure_before_the_first_token_is_tried_again(status: int, small: SmallServer) -> None:
    small.chat(refusing(status), refusing(status), ok)
    assert end(outputs(opened(small.base), chat("Hi"))).text == "Hello."
    assert len(small.asked()) == 3


def test_a_failure_that_lasts_is_given_up_after_so_many_tries(small: SmallServer) -> None:
    small.chat(refusing(500, "the model fell over"))
    items, error = collect(opened(small.base), chat("Hi"))
    assert len(small.asked()) == HASTY.attempts
    assert tokens(items) == []
    assert str(error) == f"{small.host} failed (500): 'the model fell over': try again later."


def test_what_a_server_asks_to_wait_is_waited(small: SmallServer) -> None:
    waits: list[float] = []
    patience = msgspec.structs.replace(HASTY, longest_request=30.0)
    small.chat(refusing(429, Retry_After="1"), ok)
    model = opened(small.base, patience)
    from samantha.models.endpoints import server

    original = server.pause
    server.pause = lambda *given: waits.append(original(*given)) or 0.0  # type: ignore[assignment, func-returns-value]
    try:
        assert end(outputs(model, chat("Hi"))).text == "Hello."
    finally:
        server.pause = original
    assert waits == [1.0]


def test_a_server_that_wants_too_long_a_wait_is_not_waited_for(small: SmallServer) -> None:
    small.chat(refusing(429, "quota", Retry_After="3600"))
    _, error = collect(opened(small.base), chat("Hi"))
    assert "It asks to wait for 3600 s." in str(error)
    assert len(small.asked()) == 1


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (400, "logit_bias is odd", "refused the request (400): 'logit_bias is odd'."),
        (401, "who are you", "wants a key (401): 'who are you'"),
        (403, "not for you", "wants a key (403)"),
        (404, "The model `small` does not exist", "has no model 'small'"),
        (404, "", "has nothing at that address (404)"),
        (400, "This model's maximum context length is 512 tokens", "too long for its context window"),
        (413, "prompt too long", "too long for its context window"),
        (422, "bad", "refused the request (422): 'bad'."),
    ],
)
def test_a_refusal_is_one_sentence_and_is_not_tried_again(
    status: int, message: str, said: str, small: SmallServer
) -> None:
    small.chat(refusing(status, message))
    _, error = collect(opened(small.base), chat("Hi"))
    assert isinstance(error, EndpointError | ModelNotFound)
    assert said in str(error)
    assert "\n" not in str(error)
    assert len(small.asked()) == 1


@pytest.mark.parametrize(
    "body", [{"detail": "gone wrong"}, {"message": "gone wrong"}, {"error": "gone wrong"}, "gone wrong",
             {"detail": [{"loc": ["body"], "msg": "gone wrong"}]}]
)  # fmt: skip
def test_what_a_server_says_is_found_in_every_usual_form(body: object, small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.json(body, 400))
    _, error = collect(opened(small.base), chat("Hi"))
    assert "'gone wrong'" in str(error)


def test_a_page_of_html_is_not_quoted(small: SmallServer) -> None:
    def page(exchange: Exchange) -> None:
        exchange.head(502, "text/html")
        exchange.write(b"<html><h1>Bad gateway</h1></html>")

    small.chat(page)
    _, error = collect(opened(small.base), chat("Hi"))
    assert str(error) == f"{small.host} failed (502): try again later."


def test_a_key_that_a_server_repeats_is_hidden(small: SmallServer) -> None:
    keys.save(small.origin, KEY)
    small.chat(refusing(401, f"Incorrect API key provided: {KEY}."))
    _, error = collect(opened(small.base), chat("Hi"))
    assert KEY not in str(error)
    assert keys.HIDDEN in str(error)
    assert small.asked()[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_key_in_the_middle_of_an_answers_error_is_hidden(small: SmallServer) -> None:
    keys.save(small.origin, KEY)

    small.chat(lambda exchange: (exchange.head(), exchange.event({"error": {"message": f"lost {KEY}"}})))
    _, error = collect(opened(small.base), chat("Hi"))
    assert KEY not in str(error)
    assert "failed in the middle of its answer: 'lost" in str(error)


def test_nobody_there_is_one_sentence_after_so_many_tries() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(EndpointError, match=f"127.0.0.1:{port} cannot be reached: is the server running there"):
            opened(f"http://127.0.0.1:{port}/v1")


def test_a_cut_before_the_first_token_is_tried_again(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.cut(), lambda exchange: exchange.head(), ok)
    assert end(outputs(opened(small.base), chat("Hi"))).text == "Hello."
    assert len(small.asked()) == 3


def cut_after(exchange: Exchange) -> None:
    exchange.head()
    for piece in ("The ", "sea "):
        exchange.event({"choices": [{"delta": {"content": piece}}]})


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_cut_in_the_middle_leaves_what_had_come_and_is_not_tried_again(how: str, small: SmallServer) -> None:
    def cut(exchange: Exchange) -> None:
        cut_after(exchange)
        if how == "reset":
            threading.Event().wait(0.3)  # so that the tokens are read before the reset throws them away
            exchange.cut()

    small.chat(cut)
    items, error = collect(opened(small.base), chat("Hi"))
    assert "".join(token.shown for token in tokens(items)) == "The sea "
    assert "The 2 tokens that had come stand." in str(error)
    assert len(small.asked()) == 1


@pytest.mark.parametrize("rubbish", ["{nonsense", "[1, 2]", "42"])
def test_rubbish_in_the_middle_is_named_and_what_had_come_stands(rubbish: str, small: SmallServer) -> None:
    small.chat(lambda exchange: (cut_after(exchange), exchange.event(rubbish)))
    items, error = collect(opened(small.base), chat("Hi"))
    assert "".join(token.shown for token in tokens(items)) == "The sea "
    assert isinstance(error, EndpointError)


def test_an_answer_of_another_type_is_named(small: SmallServer) -> None:
    def page(exchange: Exchange) -> None:
        exchange.head(200, "text/html")
        exchange.write(b"<html>welcome</html>")

    small.chat(page)
    _, error = collect(opened(small.base), chat("Hi"))
    assert "answers with text/html instead of text of a model" in str(error)


def test_an_address_that_is_no_api_is_named(small: SmallServer) -> None:
    small.routes["/v1/models"] = lambda exchange: (exchange.head(200, "text/html"), exchange.write(b"<html>"))
    with pytest.raises(EndpointError, match=r"is no JSON: is .*/v1 the address of its API"):
        opened(small.base)


def test_something_that_is_no_http_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def greet() -> None:
            connection, _ = listening.accept()
            connection.recv(1 << 16)
            connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(EndpointError, match="no HTTP"):
            opened(f"http://127.0.0.1:{port}/v1")
        thread.join()


def test_a_stream_under_the_wrong_type_is_read(small: SmallServer) -> None:
    def plain(exchange: Exchange) -> None:
        exchange.head(200, "text/plain")
        exchange.event({"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]})
        exchange.event("[DONE]")

    small.chat(plain)
    assert end(outputs(opened(small.base), chat("Hi"))).text == "Hello"


def test_a_server_that_does_not_stream_is_read_whole(small: SmallServer) -> None:
    answer = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "length"}], "usage": {"prompt_tokens": 3}}
    small.chat(lambda exchange: exchange.json(answer))
    ended = end(outputs(opened(small.base), chat("Hi", max_tokens=1)))
    assert (ended.text, ended.reason, ended.prompt_tokens) == ("Hello", "max_tokens", 3)


def test_json_that_is_no_answer_is_quoted(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.json({"error": "the GPU is on fire"}))
    _, error = collect(opened(small.base), chat("Hi"))
    assert "'the GPU is on fire'" in str(error)


def test_silence_before_the_first_token_ends_after_its_time(small: SmallServer) -> None:
    left = threading.Event()
    small.chat(lambda exchange: (exchange.head(), exchange.left() and left.set()))
    _, error = collect(opened(small.base, msgspec.structs.replace(HASTY, first_token=0.3)), chat("Hi"))
    assert "has not sent its first token within 0 s" in str(error)
    assert left.wait(10)
    assert len(small.asked()) == 1


def test_silence_between_tokens_ends_after_its_time(small: SmallServer) -> None:
    small.chat(lambda exchange: (cut_after(exchange), exchange.left()))
    items, error = collect(opened(small.base, msgspec.structs.replace(HASTY, between=0.3)), chat("Hi"))
    assert "has not sent the next token" in str(error)
    assert "".join(token.shown for token in tokens(items)) == "The sea "


def test_a_silent_server_is_not_waited_for_when_it_is_opened(small: SmallServer) -> None:
    small.routes["/v1/models"] = lambda exchange: exchange.left()
    with pytest.raises(EndpointError, match="has not answered within"):
        opened(small.base, msgspec.structs.replace(HASTY, answer=0.2))


@pytest.mark.parametrize("begun", [True, False])
def test_stopping_before_the_first_token_closes_the_connection(begun: bool, small: SmallServer) -> None:
    waiting, left = threading.Event(), threading.Event()

    def wait(exchange: Exchange) -> None:
        if begun:
            exchange.head()
        waiting.set()
        if exchange.left():
            left.set()

    small.chat(wait)
    model = opened(small.base)
    threading.Thread(target=lambda: (waiting.wait(10), model.stop("skipped"))).start()
    assert end(outputs(model, chat("Hi"))).reason == "skipped"
    assert left.wait(10)


def test_opening_can_be_cancelled(small: SmallServer) -> None:
    from samantha.models import endpoints
    from samantha.models.model import LoadOptions

    waiting = threading.Event()
    small.routes["/v1/models"] = lambda exchange: (waiting.set(), exchange.left())
    with pytest.raises(EndpointError, match="cancelled"):
        list(endpoints.find(small.base, patience=HASTY).open(LoadOptions(), waiting.is_set))


def test_a_reader_who_leaves_closes_the_connection(small: SmallServer) -> None:
    left = threading.Event()
    small.chat(lambda exchange: (cut_after(exchange), exchange.left() and left.set()))
    stream = opened(small.base).generate(chat("Hi"))
    while not tokens([next(stream)]):
        pass
    stream.close()  # type: ignore[attr-defined]
    assert left.wait(10)


def test_a_slot_is_free_again_after_every_kind_of_end(small: SmallServer) -> None:
    small.chat(refusing(400), lambda exchange: (cut_after(exchange), exchange.cut()), ok)
    model = opened(small.base)
    collect(model, chat("Hi"))
    collect(model, chat("Hi"))
    assert end(outputs(model, chat("Hi"))).text == "Hello."


def test_a_redirect_to_another_server_is_not_followed(small: SmallServer, other: SmallServer) -> None:
    keys.save(small.origin, KEY)
    small.chat(refusing(307, Location=f"{other.base}/chat/completions"))
    other.chat(ok)
    _, error = collect(opened(small.base), chat("Hi"))
    assert f"redirects to {other.origin}" in str(error)
    assert other.seen == []


def test_a_redirect_within_the_server_is_followed_with_the_key(small: SmallServer) -> None:
    keys.save(small.origin, KEY)
    small.chat(refusing(307, Location="/elsewhere"))
    small.routes["/elsewhere"] = ok
    assert end(outputs(opened(small.base), chat("Hi"))).text == "Hello."
    (moved,) = small.asked("/elsewhere")
    assert moved.headers["authorization"] == f"Bearer {KEY}"
    assert moved.body["messages"][0]["content"] == "Hi"


def test_a_circle_of_redirects_ends(small: SmallServer) -> None:
    small.chat(refusing(307, Location="/v1/chat/completions"))
    _, error = collect(opened(small.base), chat("Hi"))
    assert "redirects in a circle" in str(error)


def test_no_proxy_sees_what_stays_on_this_computer(
    small: SmallServer, other: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, other.origin)
    small.chat(ok)
    assert end(outputs(opened(small.base), chat("Hi"))).text == "Hello."
    assert other.seen == []


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_answers_at_a_time_than_the_limit(parallel: int, small: SmallServer) -> None:
    from samantha.models.endpoints import known
    from samantha.settings import Endpoint

    known.add("lab", Endpoint(small.base, parallel=parallel))
    lock, now, most = threading.Lock(), 0, 0
    full = threading.Event()

    def count(exchange: Exchange) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == parallel:
                full.set()
        full.wait(10)  # the first ones answer only when the limit is reached
        with lock:
            now -= 1
        ok(exchange)

    small.chat(count)
    items = outputs(opened("lab"), chat("Hi", samples=6))
    assert [end(items, sample).text for sample in range(6)] == ["Hello."] * 6
    assert most == parallel


def test_a_sample_that_fails_lets_the_others_finish(small: SmallServer) -> None:
    small.chat(ok, refusing(400, "not this one"), ok)
    items, error = collect(opened(small.base), chat("Hi", samples=3))
    assert "not this one" in str(error)
    assert sorted(item.sample for item in items if isinstance(item, SampleFinished)) == [0, 2]


@pytest.mark.parametrize("field", ["stream_options", "seed", "max_tokens"])
def test_a_field_that_a_server_does_not_know_is_left_out(field: str, small: SmallServer) -> None:
    def picky(exchange: Exchange) -> None:
        if field in exchange.body:
            exchange.json({"error": {"message": f"Unsupported parameter: '{field}' is not supported."}}, 400)
        else:
            ok(exchange)

    small.chat(picky)
    model = opened(small.base)
    assert end(outputs(model, chat("Hi"))).text == "Hello."
    assert len(small.asked()) == 2
    assert ("max_completion_tokens" in small.asked()[-1].body) == (field == "max_tokens")
    assert ("seed" in notices(outputs(model, chat("Hi")))) == (field == "seed")
    assert len(small.asked()) == 3


def test_a_server_that_ignores_max_tokens_is_cut_off(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text(*["a"] * 50))
    ended = end(outputs(opened(small.base), chat("Hi", max_tokens=5)))
    assert ended.reason == "max_tokens"
    assert len(ended.text) == 6


def test_stop_strings_beyond_what_the_api_takes_are_looked_for_here(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("one ", "tw", "o thr", "ee"))
    items = outputs(opened(small.base), chat("Hi", stop=("a!", "b!", "c!", "d!", "three")))
    assert (end(items).text, end(items).reason) == ("one two ", "stop_string")
    assert "".join(token.shown for token in tokens(items)) == "one two "
    assert small.asked()[0].body["stop"] == ["a!", "b!", "c!", "d!"]


def test_what_could_have_become_a_stop_string_is_shown_at_the_end(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("one ", "EN"))
    items = outputs(opened(small.base), chat("Hi", stop=("END",)))
    assert end(items).text == "one EN" == "".join(token.shown for token in tokens(items))


def test_thoughts_in_a_field_of_their_own_stand_between_tags(small: SmallServer) -> None:
    def thinks(exchange: Exchange) -> None:
        exchange.head()
        for delta in ({"reasoning_content": "Hm"}, {"reasoning_content": "m."}, {"content": "Yes"}, {"content": "."}):
            exchange.event({"choices": [{"delta": delta}]})
        exchange.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})

    small.chat(thinks)
    assert end(outputs(opened(small.base), chat("Hi"))).text == "<think>Hmm.</think>Yes."


def test_what_a_provider_withholds_is_said(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("Well", end="content_filter"))
    items, error = collect(opened(small.base), chat("Hi"))
    assert "withheld the rest of the answer" in str(error)
    assert tokens(items)[0].shown == "Well"


def test_a_line_without_end_is_given_up(small: SmallServer) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.head()
        for _ in range(200):
            exchange.write(b"x" * (1 << 16))

    small.chat(endless)
    _, error = collect(opened(small.base), chat("Hi"))
    assert "without end" in str(error)


def test_comments_between_events_are_no_tokens(small: SmallServer) -> None:
    small.chat(lambda exchange: (exchange.head(), exchange.write(b": ping\n\n: ping\n\n"), cut_after_head(exchange)))
    assert end(outputs(opened(small.base), chat("Hi"))).text == "Hello"


def cut_after_head(exchange: Exchange) -> None:
    exchange.event({"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]})
    exchange.event("[DONE]")


def test_the_prompt_is_shown_as_processed_once_the_first_token_is_there(small: SmallServer) -> None:
    small.chat(ok)
    progress = [item for item in outputs(opened(small.base), chat("Hi")) if isinstance(item, PromptProgress)]
    assert [item.done == item.total for item in progress] == [False, True]


def test_what_only_a_model_file_can_do_is_refused_in_a_sentence(small: SmallServer) -> None:
    small.chat(ok)
    model = opened(small.base)
    with pytest.raises(EndpointError, match="Branches need a model file"):
        outputs(model, msgspec.structs.replace(chat("Hi"), prefix=(1,)))
    with pytest.raises(EndpointError, match="does not show its vocabulary"):
        model.vocabulary()
    stream = model.generate(chat("Hi"))
    next(stream), next(stream), next(stream)
    with pytest.raises(EndpointError, match="they hold from the next step on"):
        model.adjust(chat("Hi").samples[0])
    list(stream)
    model.adjust(chat("Hi").samples[0])  # nothing is in progress: no effect


def test_a_context_window_that_nobody_tells_is_assumed_and_said(small: SmallServer) -> None:
    model = opened(small.base, n_ctx=2000)
    assert model.describe().n_ctx == 2000
    assert "does not say how long its context window is: n_ctx 2000 is assumed" in model.describe().notices[0]


def test_an_estimate_is_called_one_and_refuses_nothing(small: SmallServer) -> None:
    small.chat(ok)
    small.routes["/v1/completions"] = lambda exchange: exchange.json(
        {"choices": [{"text": "x", "finish_reason": "stop"}]}
    )
    items = outputs(opened(small.base, n_ctx=100), chat("word " * 400))
    assert "is an estimate" in notices(items)
    assert end(items).text == "Hello."
    assert end(outputs(opened(small.base), raw("word"))).text == "x"


def test_several_models_want_a_choice(small: SmallServer) -> None:
    listed = {"data": [{"id": "one"}, {"id": "two"}]}
    small.routes["/v1/models"] = lambda exchange: exchange.json(listed)
    with pytest.raises(ModelNotFound, match="has the models one, two: choose one with `#name`"):
        opened(small.base)
    small.chat(ok)
    outputs(opened(f"{small.base}#two"), chat("Hi"))
    assert small.asked()[0].body["model"] == "two"


def test_the_usual_patience_is_long_enough_for_slow_computers() -> None:
    assert Patience().first_token >= 300
