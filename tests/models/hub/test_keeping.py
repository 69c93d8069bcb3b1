"""A download as a file of the user's: nothing of theirs is overwritten, nothing takes its room twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.errors import DownloadError
from samantha.models.hub import Cache, Download, fetch, for_testing, keep
from samantha.models.hub.naming import LONGEST, own_name
from samantha.models.hub.rate import Rate, left
from tests.models.hub.conftest import FILE, model
from tests.models.hub.hub_server import HubServer

Found = Callable[..., Download]
Fetched = Callable[[Download], Path]


def test_a_kept_file_is_the_download_itself(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, tmp_path: Path
) -> None:
    download = found()
    fetched(download)
    kept = keep(download, tmp_path / "mine", cache)
    assert kept == tmp_path / "mine" / FILE
    assert kept.read_bytes() == model()
    assert kept.stat().st_nlink == 1, "deleting it must free its room"
    assert fetched(found()) == kept
    assert len(hub.asked("store")) == 1
    assert cache.tidy() == 0
    assert kept.exists()


def test_a_kept_file_that_was_deleted_is_fetched_again(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, tmp_path: Path
) -> None:
    fetched(found())
    keep(found(), tmp_path / "mine", cache).unlink()
    assert fetched(found()).read_bytes() == model()


def test_it_can_be_kept_in_a_second_place(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, tmp_path: Path
) -> None:
    fetched(found())
    first, second = keep(found(), tmp_path / "one", cache), keep(found(), tmp_path / "two", cache)
    assert first.read_bytes() == second.read_bytes() == model()
    assert keep(found(), tmp_path / "one", cache) == first


def test_another_file_of_that_name_stays(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, tmp_path: Path
) -> None:
    fetched(found())
    (tmp_path / FILE).write_bytes(b"mine")
    with pytest.raises(DownloadError, match="is there already and is another file"):
        keep(found(), tmp_path, cache)
    assert (tmp_path / FILE).read_bytes() == b"mine"


def test_only_what_is_there_can_be_kept(hub: HubServer, cache: Cache, found: Found, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="download it first"):
        keep(found(), tmp_path, cache)


def test_a_folder_that_takes_no_files_is_said(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, tmp_path: Path
) -> None:
    fetched(found())
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match="choose another folder"):
        keep(found(), tmp_path / "file", cache)
    assert fetched(found()).read_bytes() == model()


def test_the_model_for_testing_is_replaced_by_the_next(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, tmp_path: Path
) -> None:
    hub.add("user/split", {f"b-Q4_K_M-0000{n}-of-00002.gguf": model(3000, n) for n in (1, 2)})
    folder = tmp_path / "models"
    first, second = found(), found("user/split")
    fetched(first)
    assert for_testing(first, folder, cache) == folder / "MODEL_FOR_TESTING.gguf"
    fetched(second)
    for_testing(second, folder, cache)
    assert sorted(path.name for path in folder.iterdir()) == [
        "MODEL_FOR_TESTING-00001-of-00002.gguf", "MODEL_FOR_TESTING-00002-of-00002.gguf",
    ]  # fmt: skip
    assert cache.tidy(needed=[second.key]) == 300_000


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b/m.gguf", "m.gguf"), ('x:<>"|?*.gguf', "x_______.gguf"), ("con.gguf", "_con.gguf"), ("...", "model.gguf"),
     (" m.gguf ", "m.gguf"), ("dir/", "model.gguf"), ("a\\..\\b.gguf", "a_.._b.gguf")],
)  # fmt: skip
def test_a_strangers_name_becomes_one_that_every_system_takes(path: str, name: str) -> None:
    assert own_name(path) == name


def test_a_very_long_name_keeps_its_end() -> None:
    name = own_name("ü" * 300 + "-Q4_K_M-00001-of-00002.gguf")
    assert len(name.encode()) <= LONGEST
    assert name.endswith("-Q4_K_M-00001-of-00002.gguf")


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = [0.0]
    rate = Rate(lambda: now[0])
    assert rate.at(0) == 0.0
    for second in range(1, 31):
        now[0] = float(second)
        latest = rate.at(1000 * second if second <= 15 else 15_000 + 3000 * (second - 15))
    assert latest == pytest.approx(3000)
    assert left(10_000, 40_000, latest) == pytest.approx(10)
    assert left(1, None, latest) is None
    assert left(1, 2, 0.0) is None
    assert rate.at(10) == 0.0, "a restart begins anew"


def test_a_cache_that_cannot_be_written_is_said(hub: HubServer, found: Found, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match="cannot be used for downloads"):
        list(fetch(found(), cache=Cache(tmp_path / "file")))


def test_without_its_record_a_finished_file_is_compared_and_not_fetched(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched
) -> None:
    path = fetched(found())
    (path.parent / "entry.json").write_bytes(b"{half")
    assert fetched(found()) == path
    assert len(hub.asked("store")) == 1
