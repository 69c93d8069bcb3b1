"""The engine over scripted models: events, feedback, overflow, code, stop and skip, failures."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from samantha import events
from samantha.chain.chain import Chain, Example
from samantha.chain.engine import Run, run
from samantha.code.code import CodeOutcome, Finished, Found, Printed
from samantha.errors import ChainError, WorkerDied
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models.model import GenerateRequest, PromptFormat
from samantha.models.scripted import Answer, ScriptedSource

T = TypeVar("T")


def played(chain: Chain, answers: dict[str, Sequence[Answer]], **options: Any) -> tuple[list[Event], ScriptedSource]:
    source = ScriptedSource(answers, options.pop("n_ctx", 4000))
    return list(run(chain, source, **options)), source


def of(kind: type[T], found: Sequence[Event]) -> list[T]:
    return [event for event in found if isinstance(event, kind)]


def contents(source: ScriptedSource, model: str = "m") -> list[list[tuple[str, str]]]:
    return [[(m.role, m.content) for m in request.messages] for request in source.models[model].requests]


def reason(found: Sequence[Event]) -> str:
    last = found[-1]
    assert isinstance(last, events.RunFinished)
    return last.reason


def test_a_run_is_told_from_start_to_finish() -> None:
    found, _ = played(Chain(models=("m",), prompts="p", seed=7), {"m": ["one two"]})
    kinds = [type(event).__name__ for event in found]
    assert kinds == [
        "RunStarted", "ModelLoading", "ModelLoading", "ModelLoaded", "StepStarted", "PromptProcessing",
        "TokenGenerated", "TokenGenerated", "StepFinished", "RunFinished",
    ]  # fmt: skip
    assert of(events.StepFinished, found)[0].text == "one two"
    assert reason(found) == "done"
    assert found[0].seed == 7  # type: ignore[union-attr]


def test_every_event_survives_json() -> None:
    found, _ = played(Chain(models=("m",), prompts="p\nq", responses=2), {"m": ["é 🙂", WorkerDied("x"), "b", "c"]})
    assert [events.decode(events.encode(event)) for event in found] == found


def test_times_never_go_back() -> None:
    found, _ = played(Chain(models=("m",), prompts="p", responses=3), {"m": ["a b c"]})
    assert [event.time for event in found] == sorted(event.time for event in found)


def test_without_feedback_the_typed_response_is_given_to_every_step() -> None:
    chain = Chain(models=("m",), prompts="p\nq", system="s", previous_response="before")
    _, source = played(chain, {"m": ["one", "two"]})
    assert contents(source) == [
        [("system", "s"), ("assistant", "before"), ("user", prompt)] for prompt in ("p", "q")
    ]


def test_feedback_replaces_the_previous_response_across_prompts_responses_models_and_loops() -> None:
    chain = Chain(models=("m", "n"), prompts="p\nq", feedback_loop=True, previous_response="typed", loops=2)
    _, source = played(chain, {"m": ["m1", "m2", "m3", "m4"], "n": ["n1", "n2", "n3", "n4"]})
    seen = {model: [turns[0][1] for turns in contents(source, model)] for model in "mn"}
    assert seen == {"m": ["typed", "m1", "n2", "m3"], "n": ["m2", "n1", "m4", "n3"]}


def test_cumulative_feedback_joins_the_answers_newest_last() -> None:
    chain = Chain(models=("m",), prompts="p\nq\nr", feedback_loop=True, cumulative_response=True,
                  previous_response="typed")
    _, source = played(chain, {"m": ["one", "two", "three"]})
    assert [turns[0][1] for turns in contents(source)] == ["typed", "one", "one\n\ntwo"]


def test_thinking_is_shown_but_not_fed_back() -> None:
    chain = Chain(models=("m",), prompts="p\nq {{responses}}", feedback_loop=True)
    found, source = played(chain, {"m": ["<think>hm\nhm</think>yes"]})
    assert of(events.StepFinished, found)[0].text == "<think>hm\nhm</think>yes"
    assert contents(source)[1] == [("assistant", "yes"), ("user", "q Response 1 (m, prompt 1):\nyes")]
    _, source = played(msgspec.structs.replace(chain, strip_thinking=False), {"m": ["<think>a</think>b"]})
    assert contents(source)[1][0] == ("assistant", "<think>a</think>b")


def test_the_final_prompt_sees_all_answers_under_their_headings_and_not_the_instruction() -> None:
    chain = Chain(models=("m",), prompts="[Be brief.]\np\n---no\nq\n[[Sum up:]]")
    _, source = played(chain, {"m": ["one", "two", "sum"]})
    asked = [turns[-1][1] for turns in contents(source)]
    assert asked[:2] == ["Be brief.\np", "Be brief.\nq"]
    assert asked[2] == "Sum up:\n\nResponse 1 (m, prompt 1):\none\n\nResponse 2 (m, prompt 2):\ntwo"


def test_placeholders_and_variables_are_filled() -> None:
    chain = Chain(models=("m",), prompts="about {{topic}}\nagain {{last}}", variables={"topic": "{{last}}"})
    _, source = played(chain, {"m": ["one"]})
    assert [turns[-1][1] for turns in contents(source)] == ["about {{last}}", "again one"]


def test_few_shot_turns_come_before_the_previous_response() -> None:
    chain = Chain(models=("m",), prompts="p", system="s", previous_response="b", examples=(Example("u", "a"),))
    _, source = played(chain, {"m": ["x"]})
    assert [role for role, _ in contents(source)[0]] == ["system", "user", "assistant", "assistant", "user"]


def test_raw_mode_sends_text_without_a_template() -> None:
    _, source = played(Chain(models=("m",), prompts="Once", raw=True), {"m": ["upon"]})
    request = source.models["m"].requests[0]
    assert (request.text, request.messages) == ("Once", ())


def test_parts_of_the_system_prompt_that_begin_with_dashes_are_left_out() -> None:
    chain = Chain(models=("m",), prompts="p", system="a$$$---b$$$c")
    _, source = played(chain, {"m": ["x"]})
    assert contents(source)[0][0] == ("system", "a\n\nc")


def test_cumulative_responses_that_do_not_fit_lose_the_oldest_with_a_notice() -> None:
    long = "word " * 29 + "end"
    chain = Chain(models=("m",), prompts="p", loops=8, feedback_loop=True, cumulative_response=True)
    found, source = played(chain, {"m": [f"{n} {long}" for n in range(8)]}, n_ctx=200)
    last = contents(source)[-1][0][1]
    assert last.endswith("end")
    assert "6 word" in last
    assert "0 word" not in last
    assert any("oldest" in notice.message for notice in of(events.Notice, found))
    assert len(of(events.StepFinished, found)) == 8


def test_a_too_long_previous_response_loses_its_beginning_with_a_notice() -> None:
    chain = Chain(models=("m",), prompts="p", previous_response=" ".join(map(str, range(500))))
    found, source = played(chain, {"m": ["x"]}, n_ctx=200)
    given = contents(source)[0][0][1]
    assert given.endswith("498 499")
    assert len(given.split()) > 120
    assert any("lost its first" in notice.message for notice in of(events.Notice, found))


def test_responses_that_do_not_fit_the_final_prompt_lose_the_oldest() -> None:
    chain = Chain(models=("m",), prompts="p\n[[Sum:]]", loops=8)
    found, source = played(chain, {"m": ["word " * 29 + "end"]}, n_ctx=200)
    assert "Response 1 " not in contents(source)[-1][-1][1]
    assert "Response 15 " in contents(source)[-1][-1][1]
    assert not of(events.StepFailed, found)


def test_a_prompt_that_cannot_fit_is_refused_with_the_numbers_and_the_run_goes_on() -> None:
    chain = Chain(models=("m",), prompts="word " * 190 + "\nshort")
    found, _ = played(chain, {"m": ["x"]}, n_ctx=200)
    assert "191 tokens" in of(events.StepFailed, found)[0].message
    assert [step.step for step in of(events.StepFinished, found)] == [2]
    assert reason(found) == "done"


def test_a_model_that_is_missing_fails_its_steps_and_the_next_model_is_tried() -> None:
    found, _ = played(Chain(models=("gone", "m"), prompts="p\nq"), {"m": ["x"]})
    assert [step.step for step in of(events.StepFailed, found)] == [1, 2]
    assert [step.step for step in of(events.StepFinished, found)] == [3, 4]
    assert reason(found) == "done"


def test_a_run_in_which_everything_fails_has_failed_and_does_not_loop_for_ever() -> None:
    found, _ = played(Chain(models=("gone",), prompts="p", loops=0), {"m": ["x"]})
    assert reason(found) == "failed"
    assert len(of(events.StepFailed, found)) == 1


def test_a_crash_keeps_the_partial_text_and_the_run_goes_on() -> None:
    class Crashing(ScriptedSource):
        pass

    source = Crashing({"m": ["one two three"]})
    model = source.models["m"]
    original = model.generate

    def crash_once(request: GenerateRequest) -> Iterator[Any]:
        outputs = original(request)
        for _ in range(4):
            yield next(outputs)
        model.generate = original  # type: ignore[method-assign]
        raise WorkerDied("The process of m ended: it crashed with SIGSEGV.")

    model.generate = crash_once  # type: ignore[method-assign]
    found = list(run(Chain(models=("m",), prompts="p\nq"), source))
    failed = of(events.StepFailed, found)[0]
    assert (failed.step, failed.text) == (1, "one two")
    assert "SIGSEGV" in failed.message
    assert of(events.StepFinished, found)[0].step == 2


def pulled_until(stream: Run, kind: type[Event], step: int) -> Iterator[Event]:
    for event in stream:
        yield event
        if isinstance(event, kind) and event.step == step:
            return


def test_stop_ends_the_step_and_the_run_and_empties_the_context() -> None:
    source = ScriptedSource({"m": ["one two three four"]})
    stream = run(Chain(models=("m",), prompts="p\nq"), source)
    list(pulled_until(stream, events.TokenGenerated, 1))
    stream.stop()
    rest = list(stream)
    assert of(events.StepFinished, rest)[0].reason == "stopped"
    assert of(events.StepFinished, rest)[0].text == "one"
    assert reason(rest) == "stopped"
    assert not of(events.StepStarted, rest)
    assert source.models["m"].resets == 1


def test_skip_ends_the_step_its_text_counts_and_the_run_goes_on() -> None:
    source = ScriptedSource({"m": ["one two three four"]})
    stream = run(Chain(models=("m",), prompts="p\nq", feedback_loop=True), source)
    list(pulled_until(stream, events.TokenGenerated, 1))
    stream.skip()
    rest = list(stream)
    assert [step.reason for step in of(events.StepFinished, rest)] == ["skipped", "end"]
    assert contents(source)[1][0] == ("assistant", "one")
    assert reason(rest) == "done"


def test_skip_ends_a_whole_group() -> None:
    source = ScriptedSource({"m": ["one two three four"]})
    stream = run(Chain(models=("m",), prompts="p\nq", responses=3), source)
    list(pulled_until(stream, events.TokenGenerated, 5))
    stream.skip()
    assert [step.reason for step in of(events.StepFinished, list(stream))] == ["skipped"] * 3 + ["end"] * 3


@pytest.mark.parametrize(("action", "ends"), [("stop", ["stopped"]), ("skip", ["skipped", "end"])])
def test_an_interruption_while_loading_is_heard(action: str, ends: list[str]) -> None:
    source = ScriptedSource({"m": ["one"]})
    stream = run(Chain(models=("m",), prompts="p\nq"), source)
    for event in stream:
        if isinstance(event, events.ModelLoading):
            getattr(stream, action)()
            break
    rest = list(stream)
    assert [step.reason for step in of(events.StepFinished, rest)] == [end for end in ends if end != "stopped"]
    assert reason(rest) == ("stopped" if action == "stop" else "done")


def test_groups_overlap_and_keep_their_numbers() -> None:
    found, _ = played(Chain(models=("m",), prompts="p\nq", responses=2), {"m": ["a b"]})
    started = [(step.step, step.group) for step in of(events.StepStarted, found)]
    assert started == [(1, (1, 3)), (3, (1, 3)), (2, (2, 4)), (4, (2, 4))]


def test_a_model_is_loaded_once_per_visit() -> None:
    _, source = played(Chain(models=("m", "m", "n"), prompts="p\nq", responses=2), {"m": ["a"], "n": ["b"]})
    assert [name for name, _ in source.loads] == ["m", "n"]


def test_another_n_ctx_in_braces_loads_again_by_itself() -> None:
    _, source = played(Chain(models=("m",), prompts="p\n{n_ctx=999} q"), {"m": ["a"]})
    assert [options.n_ctx for _, options in source.loads] == [4000, 999]


def test_reset_model_turns_reuse_off() -> None:
    _, source = played(Chain(models=("m",), prompts="p", reset_model=True), {"m": ["a"]})
    assert source.models["m"].requests[0].reuse is False


def test_what_differs_from_the_defaults_is_recorded() -> None:
    chain = Chain(models=("m",), prompts="{stop=['x']} p", hyperparameters=Hyperparameters(top_k=3))
    found, _ = played(chain, {"m": ["a"]})
    assert of(events.StepStarted, found)[0].changed == {"top_k": 3, "stop": ["x"]}


@pytest.mark.parametrize(
    ("chain", "sentence"),
    [
        (Chain(prompts=""), "empty"),
        (Chain(prompts="---a"), "empty"),
        (Chain(models=(), prompts="p"), "model"),
        (Chain(prompts="{temprature=1} p"), "temperature"),
        (Chain(prompts="{top_p=2} p"), "0 to 1"),
        (Chain(prompts="{{nope}}", variables={"a": "b"}), "nope"),
        (Chain(prompts="p", template="lama-3"), "llama-3"),
        (Chain(prompts="p", models=("a", "b"), shuffle_models=True), "3"),
        (Chain(prompts="p", run_code=True), "run_code"),
    ],
)
def test_mistakes_are_raised_before_the_first_event(chain: Chain, sentence: str) -> None:
    with pytest.raises(ChainError, match=sentence):
        run(chain, ScriptedSource({"tiny": ["x"]}))


def test_a_users_own_format_is_no_mistake() -> None:
    found, _ = played(Chain(models=("m",), prompts="p", template=PromptFormat(user_prefix="U:")), {"m": ["x"]})
    assert reason(found) == "done"


class ScriptedCode:
    """Prints what the response names after `run`; the real runner has its own tests."""

    def __init__(self, outcome: dict[str, tuple[str, str]]) -> None:
        self.outcome = outcome
        self.stopped = 0
        self.runs: list[tuple[str, str]] = []

    def prepare(self, run: str) -> None:
        self.runs.append(("prepare", run))

    def finish(self, run: str) -> None:
        self.runs.append(("finish", run))

    def run(self, response: str, run: str, step: int) -> Iterator[CodeOutcome]:
        if response in self.outcome:
            printed, end = self.outcome[response]
            yield Found(response)
            yield Printed("stdout", printed)
            yield Printed("stderr", "a warning")
            yield Finished(printed.strip(), end, 0.1)

    def stop(self) -> None:
        self.stopped += 1


CODE = Chain(models=("m",), prompts="p", loops=3, run_code=True, feedback_loop=True)


def test_the_runner_is_made_ready_once_and_told_of_the_end() -> None:
    code = ScriptedCode({})
    found, _ = played(CODE, {"m": ["a"]}, code=code)
    assert code.runs == [("prepare", found[0].run), ("finish", found[0].run)]


def test_the_output_of_code_is_fed_back_after_the_response() -> None:
    _, source = played(CODE, {"m": ["a", "b", "c"]}, code=ScriptedCode({"a": ("42\n", "ok")}))
    assert [turns[0][1] for turns in contents(source)[1:]] == ["a\n\n42", "b"]


def test_code_output_only_keeps_the_last_text_when_it_is_empty() -> None:
    chain = msgspec.structs.replace(CODE, feedback_code_output_only=True)
    code = ScriptedCode({"a": ("42\n", "ok"), "b": ("", "ok")})
    _, source = played(chain, {"m": ["a", "b", "c"]}, code=code)
    assert [turns[0][1] for turns in contents(source)[1:]] == ["42", "42"]


@pytest.mark.parametrize(
    ("printed", "end", "steps"),
    [
        (" STOP_SAMANTHA\n", "ok", 1),
        ("not STOP_SAMANTHA", "ok", 3),
        ("", "ok", 3),
        ("STOP_SAMANTHA", "raised", 3),
        ("STOP_SAMANTHA", "time", 3),
    ],
)
def test_stop_samantha_ends_the_run_only_when_it_is_all_that_was_printed(printed: str, end: str, steps: int) -> None:
    found, _ = played(CODE, {"m": ["a"]}, code=ScriptedCode({"a": (printed, end)}))
    assert len(of(events.StepFinished, found)) == steps
    assert reason(found) == ("stop_samantha" if steps == 1 else "done")


@pytest.mark.parametrize(
    ("printed", "end", "ended"),
    [("x", "ok", True), ("None\n", "ok", False), (" ", "ok", False), ("x", "raised", False)],
)
def test_the_stop_condition_wants_output_without_an_error(printed: str, end: str, ended: bool) -> None:
    chain = msgspec.structs.replace(CODE, stop_condition=True)
    found, _ = played(chain, {"m": ["a"]}, code=ScriptedCode({"a": (printed, end)}))
    assert (reason(found) == "stop_condition") is ended


def test_after_a_skip_the_code_runs_and_after_a_stop_it_does_not() -> None:
    for action, expected in (("skip", 1), ("stop", 0)):
        source = ScriptedSource({"m": ["a b"]})
        stream = run(msgspec.structs.replace(CODE, loops=1), source, code=ScriptedCode({"a": ("1", "ok")}))
        list(pulled_until(stream, events.TokenGenerated, 1))
        getattr(stream, action)()
        assert len(of(events.CodeFinished, list(stream))) == expected


class StoppedCode(ScriptedCode):
    """Code that is stopped while it runs."""

    def run(self, response: str, run: str, step: int) -> Iterator[CodeOutcome]:
        yield Found("while True: pass")
        yield Finished("", "stopped" if self.stopped else "ok", 0.1)


@pytest.mark.parametrize(("action", "ends"), [("skip", "done"), ("stop", "stopped")])
def test_code_that_runs_is_ended_by_a_skip_and_by_a_stop(action: str, ends: str) -> None:
    stream = run(CODE, ScriptedSource({"m": ["a"]}), code=StoppedCode({}))
    for event in stream:
        if isinstance(event, events.CodeFound):
            getattr(stream, action)()
            break
    found = list(stream)
    assert found[0].reason == "stopped"
    assert found[-1].reason == ends
