"""Against a real server, `python -m llama_cpp.server` with Samantha Tiny: the same answers as the embedded model's."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from samantha import events
from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.errors import EndpointError, ModelNotFound
from samantha.models import library
from samantha.models.endpoints import EndpointModel, Servers, keys
from samantha.models.model import GenerateRequest, Message, SampleFinished, Token
from tests.models.endpoints.conftest import KEY, RealServer, chat, collect, end, opened, outputs, raw, tokens

PROMPTS = (
    "Write one sentence about the sea.",
    "Hi",
    "What is the capital of France?",
    "Write a Python function that adds two numbers.",
    "Escreva uma frase sobre o mar.",
    "Count from one to five.",
    "Say something kind.\nIn two lines.",
    "É à noite que os gatos são pardos?",
)


@pytest.fixture
def embedded(open_model: Callable[..., Any]) -> Any:
    return open_model(library.TINY_PATH)


def text_of(model: Any, request: GenerateRequest) -> str:
    return next(item.text for item in model.generate(request) if isinstance(item, SampleFinished))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_greedy_answer_is_the_embedded_models(prompt: str, tiny: EndpointModel, embedded: Any) -> None:
    assert text_of(tiny, chat(prompt)) == text_of(embedded, chat(prompt)) != ""


def test_a_conversation_with_a_system_prompt_is_answered_the_same(tiny: EndpointModel, embedded: Any) -> None:
    turns = (
        Message("system", "You are a poet."), Message("user", "Hi"), Message("assistant", "Hello."),
        Message("user", "Write one sentence about love."),
    )  # fmt: skip
    request = GenerateRequest(samples=chat("x").samples, messages=turns)
    assert text_of(tiny, request) == text_of(embedded, request) != ""


@pytest.mark.parametrize("text", ["Once upon a time", "def add(a, b):\n    return", "O mar é"])
def test_raw_text_is_continued_the_same(text: str, tiny: EndpointModel, embedded: Any) -> None:
    assert text_of(tiny, raw(text)) == text_of(embedded, raw(text)) != ""


def test_a_named_template_is_put_around_the_messages_here(tiny: EndpointModel, embedded: Any) -> None:
    request = GenerateRequest(samples=chat("x").samples, messages=chat("Hi").messages, template="chatml")
    assert text_of(tiny, request) == text_of(embedded, request) != ""


def test_an_answer_comes_token_by_token(tiny: EndpointModel, embedded: Any) -> None:
    items = outputs(tiny, chat(PROMPTS[0]))
    here = [item for item in embedded.generate(chat(PROMPTS[0])) if isinstance(item, Token)]
    assert [token.shown for token in tokens(items)] == [token.shown for token in here if token.shown]
    assert "".join(token.shown for token in tokens(items)) == end(items).text


@pytest.mark.parametrize("stop", [" the", "ea", "."])
def test_a_stop_string_ends_it_and_is_not_shown(stop: str, tiny: EndpointModel, embedded: Any) -> None:
    request = chat(PROMPTS[0], stop=(stop,))
    items = outputs(tiny, request)
    assert end(items).text == text_of(embedded, request)
    assert "".join(token.shown for token in tokens(items)) == end(items).text


def test_max_tokens_ends_it(tiny: EndpointModel) -> None:
    ended = end(outputs(tiny, chat(PROMPTS[0], max_tokens=3)))
    assert (ended.reason, ended.tokens) == ("max_tokens", 3)


@pytest.mark.parametrize("make", [chat, raw])
def test_probabilities_are_the_embedded_models(make: Any, tiny: EndpointModel, embedded: Any) -> None:
    request = make("The sea is", trace=5, max_tokens=12)
    there = tokens(outputs(tiny, request))
    here = [item for item in embedded.generate(request) if isinstance(item, Token)]
    assert len(there) == 12
    for far, near in zip(there, here, strict=False):
        assert far.trace is not None
        assert near.trace is not None
        assert far.trace.rank == near.trace.rank
        assert far.trace.probability == pytest.approx(near.trace.probability, abs=1e-3)
        assert [candidate.piece for candidate in far.trace.candidates[:2]] == [
            candidate.piece for candidate in near.trace.candidates[:2]
        ]


def test_stopping_ends_the_answer_and_the_server_is_free_again(tiny: EndpointModel) -> None:
    request = raw("Once upon a time", max_tokens=900, temperature=1.5, top_k=0, min_p=0.0, top_p=1.0)
    items = []
    for item in tiny.generate(request):
        items.append(item)
        if len(tokens(items)) == 3:
            tiny.stop()
    assert end(items).reason == "stopped"
    assert len(tokens(items)) < 900
    assert end(outputs(tiny, chat("Hi", max_tokens=3))).reason == "max_tokens"


def test_samples_are_independent_answers_that_their_seeds_decide(tiny: EndpointModel) -> None:
    def request(*seeds: int) -> GenerateRequest:
        knobs = [raw("", temperature=1.5, top_k=0, min_p=0.0, max_tokens=12, seed=seed).samples[0] for seed in seeds]
        return GenerateRequest(samples=tuple(knobs), text="Once upon a time")

    items = outputs(tiny, request(1, 2, 3))
    texts = [end(items, sample).text for sample in range(3)]
    assert len(set(texts)) == 3
    assert end(outputs(tiny, request(1))).text == texts[0]


def test_it_counts_and_splits_with_the_servers_tokenizer(tiny: EndpointModel, embedded: Any) -> None:
    text = "The sea is calm today."
    assert tiny.count(raw(text)) == embedded.count(raw(text))
    assert tiny.tokenize(text) == embedded.tokenize(text)


def test_characters_that_span_tokens_are_split_without_loss(tiny: EndpointModel) -> None:
    assert b"".join(piece for _, piece in tiny.tokenize("世界 e água 🙂")).decode() == "世界 e água 🙂"


def test_without_its_key_it_is_refused(real_server: RealServer) -> None:
    with pytest.raises(EndpointError, match="wants a key"):
        opened(real_server.origin)


def test_a_wrong_key_is_refused_and_not_repeated(real_server: RealServer) -> None:
    keys.save(real_server.origin, "sk-a-wrong-key")
    with pytest.raises(EndpointError, match="does not accept the key") as caught:
        opened(real_server.origin)
    assert "sk-a-wrong-key" not in str(caught.value)


def test_another_model_than_it_has_is_refused(real_server: RealServer) -> None:
    keys.save(real_server.origin, KEY)
    with pytest.raises(ModelNotFound, match="tiny"):
        opened(f"{real_server.origin}/v1#large")


def test_a_prompt_beyond_its_context_window_is_a_sentence(tiny: EndpointModel) -> None:
    items, error = collect(tiny, chat("word " * 2000))
    assert tokens(items) == []
    assert isinstance(error, EndpointError)
    assert "context window" in str(error)


class Source(Servers):
    """Endpoints as a chain's models."""

    def begin(self, names: Sequence[str] = (), cancelled: Callable[[], bool] = lambda: False) -> Sequence[str]:
        super().begin()
        return ()

    def end(self, names: Sequence[str]) -> None:
        pass

    def expect(self, name: str) -> None:
        pass


def test_a_chain_runs_on_it_and_no_event_holds_the_key(real_server: RealServer) -> None:
    keys.save(real_server.origin, KEY)
    chain = Chain(
        models=(f"{real_server.origin}/v1#tiny",), prompts="Hi\nWrite one sentence about the sea.", feedback_loop=True,
        seed=1,
    )  # fmt: skip
    lines = [events.encode(event) for event in engine.run(chain, Source())]
    finished = [event for event in map(events.decode, lines) if isinstance(event, events.StepFinished)]
    assert [bool(event.text) for event in finished] == [True, True]
    assert len([line for line in lines if b'"model_loaded"' in line]) == 1
    assert all(KEY.encode() not in line for line in lines)
