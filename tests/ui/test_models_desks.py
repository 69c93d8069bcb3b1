"""What the Models tab asks and tells, against real files, real workers and the tests' own hub. No browser."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from samantha import settings
from samantha.models import library
from samantha.models.model import LoadOptions
from samantha.models.remote import RemoteModel
from samantha.ui import download_desk
from samantha.ui.app import serving
from samantha.ui.download_desk import DownloadDesk
from tests.models.endpoints.small_server import Exchange, small_server
from tests.models.hub.faults import Slow
from tests.ui.models_page import LARGE, TINY, Served, served_models


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_models(tmp_path) as found:
        yield found


def ended(desk: DownloadDesk, number: int) -> None:
    desk.of(number).join(30)


def loaded(served: Served, name: str) -> None:
    for model in served.residency.acquire(name, LoadOptions(n_ctx=256), lambda: False):
        if not hasattr(model, "progress"):
            served.residency.release(model)


def test_each_file_says_what_it_is_what_it_needs_or_why_not(served: Served) -> None:
    usable, broken = served.row("usable"), served.row("broken")
    assert (usable["architecture"], usable["quantization"], usable["size"]) == ("llama", "Q8_0", len(TINY))
    assert usable["fits"] == "yes"
    assert usable["needed"] > len(TINY)
    assert "broken.gguf" in broken["problem"]
    assert "needed" not in broken
    assert served.row("tiny")["own"]


def test_memory_is_that_of_the_chains_context_window(served: Served) -> None:
    def needed(**options: object) -> int:
        rows = served.ask("state", **options)["library"]["rows"]
        return int(next(row for row in rows if row["name"] == "usable")["needed"])

    assert needed(n_ctx=256) < needed(n_ctx=2048)
    assert needed(n_ctx=2048, cache_type_k="q8_0") < needed(n_ctx=2048)
    assert needed(n_ctx="nonsense") == needed()


def test_the_list_follows_the_folder_and_is_sent_only_when_it_changed(served: Served) -> None:
    first = served.ask("state")["library"]
    again = served.ask("state", have=first["version"])["library"]
    assert "rows" not in again
    (served.folder / "inside").mkdir()
    (served.folder / "inside" / "new.gguf").write_bytes(TINY[:-1000])
    later = served.ask("state", have=first["version"])["library"]
    assert later["version"] > first["version"]
    assert "truncated" in next(row["problem"] for row in later["rows"] if row["name"] == "new")


def test_the_same_bytes_twice_are_one_model_that_says_where_the_other_file_is(served: Served) -> None:
    other = served.folder / "zz-copy.gguf"
    other.write_bytes(TINY)
    rows = served.ask("state")["library"]["rows"]
    assert [row["copies"] for row in rows if row["name"] == "usable"] == [[str(other)]]


def test_deleting_frees_the_file_and_refuses_what_is_not_the_users(served: Served) -> None:
    gone = served.tell("delete", name="usable")
    assert gone["deleted"] == ["usable.gguf"]
    assert not (served.folder / "usable.gguf").exists()
    assert served.row("usable") is None
    assert "Samantha Tiny" in served.tell("delete", name="tiny")["problem"]
    outside = served.folder.parent / "outside.gguf"
    outside.write_bytes(TINY)
    assert "problem" in served.tell("delete", name=str(outside))
    assert outside.exists()
    assert library.TINY_PATH.exists()
    assert "problem" in served.tell("delete", name="../../etc/passwd")


def test_a_model_that_works_is_not_deleted_and_not_unloaded(served: Served) -> None:
    holding = served.residency.acquire("usable", LoadOptions(n_ctx=256), lambda: False)
    model = next(item for item in holding if not hasattr(item, "progress"))
    assert served.tell("delete", name="usable")["problem_key"] == "library.in_use"
    assert served.tell("unload", name="usable")["problem_key"] == "memory.in_use"
    assert served.tell("unload")["gone"] == []
    assert (served.folder / "usable.gguf").exists()
    served.residency.release(model)
    assert served.tell("delete", name="usable")["deleted"] == ["usable.gguf"]
    assert served.ask("state")["memory"]["loaded"] == []


def test_folders_are_added_once_and_removed_and_a_wrong_one_is_a_sentence(served: Served) -> None:
    other = served.folder.parent / "other folder"
    other.mkdir()
    (other / "elsewhere.gguf").write_bytes(TINY[: len(TINY) // 2])
    assert served.tell("folder/add", path=f'  "{other}" ') == {}
    assert served.tell("folder/add", path=str(other)) == {}
    assert served.row("elsewhere") is not None
    assert settings.load().model_folders == (str(served.folder), str(other))
    for wrong in ("", "relative", str(other / "none"), "\0", str(other / "elsewhere.gguf")):
        assert served.tell("folder/add", path=wrong)["problem_key"] == "library.no_folder"
    assert served.tell("folder/remove", path=str(other)) == {}
    assert served.row("elsewhere") is None
    assert (other / "elsewhere.gguf").exists()


def test_folders_of_other_programs_are_looked_in_on_request(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    place = cache / "models--user--thing" / "snapshots" / "abc"
    place.mkdir(parents=True)
    (place / "cached.gguf").write_bytes(TINY[:-1])
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    assert served.row("cached") is None
    assert served.tell("program", name="Hugging Face", on=True) == {}
    assert served.row("cached")["program"] == "Hugging Face"
    assert "Hugging Face" in served.tell("delete", name="cached")["problem"]
    assert served.tell("program", name="Hugging Face", on=False) == {}
    assert served.row("cached") is None
    assert served.tell("program", name="Nobody", on=True)["problem_key"] == "library.no_program"


def test_what_is_loaded_is_measured_and_unloaded(served: Served) -> None:
    loaded(served, "usable")
    (one,) = served.ask("state")["memory"]["loaded"]
    assert one["name"] == "usable"
    assert one["bytes"] > len(TINY)
    assert served.tell("unload", name="usable")["gone"] == ["usable"]
    assert served.ask("state")["memory"]["loaded"] == []
    assert served.tell("unload", name="usable")["problem_key"] == "memory.not_loaded"


def test_the_budget_is_kept_and_holds_at_once(served: Served) -> None:
    assert served.tell("budget", budget="2,5") == {"gone": []}
    assert settings.load().memory_budget == 2.5
    assert served.residency.budget == 2_500_000_000
    loaded(served, "tiny")
    loaded(served, "usable")
    assert [one["name"] for one in served.ask("state")["memory"]["loaded"]] == ["tiny", "usable"]
    assert served.tell("budget", budget=0) == {"gone": ["tiny"]}
    assert [one["name"] for one in served.ask("state")["memory"]["loaded"]] == ["usable"]
    for wrong in ("lots", -1, 1e9, None, True, "nan", "1e999"):
        assert served.tell("budget", budget=wrong)["problem_key"] == "memory.bad_budget"
    assert settings.load().memory_budget == 0


def test_a_kept_budget_holds_from_the_next_start_on(served: Served) -> None:
    from samantha.ui import memory_desk

    served.tell("budget", budget=1.5)
    assert memory_desk.kept_budget() == 1_500_000_000
    settings.save(msgspec.structs.replace(settings.load(), memory_budget=1e6))
    assert memory_desk.kept_budget() == 0


def test_the_number_of_threads_that_is_shown_is_the_one_that_models_get(served: Served) -> None:
    def used() -> int:
        for model in served.residency.acquire("usable", LoadOptions(n_ctx=256), lambda: False):
            if isinstance(model, RemoteModel):
                served.residency.release(model)
                return model.describe().n_threads
        raise AssertionError("no model")

    assert served.ask("state")["memory"]["threads"] == used()
    served.tell("unload")
    tuned = served.ask("state")["memory"]["threads"] + 1
    settings.save(msgspec.structs.replace(settings.load(), n_threads=tuned))
    shown = served.ask("state")["memory"]
    assert (shown["threads"], shown["tuned"]) == (tuned, True)
    assert used() == tuned


def test_a_pasted_list_is_looked_up_row_by_row(served: Served) -> None:
    text = f"user/tiny:Q8_0\n---user/never\n{served.hub.endpoint}/user/large\nuser/gated user/none\nnonsense"
    assert "number" in served.tell("lookup", text=text)
    answer = served.finished("lookup")
    tiny, large, gated, none, nonsense = answer["rows"]
    assert (tiny["title"], tiny["size"], tiny["quantization"]) == ("samantha-tiny-Q8_0", len(TINY), "Q8_0")
    assert tiny["fits"] == "yes"
    assert not tiny["there"]
    assert large["repository"] == "user/large"
    assert "gated" in gated["problem"]
    assert "hf auth login" in gated["problem"]
    assert "user/none" in none["problem"]
    assert "nonsense" in nonsense["problem"]
    assert answer["free"] > 0
    assert not served.hub.asked("store")
    assert served.tell("lookup", text=" \n---user/tiny")["problem_key"] == "hub.nothing_pasted"


def test_another_host_is_confirmed_by_name_and_once(served: Served) -> None:
    served.tell("lookup", text="https://example.invalid/model-Q4_0.gguf")
    assert served.finished("lookup")["rows"][0]["host"] == "example.invalid"
    assert "problem" in served.tell("confirm", host="https://example.invalid/model")
    assert served.tell("confirm", host="example.invalid") == {}
    assert settings.load().download_hosts == ("example.invalid",)


def test_a_repository_is_listed_and_the_hub_searched(served: Served) -> None:
    served.tell("links", text="user/large\nuser/tiny")
    rows = served.finished("links")["rows"]
    assert [(row["quantization"], row["size"], row["fits"]) for row in rows] == [
        ("Q4_K_M", len(LARGE), "yes"), ("Q8_0", 6_000_000, "yes")
    ]  # fmt: skip
    assert rows[0]["asked"].endswith("/user/large/resolve/main/large-Q4_K_M.gguf")
    served.tell("links", text="user/none")
    assert "user/none" in served.finished("links")["problem"]
    served.tell("search", words="large", family="", quantization="q8_0", largest="7b")
    assert [row["repository"] for row in served.finished("search")["rows"]] == ["user/large"]
    served.tell("search", words="large", quantization="Q2_K")
    assert served.finished("search")["rows"] == []
    assert served.tell("search", words="x", largest="big")["problem_key"] == "hub.bad_size"


def test_a_hub_that_is_not_there_is_a_sentence(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
    served.tell("links", text="user/large")
    assert "localhost" in served.finished("links")["problem"]


def test_a_download_is_paused_resumed_and_kept_as_a_file(served: Served) -> None:
    slow, desk = Slow(), served.bench.downloads
    served.hub.faults.append(slow)
    number = served.tell("download", asked="user/large")["number"]
    assert slow.begun.wait(20)
    while not served.ask("state")["downloads"][0]["done"]:
        pass
    assert served.tell("download", asked="user/large")["number"] == number
    served.tell("pause", number=number)
    ended(desk, number)
    (paused,) = served.ask("state")["downloads"]
    assert paused["phase"] == "paused"
    assert 0 < paused["done"] < len(LARGE)
    slow.go.set()
    served.tell("resume", number=number)
    ended(desk, number)
    (done,) = served.ask("state")["downloads"]
    assert (done["phase"], done["done"]) == ("done", len(LARGE))
    ranges = [seen.headers.get("range", "") for seen in served.hub.asked("store")]
    assert ranges[0] == ""
    assert ranges[-1].startswith("bytes=")
    kept = served.tell("keep", asked="user/large")["path"]
    assert Path(kept) == served.folder / "large-Q4_K_M.gguf"
    assert Path(kept).read_bytes() == LARGE
    testing = served.tell("keep", asked="user/large", testing=True)["path"]
    assert Path(testing).name == "MODEL_FOR_TESTING.gguf"
    assert served.tell("keep", asked="user/large", folder="/etc")["problem_key"] == "library.not_a_folder"
    served.tell("cancel", number=number)
    assert served.ask("state")["downloads"] == []
    assert Path(kept).exists()
    assert len(served.hub.asked("store")) == len(ranges)


def test_cancelling_frees_the_room_of_what_has_come(served: Served) -> None:
    slow = Slow()
    served.hub.faults.append(slow)
    number = served.tell("download", asked="user/large")["number"]
    assert slow.begun.wait(20)
    served.tell("cancel", number=number)
    slow.go.set()
    assert served.ask("state")["downloads"] == []
    assert not list((settings.data_folder() / "downloads").rglob("*.part"))
    assert served.tell("resume", number=number)["problem_key"] == "hub.gone"


def test_an_unfinished_download_stands_paused_after_a_restart_and_goes_on(served: Served) -> None:
    slow = Slow()
    served.hub.faults.append(slow)
    served.tell("download", asked="user/large")
    assert slow.begun.wait(20)
    while not served.ask("state")["downloads"][0]["done"]:
        pass
    served.bench.downloads.close()
    slow.go.set()
    later = DownloadDesk()
    (waiting,) = later.shown()
    assert waiting["phase"] == "paused"
    assert 0 < waiting["done"] < waiting["total"] == len(LARGE)
    later.resume(waiting["number"])
    ended(later, waiting["number"])
    assert later.shown()[0]["phase"] == "done"
    assert served.hub.asked("store")[-1].headers["range"].startswith("bytes=")
    assert DownloadDesk().shown() == []


def test_links_that_may_hold_secrets_are_written_nowhere(served: Served) -> None:
    assert download_desk.storable("user/repo:Q8_0")
    assert download_desk.storable("https://example.org/model.gguf")
    assert not download_desk.storable("https://example.org/model.gguf?signature=secret")
    desk = DownloadDesk()
    job = desk.begin("https://example.invalid/model.gguf?signature=secret")
    job.join(30)
    assert job.phase == "failed"
    assert job.host == "example.invalid"
    assert "secret" not in job.shown()["title"]
    desk.close()
    for path in settings.data_folder().rglob("*.json"):
        assert "secret" not in path.read_text()


def test_a_download_that_fails_says_why_and_can_be_tried_again(served: Served) -> None:
    number = served.tell("download", asked="user/late")["number"]
    ended(served.bench.downloads, number)
    (failed,) = served.ask("state")["downloads"]
    assert failed["phase"] == "failed"
    assert "user/late" in failed["problem"]
    served.hub.add("user/late", {"late-Q4_K_M.gguf": LARGE})
    served.tell("resume", number=number)
    ended(served.bench.downloads, number)
    assert served.ask("state")["downloads"][0]["phase"] == "done"
    assert served.tell("download", asked=" ")["problem_key"] == "hub.nothing_pasted"


def test_a_program_that_ends_leaves_no_download_running(served: Served) -> None:
    slow = Slow()
    served.hub.faults.append(slow)
    job = served.bench.downloads.begin("user/large")
    assert slow.begun.wait(20)
    with serving(served.residency, served.bench._store, 0):
        pass
    served.bench.close()
    assert not job.running
    slow.go.set()


def test_servers_are_named_checked_and_forgotten(served: Served) -> None:
    assert served.ask("state")["servers"] == {"rows": []}
    with small_server() as small:

        def models(exchange: Exchange) -> None:
            exchange.json({"data": [{"id": "one"}, {"id": "two words"}]})

        small.routes["/v1/models"] = models
        assert served.tell("server/add", name="lab", address=f"{small.origin}/v1", parallel="2") == {
            "address": f"{small.origin}/v1"
        }
        (row,) = served.ask("state")["servers"]["rows"]
        assert (row["name"], row["parallel"], row["key"]) == ("lab", 2, False)
        served.tell("server/check", name="lab")
        answer = served.finished("server")
        assert [one["use"] for one in answer["models"]] == ["lab#one", "lab#two words"]
        served.tell("server/check", name=f"{small.origin}/v1")
        assert served.finished("server")["models"][1]["use"] == f"{small.origin}/v1#two%20words"
        served.tell("server/check", name="lab#one")
        answer = served.finished("server")
        assert (answer["phase"], answer["model"]) == ("done", "one")
    assert served.tell("server/remove", name="lab") == {}
    assert "lab" in served.tell("server/remove", name="lab")["problem"]


def test_bad_servers_are_sentences(served: Served) -> None:
    assert "problem" in served.tell("server/add", name="a b", address="http://127.0.0.1:1/v1")
    assert "problem" in served.tell("server/add", name="lab", address="nonsense")
    assert served.tell("server/add", name="lab", address="http://127.0.0.1:1/v1", parallel="x")["problem_key"]
    assert settings.load().endpoints == {}
    served.tell("server/check", name="http://127.0.0.1:9/v1")
    assert "127.0.0.1:9" in served.finished("server")["problem"]
    served.tell("server/check", name="http://192.0.2.1:8080/v1")
    answer = served.finished("server")
    assert answer["origin"] == "http://192.0.2.1:8080"
    assert served.tell("server/confirm", origin=answer["origin"]) == {}
    assert settings.load().endpoint_origins == ("http://192.0.2.1:8080",)
    assert served.tell("server/check", name="")["problem_key"] == "servers.nothing_named"
