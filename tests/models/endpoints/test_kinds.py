"""What llama-server, vLLM, Ollama and LM Studio add to the API, as their documentation gives it.

None of them can be installed where the tests run: small servers answer in their documented forms. Tested is that
these forms are understood, and that each is sent the fields it knows; not that the programs behave so.
"""

from typing import Any

import pytest

from samantha.errors import ModelNotFound, PromptTooLong
from samantha.hyperparameters import SAMPLERS, Hyperparameters
from samantha.models.endpoints import sampling
from samantha.models.model import PromptProgress, Rendered
from tests.models.endpoints.conftest import chat, end, notices, opened, outputs, raw, tokens
from tests.models.endpoints.small_server import Exchange, SmallServer


def listed(*entries: dict[str, Any]) -> Any:
    return lambda exchange: exchange.json({"object": "list", "data": list(entries)})


@pytest.fixture
def llama_server(small: SmallServer) -> SmallServer:
    meta = {"n_vocab": 32000, "n_ctx_train": 8192, "n_params": 7_000_000_000, "size": 4_000_000_000}
    small.routes["/v1/models"] = listed({"id": "llama", "owned_by": "llamacpp", "meta": meta})
    small.routes["/props"] = lambda exchange: exchange.json(
        {"default_generation_settings": {"n_ctx": 300}, "total_slots": 2, "build_info": "b1-abc"}
    )
    small.routes["/apply-template"] = lambda exchange: exchange.json(
        {"prompt": "".join(f"<{turn['role']}>{turn['content']}" for turn in exchange.body["messages"]) + "<assistant>"}
    )
    small.routes["/tokenize"] = tokenize
    small.chat(lambda exchange: exchange.text("ok"))
    return small


def tokenize(exchange: Exchange) -> None:
    """One token a byte."""
    content = exchange.body["content"].encode()
    pieces = [{"id": byte, "piece": chr(byte) if byte < 128 else [byte]} for byte in content]
    exchange.json({"tokens": pieces if exchange.body.get("with_pieces") else list(content)})


def test_llama_server_says_what_it_has(llama_server: SmallServer) -> None:
    model = opened(llama_server.base)
    described = model.describe()
    assert (described.n_ctx, described.n_ctx_train, described.n_vocab) == (300, 8192, 32000)
    assert (described.parameters, described.size, model.facts.parallel) == (7_000_000_000, 4_000_000_000, 2)


def test_llama_server_shows_the_prompt_as_it_renders_it(llama_server: SmallServer) -> None:
    rendered = outputs(opened(llama_server.base), chat("Hi", trace=1))[0]
    assert isinstance(rendered, Rendered)
    assert rendered.text == "<user>Hi<assistant>"
    assert (rendered.prompt_tokens, rendered.notices) == (len(rendered.text), ())
    assert bytes(rendered.tokens) == rendered.text.encode()


def test_llama_server_splits_characters_into_bytes(llama_server: SmallServer) -> None:
    assert opened(llama_server.base).tokenize("aé") == [(97, b"a"), (195, b"\xc3"), (169, b"\xa9")]


def test_what_a_known_window_does_not_hold_is_refused_before_it_is_sent(llama_server: SmallServer) -> None:
    with pytest.raises(PromptTooLong):
        outputs(opened(llama_server.base), raw("x" * 290))
    outputs(opened(llama_server.base), chat("x" * 81))
    assert llama_server.asked()[0].body["max_tokens"] == 40
    outputs(opened(llama_server.base), chat("x" * 250, max_tokens=4000))
    assert llama_server.asked()[1].body["max_tokens"] == 300 - len("<user><assistant>") - 250


def test_llama_server_tells_how_far_the_prompt_is(llama_server: SmallServer) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head()
        for done in (64, 128):
            progress = {"total": 128, "cache": 32, "processed": done, "time_ms": 1}
            exchange.event({"choices": [], "prompt_progress": progress})
        exchange.event({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}],
                        "timings": {"prompt_n": 96, "cache_n": 32, "predicted_n": 1, "prompt_ms": 1500.0}})  # fmt: skip
        exchange.event("[DONE]")

    llama_server.chat(answer)
    items = outputs(opened(llama_server.base), chat("Hi"))
    assert [item.done for item in items if isinstance(item, PromptProgress)][1:3] == [64, 128]
    ended = end(items)
    assert (ended.prompt_tokens, ended.reused, ended.prompt_seconds, ended.tokens) == (128, 32, 1.5, 1)


def test_llama_server_gives_ids(llama_server: SmallServer) -> None:
    def answer(exchange: Exchange) -> None:
        top = [{"id": 9, "token": "Hi", "bytes": [72, 105], "logprob": -0.1}, {"id": 3, "token": "Ho", "logprob": -3.0}]
        exchange.head()
        exchange.event({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop", "logprobs": {"content": [
            {"id": 9, "token": "Hi", "bytes": [72, 105], "logprob": -0.1, "top_logprobs": top}]}}]})  # fmt: skip
        exchange.event("[DONE]")

    llama_server.chat(answer)
    (token,) = tokens(outputs(opened(llama_server.base), chat("Hi", trace=2)))
    assert (token.id, token.piece) == (9, b"Hi")
    assert token.trace is not None
    assert [candidate.id for candidate in token.trace.candidates] == [9, 3]
    assert llama_server.asked()[0].body["top_logprobs"] == 2


