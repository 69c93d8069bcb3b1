"""Generation on a real file: ends, limits, stop strings, raw text, the beginning token, stopping."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.errors import PromptTooLong
from samantha.hyperparameters import Hyperparameters
from samantha.models.llama.model import LlamaModel
from samantha.models.model import GenerateRequest, Message, PromptProgress, Rendered, SampleFinished, Token

OpenModel = Callable[..., LlamaModel]


def finished(model: LlamaModel, request: GenerateRequest) -> SampleFinished:
    return [output for output in model.generate(request) if isinstance(output, SampleFinished)][-1]


def test_outputs_come_in_the_order_of_the_port(random_gguf: Path, open_model: OpenModel) -> None:
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=3),), messages=(Message("user", "hi " * 100),))
    outputs = list(open_model(random_gguf).generate(request))
    assert isinstance(outputs[0], Rendered)
    passes = [output for output in outputs if isinstance(output, PromptProgress)]
    assert [output.done for output in passes] == [*range(0, passes[-1].total, 64), passes[-1].total]
    assert [type(output) for output in outputs[-4:]] == [Token, Token, Token, SampleFinished]


def test_max_tokens_is_exact(random_gguf: Path, open_model: OpenModel) -> None:
    end = finished(open_model(random_gguf), GenerateRequest(samples=(Hyperparameters(max_tokens=7),), text="hello"))
    assert (end.tokens, end.reason) == (7, "max_tokens")


def test_a_full_context_ends_the_answer_with_its_own_reason(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf, n_ctx=100)
    end = finished(model, GenerateRequest(samples=(Hyperparameters(max_tokens=0),), text="hello there"))
    assert end.reason == "context_full"
    assert end.prompt_tokens + end.tokens == 100


def test_a_prompt_that_leaves_fewer_than_16_tokens_is_refused_with_the_numbers(
    random_gguf: Path, open_model: OpenModel
) -> None:
    model = open_model(random_gguf, n_ctx=100)
    tokens = len(model.tokenize("word " * 30))
    with pytest.raises(PromptTooLong, match="100") as caught:
        list(model.generate(GenerateRequest(samples=(Hyperparameters(),), text="word " * 30)))
    assert caught.value.prompt_tokens == tokens


def test_a_stop_string_ends_the_answer_and_is_not_shown(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    whole = finished(model, GenerateRequest(samples=(Hyperparameters(max_tokens=30),), text="hello")).text
    stop = whole[7:11]
    values = Hyperparameters(max_tokens=30, stop=(stop,))
    outputs = list(model.generate(GenerateRequest(samples=(values,), text="hello")))
    end = outputs[-1]
    assert isinstance(end, SampleFinished)
    assert end.reason == "stop_string"
    assert end.text == whole[: whole.index(stop)]
    assert "".join(output.shown for output in outputs if isinstance(output, Token)) == end.text


def test_pieces_are_the_bytes_of_the_answer(random_gguf: Path, open_model: OpenModel) -> None:
    values = Hyperparameters(temperature=2.0, top_k=0, top_p=1.0, min_p=0.0, seed=3, max_tokens=100)
    outputs = list(open_model(random_gguf).generate(GenerateRequest(samples=(values,), text="hello")))
    end = outputs[-1]
    assert isinstance(end, SampleFinished)
    data = b"".join(output.piece for output in outputs if isinstance(output, Token))
    for control in (b"<|im_end|>", b"<|im_start|>"):
        data = data.replace(control, b"")  # control tokens have bytes and no visible text
    assert data.decode(errors="replace") == end.text


@pytest.mark.parametrize("reason", ["stopped", "skipped"])
def test_a_stop_in_the_prompt_pass_ends_it_and_the_context_is_usable_again(
    random_gguf: Path, open_model: OpenModel, reason: str
) -> None:
    model = open_model(random_gguf, n_ctx=8000)
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=3),), text="word " * 2500)
    outputs = model.generate(request)
    for output in outputs:
        if isinstance(output, PromptProgress) and output.done >= 640:
            model.stop(reason)  # type: ignore[arg-type]
            break
    rest = list(outputs)
    assert [type(output) for output in rest] == [SampleFinished]
    assert (rest[0].reason, rest[0].tokens) == (reason, 0)  # type: ignore[union-attr]
    end = finished(model, request)
    assert end.tokens == 3
    assert end.reused >= 640


def test_a_stop_from_another_thread_ends_a_generation_and_keeps_the_text(
    random_gguf: Path, open_model: OpenModel
) -> None:
    model = open_model(random_gguf)
    shown = []
    for output in model.generate(GenerateRequest(samples=(Hyperparameters(max_tokens=0),), text="hello")):
        if isinstance(output, Token):
            shown.append(output.shown)
            if len(shown) == 5:
                thread = threading.Thread(target=model.stop)
                thread.start()
                thread.join()
    assert isinstance(output, SampleFinished)
    assert output.reason == "stopped"
    assert output.text.startswith("".join(shown))
    assert output.tokens < 10


def test_counting_agrees_with_generating(random_gguf: Path, open_model: OpenModel) -> None:
    model = open_model(random_gguf)
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=1),), messages=(Message("user", "olá, mundo"),))
    assert model.count(request) == finished(model, request).prompt_tokens
    assert b"".join(piece for _, piece in model.tokenize("olá, mundo")) == "olá, mundo".encode()
