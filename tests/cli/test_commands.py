"""complete, models, runs, doctor, and the way to the page."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samantha import settings
from samantha.cli import checks, main
from samantha.cli.checks import Finding
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore

from .conftest import Samantha, answer


@pytest.mark.parametrize("text", ["Once upon", " a \n\n", "[a] {top_k=1} $$$ {{last}}", "a\r\nb", "---"])
def test_a_text_is_continued_as_it_is(samantha: Samantha, models: ScriptedSource, tmp_path: Path, text: str) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(text.encode() + b"\n")
    for given in (
        samantha("complete", "--top_k=3", "--", text), samantha("complete", "--file", str(file)),
        samantha("complete", typed=text + "\n"), samantha("complete", "-", typed=text + "\n"),
    ):  # fmt: skip
        assert given.status == 0
        assert given.out == "One two three.\n"
    assert {request.text for request in models.models["tiny"].requests} == {text}
    assert models.models["tiny"].requests[0].samples[0].top_k == 3


def test_echo_prints_the_text_first(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, " a time")
    assert samantha("complete", "Once upon", "--echo").out == "Once upon a time\n"


def test_nothing_to_complete_is_told(samantha: Samantha) -> None:
    assert "no text to continue" in samantha("complete").err
    assert "not both" in samantha("complete", "a", "--file", "b").err


def test_models_are_listed_with_the_honest_sentence(
    samantha: Samantha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(settings, "downloads_folder", lambda: tmp_path)
    result = samantha("models")
    assert "toy" in result.out
    assert str(tmp_path) in result.out
    assert "broken" in result.err
    listed = [json.loads(line) for line in samantha("models", "--json").out.splitlines()]
    assert "tiny" in {model["name"] for model in listed}
    assert [bool(model["problem"]) for model in listed if model["name"] == "broken"] == [True]


@pytest.fixture
def two_runs(samantha: Samantha, models: ScriptedSource) -> Iterator[list[str]]:
    answer(models, "The sea is blue.", "Ten.")
    samantha("run", "--prompts", "A poem", "--temperature", "0.5", "--seed", "3")
    samantha("run", "--prompts", "Count")
    with RunStore() as store:
        yield [run.id for run in reversed(store.runs())]


def test_runs_are_listed_and_searched(samantha: Samantha, two_runs: list[str]) -> None:
    lines = samantha("runs").out.splitlines()
    assert [line.split()[0] for line in lines] == ["RUN", *reversed(two_runs)]
    assert samantha("runs", "list", "--limit", "1").out.count("\n") == 2
    found = [json.loads(line) for line in samantha("runs", "search", "blue", "poem", "--json").out.splitlines()]
    assert [run["id"] for run in found] == two_runs[:1]
    assert "No stored run matches" in samantha("runs", "search", "zebra").err


def test_a_run_is_shown_with_all_that_was_given(samantha: Samantha, two_runs: list[str]) -> None:
    shown = samantha("runs", "show", two_runs[0], "--rendered").out
    for text in ("seed 3", "> user: A poem", "The sea is blue.", "(4 tokens, 0.0 s, end)", "temperature 0.5"):
        assert text in shown
    assert json.loads(samantha("runs", "show", "last", "--json").out)["text"] == "Ten."


def test_events_and_chain_of_a_run_come_back(samantha: Samantha, two_runs: list[str], tmp_path: Path) -> None:
    kinds = [json.loads(line)["kind"] for line in samantha("runs", "events", two_runs[0]).out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    file = tmp_path / "again.toml"
    file.write_text(samantha("runs", "chain", two_runs[0]).out)
    assert samantha("run", str(file), "--json").status == 0
    with RunStore() as store:
        assert store.run(store.find("last")).seed == 3


def test_deleting_asks(samantha: Samantha, two_runs: list[str]) -> None:
    assert samantha("runs", "delete", "last", typed="y\n").status == 1
    assert samantha("runs", "delete", *two_runs, "--yes").status == 0
    assert "No run is stored yet" in samantha("runs").err


@pytest.mark.parametrize("arguments", ["show", "show x9", "events x9", "delete x9 --yes", "burn", "list --limit x"])
def test_a_run_that_cannot_be_named_is_told(samantha: Samantha, arguments: str) -> None:
    result = samantha("runs", *arguments.split())
    assert result.status in (1, 2)
    assert len(result.err.splitlines()) == 1


def test_doctor_says_what_is_there(samantha: Samantha) -> None:
    result = samantha("doctor", "--json")
    found = {finding["part"]: finding for finding in map(json.loads, result.out.splitlines())}
    parts = {"python", "llama.cpp", "memory", "disk", "store", "models", "sandbox", "page", "browser", "voices"}
    assert parts <= set(found)
    assert all(finding["message"] for finding in found.values())
    assert found["python"]["state"] == "ok"
    necessary = [finding for finding in found.values() if finding.get("necessary") and finding["state"] == "missing"]
    assert result.status == bool(necessary)


def test_doctor_survives_a_library_that_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "NATIVE", "import os; os.abort()")
    (finding,) = checks.native_library()
    assert (finding.state, finding.necessary) == ("missing", True)


def test_doctor_tells_a_library_of_another_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"version": "0.9", "expected": "0.3.36", "drift": "model.x is 1, not 2", "system": ""}
    monkeypatch.setattr(checks, "NATIVE", f"import json; print(json.dumps({told!r}))")
    (finding,) = checks.native_library()
    assert finding.message.startswith("llama-cpp-python 0.9 is not 0.3.36 (model.x is 1, not 2)")


def test_doctor_fails_where_nothing_can_be_stored(
    samantha: Samantha, samantha_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "native_library", lambda: [Finding("llama.cpp", "ok", "left out")])
    samantha_home.mkdir()
    (samantha_home / "runs.sqlite3").mkdir()
    result = samantha("doctor")
    assert result.status == 1
    assert "Missing and necessary: store" in result.out


def test_without_avx2_the_processor_is_degraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.platform, "machine", lambda: "x86_64")
    assert checks.processor("CPU : SSE3 = 1 | AVX = 1 | OPENMP = 1 | ").state == "degraded"
    assert checks.processor("CPU : SSE3 = 1 | AVX2 = 1 | ").state == "ok"


def test_no_command_and_serve_open_the_page(samantha: Samantha, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    import samantha.ui

    calls: list[dict[str, Any]] = []
    app = types.ModuleType("samantha.ui.app")
    app.launch = lambda **options: calls.append(options)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "samantha.ui.app", app)
    monkeypatch.setattr(samantha.ui, "app", app, raising=False)
    for arguments in ((), ("--port", "7870", "--no-browser"), ("serve", "--no_browser")):
        assert samantha_main(arguments) == 0
    assert calls == [
        {"port": None, "open_browser": True}, {"port": 7870, "open_browser": False},
        {"port": None, "open_browser": False},
    ]  # fmt: skip


def samantha_main(arguments: tuple[str, ...]) -> int:
    return main.main(arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom samantha.cli.main import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n"
        "    assert not end.code\nsys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "samantha" in done.stdout
    assert not loaded & {"llama_cpp", "gradio", "numpy", "psutil", "jinja2", "tomlkit", "huggingface_hub", "pandas"}
    if arguments == ["--help"]:
        assert not loaded & {"msgspec", "sqlite3", "samantha.chain"}