def test_vllm_renders_counts_and_names_its_stop_string(small: SmallServer) -> None:
    small.routes["/v1/models"] = listed({"id": "org/model", "owned_by": "vllm", "max_model_len": 400})
    small.routes["/tokenize"] = lambda exchange: exchange.json({"tokens": [1, 2, 3], "count": 3, "max_model_len": 400})
    small.routes["/detokenize"] = lambda exchange: exchange.json({"prompt": "<s>Hi"})

    def answer(exchange: Exchange) -> None:
        exchange.head()
        exchange.event({"choices": [{"delta": {"content": "one "}, "token_ids": [77]}]})
        exchange.event({"choices": [{"delta": {}, "finish_reason": "stop", "stop_reason": "END"}]})
        exchange.event("[DONE]")

    small.chat(answer)
    model = opened(small.base)
    items = outputs(model, chat("Hi", stop=("END",)))
    assert isinstance(items[0], Rendered)
    assert (items[0].text, items[0].prompt_tokens) == ("<s>Hi", 3)
    assert end(items).reason == "stop_string"
    assert model.facts.parallel == 8


def test_ollama_is_found_by_a_name_without_its_tag(small: SmallServer) -> None:
    small.routes["/v1/models"] = listed(
        {"id": "llama3:latest", "owned_by": "library"}, {"id": "b:1", "owned_by": "library"}
    )
    small.routes["/api/ps"] = lambda exchange: exchange.json(
        {"models": [{"model": "llama3:latest", "context_length": 4096}]}
    )
    model = opened(f"{small.base}#llama3", n_ctx=0)
    assert (model.facts.model, model.describe().n_ctx) == ("llama3:latest", 4096)
    with pytest.raises(ModelNotFound, match="has no model 'mistral'"):
        opened(f"{small.base}#mistral")


def test_lm_studio_tells_its_window(small: SmallServer) -> None:
    small.routes["/v1/models"] = listed({"id": "qwen", "owned_by": "organization_owner"})
    small.routes["/api/v0/models/qwen"] = lambda exchange: exchange.json(
        {"loaded_context_length": 2048, "max_context_length": 32768}
    )
    described = opened(small.base).describe()
    assert (described.n_ctx, described.n_ctx_train) == (2048, 32768)


def test_a_server_of_unknown_kind_gets_the_standard_fields_and_a_word_on_the_others(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("ok"))
    model = opened(small.base)
    request = chat("Hi", temperature=0.8, top_k=5, repeat_penalty=1.2, dry_multiplier=1.0)
    items = outputs(model, request)
    body = small.asked()[0].body
    assert set(body) == {
        "model", "stream", "stream_options", "messages", "temperature", "top_p", "presence_penalty",
        "frequency_penalty", "max_tokens", "seed",
    }  # fmt: skip
    assert "does not take top_k, min_p, repeat_penalty, dry_multiplier: left out" in notices(items)
    assert "does not take" not in notices(outputs(model, request))


def test_a_greedy_request_needs_no_word_on_knobs_that_cannot_matter(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("ok"))
    assert "does not take" not in notices(outputs(opened(small.base), chat("Hi")))


@pytest.mark.parametrize("knob", [{"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}, {"tfs_z": 0.0}])
def test_a_knob_that_leaves_one_candidate_is_temperature_0_everywhere(knob: dict[str, float]) -> None:
    values = Hyperparameters(temperature=0.9, **knob)  # type: ignore[arg-type]
    assert sampling.fields(values, "standard", 4000).fields["temperature"] == 0
    assert sampling.fields(values, "standard", 4000).ignored == ()


@pytest.mark.parametrize("kind", list(sampling.TAKEN))
def test_every_knob_is_sent_or_named(kind: str) -> None:
    values = Hyperparameters(
        temperature=0.7, top_k=3, top_p=0.5, min_p=0.1, typical_p=0.6, tfs_z=0.7, presence_penalty=0.1,
        frequency_penalty=0.2, repeat_penalty=1.1, top_n_sigma=1.0, xtc_probability=0.4, dry_multiplier=0.5, mirostat=2,
        dynatemp_range=0.3, grammar="root ::= \"a\"", repeat_last_n=9, xtc_threshold=0.3, dry_base=2.0,
        dry_allowed_length=4, mirostat_tau=4.0, mirostat_eta=0.2, dynatemp_exponent=2.0,
    )  # fmt: skip
    made = sampling.fields(values, kind, 4000)
    changed = {name for name in values.__struct_fields__ if getattr(values, name) != getattr(Hyperparameters(), name)}
    assert changed == set(sampling.TAKEN[kind]) & changed | set(made.ignored)
    assert set(sampling.TAKEN[kind].values()) <= set(made.fields)


def test_a_sampler_that_is_left_out_does_nothing() -> None:
    values = Hyperparameters(temperature=0.7, top_k=3, samplers=("temperature",))
    made = sampling.fields(values, "llama-server", 4000).fields
    assert (made["top_k"], made["top_p"], made["min_p"], made["samplers"]) == (0, 1.0, 0.0, ["temperature"])


def test_another_order_is_sent_or_named() -> None:
    values = Hyperparameters(temperature=0.7, samplers=tuple(reversed(SAMPLERS)))
    assert sampling.fields(values, "llama-server", 4000).fields["samplers"][0] == "temperature"
    assert sampling.fields(values, "kobold", 4000).fields["sampler_order"][0] == 5
    assert "samplers" in sampling.fields(values, "standard", 4000).ignored


@pytest.mark.parametrize(("kind", "field"), [("standard", "response_format"), ("kobold", "grammar")])
def test_a_json_schema_is_asked_for_in_each_way(kind: str, field: str) -> None:
    made = sampling.fields(Hyperparameters(json_schema='{"type": "object"}'), kind, 4000)
    assert field in made.fields
    assert made.ignored == ()
