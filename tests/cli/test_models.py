"""`samantha models`: the list with what fits, folders, deleting; and how threads are chosen."""

import json
from pathlib import Path

import pytest

from benchmarks import random_model
from samantha import settings
from samantha.cli import tune
from samantha.models import library, memory

from .conftest import Samantha


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    settings.save(settings.Settings(model_folders=(str(path),)))
    return path


@pytest.fixture
def fox(folder: Path) -> Path:
    path = folder / "fox-Q8_0.gguf"
    random_model.write(path, layers=1, width=128, words=1024)
    return path


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_list_says_what_models_need_and_whether_they_fit(
    samantha: Samantha, fox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {model["name"]: model for model in lines(samantha("models", "--json", "--n_ctx", "512").out)}
    larger = {model["name"]: model for model in lines(samantha("models", "--json", "--n-ctx=8192").out)}
    model = listed["fox-Q8_0"]
    assert (model["architecture"], model["quantization"], model["n_ctx"]) == ("llama", "Q8_0", 8192)
    assert (model["size"], model["fits"]) == (fox.stat().st_size, "yes")
    assert larger["fox-Q8_0"]["needed"] > model["needed"] > model["size"]  # type: ignore[operator]
    monkeypatch.setattr(memory, "memory", lambda: memory.Memory(10**6, 10**7))
    table = samantha("models").out.splitlines()
    assert table[0].split() == ["NAME", "ARCHITECTURE", "WEIGHTS", "PARAMETERS", "CONTEXT", "SIZE", "NEEDS", "FITS"]
    assert [row.split()[-1] for row in table[1:3]] == ["no", "no"]


def test_folders_are_added_and_removed(samantha: Samantha, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    samantha("models", "folders", "--add", str(other), "--add", "lm-studio")
    kept = settings.load()
    assert (kept.model_folders, kept.model_caches) == ((str(folder), str(other)), ("LM Studio",))
    shown = lines(samantha("models", "folders", "--json").out)
    assert [place["path"] for place in shown if place["program"] == ""] == [str(folder), str(other)]
    assert [place["there"] for place in shown][:2] == [True, True]
    assert "Ollama" in samantha("models", "folders").out
    samantha("models", "folders", "--remove", str(folder), "--remove", "LM Studio")
    kept = settings.load()
    assert (kept.model_folders, kept.model_caches) == ((str(other),), ())


def test_the_first_folder_that_is_added_stands_beside_the_downloads(samantha: Samantha, tmp_path: Path) -> None:
    samantha("models", "folders", "--add", str(tmp_path))
    assert library.folders() == (settings.downloads_folder(), tmp_path)


@pytest.mark.parametrize("arguments", [
    "models folders --add /no/such/folder", "models folders --remove /no/such/folder", "models list fox",
    "models delete", "models delete zebra", "models delete tiny --yes", "models burn", "models --n_ctx x",
])  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(samantha: Samantha, folder: Path, arguments: str) -> None:
    result = samantha(*arguments.split())
    assert result.status in (1, 2)
    assert len(result.err.splitlines()) == 1


def test_deleting_asks_first(samantha: Samantha, fox: Path) -> None:
    assert samantha("models", "delete", "fox-Q8_0", typed="y\n").status == 1
    assert fox.exists()
    result = samantha("models", "delete", "fox-Q8_0", "--yes")
    assert result.status == 0
    assert str(fox) in result.out
    assert not fox.exists()


# Threads


def speed(step: float) -> tune.Speed:
    return tune.Speed(prompt=3 * step, answer=3 * step)


@pytest.mark.parametrize(("beside", "best"), [([10, 19, 20], 3), ([10, 19.5, 20], 2), ([20, 5, 1], 1)])
def test_the_fewest_threads_that_are_nearly_the_fastest_beside_a_page_are_best(beside: list[float], best: int) -> None:
    quiet = speed(100)
    measured = [tune.Measured(number, quiet, speed(step)) for number, step in enumerate(beside, 1)]
    assert tune.best(measured) == best


def test_the_numbers_of_threads_that_are_tried() -> None:
    assert tune.candidates(2) == [1, 2]
    assert tune.candidates(10) == [1, 2, 3, 4, 5, 6, 7, 8, 10]
    assert tune.candidates(18)[-3:] == [14, 16, 18]


def test_models_are_measured_and_only_what_is_no_toy_is_kept(
    samantha: Samantha, fox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "ROUNDS", 3)
    monkeypatch.setattr(tune, "candidates", lambda cores: [1, 2])
    toy = samantha("doctor", "--tune", "tiny", "--json")
    (measured,) = lines(toy.out)
    assert [one["threads"] for one in measured["measured"]] == [1, 2]  # type: ignore[attr-defined]
    assert all(one["quiet"]["answer"] > 0 for one in measured["measured"])  # type: ignore[attr-defined]
    assert "Nothing is kept" in toy.err
    assert settings.load().n_threads == 0
    monkeypatch.setattr(tune, "REAL_SIZE", 1)
    (measured,) = lines(samantha("doctor", "--tune", "fox-Q8_0", "--json").out)
    assert settings.load().n_threads == measured["best"]
