"""`samantha download` against the hub on this computer."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samantha import settings
from samantha.cli.download import in_words
from samantha.cli.main import main
from samantha.models.hub import Progress
from tests.models.hub import faults
from tests.models.hub.conftest import FILE, model
from tests.models.hub.hub_server import HubServer

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path) -> Path:
    """Where models go unless something else is said."""
    folder = tmp_path / "models"
    settings.save(settings.Settings(model_folders=(str(folder),)))
    return folder


def test_a_model_lands_in_the_models_folder(hub: HubServer, capsys: Printed, models_folder: Path) -> None:
    assert main(["download", "user/repo"]) == 0
    assert capsys.readouterr().out == f"{models_folder / FILE}\n"
    assert (models_folder / FILE).read_bytes() == model()
    assert main(["download", f"hf.co/user/repo/blob/main/{FILE}"]) == 0
    assert len(hub.asked("store")) == 1


def test_a_folder_can_be_named(hub: HubServer, tmp_path: Path) -> None:
    assert main(["download", "user/repo", "--to", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / FILE).read_bytes() == model()


def test_for_testing_it_has_the_name_of_all_such_models(hub: HubServer, models_folder: Path) -> None:
    hub.add("user/next", {FILE: model(seed=2)})
    for name, seed in (("user/repo", 1), ("user/next", 2)):
        assert main(["download", name, "--testing"]) == 0
        assert (models_folder / "MODEL_FOR_TESTING.gguf").read_bytes() == model(seed=seed)
    assert len(list(models_folder.iterdir())) == 1


def test_a_bad_link_does_not_hinder_the_others(hub: HubServer, capsys: Printed, models_folder: Path) -> None:
    assert main(["download", "user/none", "user/repo", "nonsense"]) == 1
    printed = capsys.readouterr()
    assert printed.out == f"{models_folder / FILE}\n"
    assert "user/none: user/none does not exist" in printed.err
    assert "nonsense" in printed.err


def test_a_list_comes_from_a_file_or_from_standard_input(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    text = f"--- user/none\n{hub.endpoint}/user/repo/resolve/main/{FILE}?download=true\n"
    (tmp_path / "links.txt").write_text(text)
    assert main(["download", str(tmp_path / "links.txt")]) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["download", "-"]) == 0
    assert len(set(capsys.readouterr().out.split())) == 1


def test_progress_and_results_as_json(hub: HubServer, capsys: Printed, models_folder: Path) -> None:
    assert main(["download", "user/repo", "user/none", "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["asked"] for row in rows if row.get("problem")] == ["user/none"]
    assert rows[-1] == {"asked": "user/repo", "path": str(models_folder / FILE), "problem": ""}
    assert any(row.get("phase") == "downloading" and row["total"] == 300_000 for row in rows)


def test_what_a_repository_holds_is_listed(hub: HubServer, capsys: Printed) -> None:
    hub.add("user/many", {"m-Q4_K_M.gguf": model(4000), "m-Q8_0.gguf": model(8000)})
    assert main(["download", "--list", "user/many"]) == 0
    printed = capsys.readouterr().out
    assert f"4 kB  Q4_K_M        yes               {hub.endpoint}/user/many/resolve/main/m-Q4_K_M.gguf" in printed
    assert main(["download", "--list", "user/many", "--quantization", "q8_0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "m-Q8_0.gguf"


def test_the_hub_is_searched(hub: HubServer, capsys: Printed) -> None:
    assert main(["download", "--search", "repo", "--quantization", "Q4_K_M"]) == 0
    assert "user/repo" in capsys.readouterr().out
    assert main(["download", "--search", "nothing", "at", "all"]) == 0
    assert "Nothing was found" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--largest", "big", "--search"], ["missing.txt"]])
def test_a_mistake_in_the_options(arguments: list[str], capsys: Printed) -> None:
    try:
        status = main(["download", *arguments])
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 2
    assert capsys.readouterr().err.startswith("samantha")


def test_another_host_has_to_be_confirmed(secure_hub: HubServer, capsys: Printed, random_gguf: Path) -> None:
    secure_hub.add("files/of", {FILE: random_gguf.read_bytes()})
    host = secure_hub.url("store", "127.0.0.1").removeprefix("https://")
    assert main(["download", f"https://{host}/files/of/{FILE}?key=secret"]) == 1
    printed = capsys.readouterr()
    assert f"--confirm {host}" in printed.err
    assert "secret" not in printed.err
    assert main(["download", "--confirm", host, f"https://{host}/files/of/{FILE}?key=secret"]) == 0
    assert capsys.readouterr().out.strip().endswith(FILE)


@pytest.mark.skipif(sys.platform == "win32", reason="another program cannot be sent Ctrl-C")
def test_ctrl_c_keeps_the_part_and_again_goes_on(hub: HubServer, tmp_path: Path, models_folder: Path) -> None:
    slow = faults.Slow()
    hub.faults.append(slow)
    code = "import sys; from samantha.cli.main import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "download", "user/repo"], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert slow.begun.wait(20)
    downloads = settings.data_folder() / "downloads"
    while not any(part.stat().st_size for part in downloads.rglob("*.part")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    slow.go.set()
    assert process.returncode == 130
    assert "goes on from there" in err
    assert main(["download", "user/repo"]) == 0
    assert "range" in hub.asked("store")[-1].headers
    assert (models_folder / FILE).read_bytes() == model()


def test_without_room_for_all_nothing_is_begun(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    from samantha.models.hub import room

    hub.add("user/next", {FILE: model(seed=2)})
    monkeypatch.setattr(room, "free", lambda folder: room.RESERVE + 500_000)
    assert main(["download", "user/repo", "user/next", "user/repo"]) == 1
    assert "Fetching these 2 models needs 600 kB more" in capsys.readouterr().err
    assert not hub.asked("store")


def test_progress_is_said_in_words() -> None:
    progress = Progress("u", "downloading", 1_200_000_000, 4_800_000_000, 11_000_000.0, 320.0)
    assert in_words(progress) == "1.2 GB of 4.8 GB, 25%, 11 MB/s, 5 min 20 s left"
    assert in_words(Progress("u", "downloading", 500)) == "500 B"
    assert in_words(Progress("u", "pausing", 5, 10, note="Again in 3 s.")) == "5 B of 10 B, 50% · Again in 3 s."
