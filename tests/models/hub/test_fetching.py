"""What can go wrong in a download: no bad file is ever accepted, and what can be mended mends itself."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.errors import DownloadCancelled, DownloadError
from samantha.models.hub import Cache, Download, Progress, fetch, room
from tests.models.hub import faults
from tests.models.hub.conftest import FILE, HASTE, model
from tests.models.hub.hub_server import Fault, Handler, HubServer

Found = Callable[..., Download]
Fetched = Callable[[Download], Path]

MENDED: dict[str, list[Fault | None]] = {
    **{f"cut after {count} bytes": [faults.cut(count)] for count in range(0, 300_000, 15_000)},
    "cut three times": [faults.cut(50_000), faults.cut(50_000), faults.cut(50_000)],
    "cut in the head": [faults.cut_head],
    "connection reset": [faults.reset],
    "silence": [faults.silent],
    "garbage instead of HTTP": [faults.garbage],
    "no length": [faults.no_length],
    "no length, and cut": [faults.no_length_cut],
    "one wrong bit": [faults.flipped(150_000)],
    "one wrong bit before a cut": [faults.cut(200_000), faults.flipped(250_000)],
    "200 to a range": [faults.cut(100_000), faults.whole_again],
    "another range": [faults.cut(100_000), faults.other_range],
    "a range that says nothing": [faults.cut(100_000), faults.rangeless],
    "a range of another file": [faults.cut(100_000), faults.other_total],
    "range not satisfiable": [faults.cut(100_000), faults.status(416)],
    "signature run out": [faults.status(403)],
    **{f"status {code}": [faults.status(code)] for code in (408, 429, 500, 502, 503, 504)},
    "busy, and says when": [faults.status(503, Retry_After="0")],
}

REFUSED: dict[str, tuple[list[Fault | None], str]] = {
    "one wrong bit twice": ([faults.flipped(7), faults.flipped(7)], "are not those that the hub vouches for"),
    "longer": ([faults.longer], "which has 300000"),
    "shorter": ([faults.shorter], "which has 300000"),
    "endless": ([faults.endless], "sends more than the 300000 bytes"),
    "web page": ([faults.page], "which has 300000"),
    "web page of that length": ([faults.page_of_that_length], "perhaps a web page"),
    "packed": ([faults.packed], "packed"),
    "empty success": ([faults.status(204)] * 4, "does not give out"),
    "always busy": ([faults.status(503)] * 9, "does not give out"),
    "always cut": ([faults.cut(0)] * 9, "was cut"),
    "asks for an hour": ([faults.status(503, Retry_After="3600")], "3600 s"),
    "foreign host": ([faults.moved("https://evil.example/m.gguf")], "evil.example is not the Hugging Face hub"),
    "other scheme": ([faults.moved("ftp://localhost/m.gguf")], "without https"),
    "file scheme": ([faults.moved("file:///etc/passwd")], "without"),
    "circle": ([faults.moved("/user/repo/" + FILE)] * 9, "in a circle"),
    "redirect to nowhere": ([faults.moved("http://[::bad")] * 4, "was cut"),
}  # fmt: skip


def test_a_file_comes_whole_and_is_reported(hub: HubServer, cache: Cache, found: Found) -> None:
    *reports, path = fetch(found(), cache=cache, patience=HASTE)
    assert isinstance(path, Path)
    assert path.name == FILE
    assert path.read_bytes() == model()
    last = reports[-1]
    assert isinstance(last, Progress)
    assert (last.done, last.total, last.phase) == (300_000, 300_000, "downloading")
    assert "Signature" not in last.url


@pytest.mark.parametrize("name", MENDED)
def test_a_fault_that_mends_itself(hub: HubServer, found: Found, fetched: Fetched, name: str) -> None:
    hub.faults.extend(MENDED[name])
    assert fetched(found()).read_bytes() == model()
    assert not hub.faults


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_never_accepted(hub: HubServer, cache: Cache, found: Found, name: str) -> None:
    planned, sentence = REFUSED[name]
    hub.faults.extend(planned)
    with pytest.raises(DownloadError, match=sentence):
        list(fetch(found(), cache=cache, patience=HASTE))
    assert not list(cache.folder.rglob("*.gguf"))
    hub.faults.clear()
    *_, path = fetch(found(), cache=cache, patience=HASTE)
    assert isinstance(path, Path)
    assert path.read_bytes() == model()


@pytest.mark.parametrize("offset", range(0, 300_000, 15_000))
def test_a_cut_download_goes_on_where_it_was(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, offset: int
) -> None:
    hub.faults.extend([faults.cut(offset), *[faults.status(500)] * 3])
    with pytest.raises(DownloadError):
        list(fetch(found(), cache=cache, patience=HASTE))
    before = len(hub.asked("store"))
    assert fetched(found()).read_bytes() == model()
    (request,) = hub.asked("store")[before:]
    assert request.headers.get("range") == (f"bytes={offset}-" if offset else None)
    assert request.headers.get("if-range") == (hub.etag(model()) if offset else None)


def test_bytes_that_were_spoiled_on_the_disk_are_fetched_anew(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched
) -> None:
    hub.faults.extend([faults.cut(200_000), *[faults.status(500)] * 3])
    with pytest.raises(DownloadError):
        list(fetch(found(), cache=cache, patience=HASTE))
    (part,) = cache.folder.rglob("*.part")
    part.write_bytes(bytes(100_000) + part.read_bytes()[100_000:])
    assert fetched(found()).read_bytes() == model()


def test_a_part_of_another_version_is_not_continued(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched
) -> None:
    hub.faults.extend([faults.cut(200_000), *[faults.status(500)] * 3])
    with pytest.raises(DownloadError):
        list(fetch(found(), cache=cache, patience=HASTE))
    hub.repos["user/repo"].files[FILE] = model(seed=2)
    hub.repos["user/repo"].commit = "c" * 40
    assert fetched(found()).read_bytes() == model(seed=2)
    assert "range" not in hub.asked("store")[-1].headers


def test_a_file_that_changes_after_it_was_looked_up_is_refused(hub: HubServer, cache: Cache, found: Found) -> None:
    download = found()
    hub.repos["user/repo"].files[FILE] = model(seed=2)
    with pytest.raises(DownloadError, match="other bytes"):
        list(fetch(download, cache=cache, patience=HASTE))


def test_a_store_that_marks_the_same_bytes_otherwise_costs_nothing(
    hub: HubServer, found: Found, fetched: Fetched
) -> None:
    """Each answer has another ETag: the part is kept all the same, for the checksum tells in the end."""
    marks = iter(range(1000))
    hub.etag_of = lambda content: f'"{next(marks)}"'
    hub.faults.extend([faults.cut(100_000)])
    assert fetched(found()).read_bytes() == model()
    assert [seen.headers.get("range") for seen in hub.asked("store")] == [None, "bytes=100000-", "bytes=100000-"]
    assert "if-range" not in hub.asked("store")[-1].headers


@pytest.mark.parametrize("same_mark", [False, True])
def test_a_file_that_changes_in_the_store_between_two_requests(
    hub: HubServer, cache: Cache, found: Found, same_mark: bool
) -> None:
    """With its ETag, or with a store that keeps the old one for other bytes."""
    hub.linked[FILE] = hashlib.sha256(model()).hexdigest()
    if same_mark:
        hub.etag_of = lambda content: '"always the same"'

    def change(handler: Handler, content: bytes) -> None:
        hub.repos["user/repo"].files[FILE] = model(seed=2)
        faults.cut(100_000)(handler, content)

    download = found()
    hub.faults.append(change)
    with pytest.raises(DownloadError, match="not those that the hub vouches for"):
        list(fetch(download, cache=cache, patience=HASTE))
    assert not list(cache.folder.rglob("*.gguf"))


def test_what_was_fetched_is_not_fetched_again(hub: HubServer, cache: Cache, found: Found, fetched: Fetched) -> None:
    first = fetched(found())
    assert fetched(found(f"{hub.endpoint}/user/repo/blob/main/{FILE}")) == first
    assert len(hub.asked("store")) == 1


def test_a_finished_file_that_was_changed_is_fetched_again(hub: HubServer, found: Found, fetched: Fetched) -> None:
    path = fetched(found())
    path.write_bytes(b"GGUF" + bytes(299_996))
    assert fetched(found()).read_bytes() == model()


def test_a_finished_file_that_was_only_touched_is_not(hub: HubServer, found: Found, fetched: Fetched) -> None:
    path = fetched(found())
    path.touch()
    assert fetched(found()) == path
    assert len(hub.asked("store")) == 1


def test_cancelling_keeps_the_part(hub: HubServer, cache: Cache, found: Found, fetched: Fetched) -> None:
    slow = faults.Slow()
    hub.faults.append(slow)
    with pytest.raises(DownloadCancelled):
        list(fetch(found(), slow.begun.is_set, cache, HASTE))
    (part,) = cache.folder.rglob("*.part")
    assert part.stat().st_size < 300_000
    assert fetched(found()).read_bytes() == model()


def test_cancelling_while_nothing_comes(hub: HubServer, cache: Cache, found: Found) -> None:
    hub.faults.append(faults.silent)
    reports = fetch(found(), lambda: any(seen.role == "store" for seen in hub.seen), cache)
    with pytest.raises(DownloadCancelled):
        list(reports)


def test_not_reading_on_is_a_pause(hub: HubServer, cache: Cache, found: Found) -> None:
    hub.faults.append(faults.cut(150_000))
    reports = fetch(found(), cache=cache, patience=HASTE)
    next(reports)
    hub.seen.clear()
    *_, path = reports
    assert isinstance(path, Path)
    assert path.read_bytes() == model()


def test_leaving_lets_another_go_on(hub: HubServer, cache: Cache, found: Found, fetched: Fetched) -> None:
    hub.faults.append(faults.Slow())
    reports = fetch(found(), cache=cache, patience=HASTE)
    next(reports)
    reports.close()  # type: ignore[attr-defined]
    assert fetched(found()).read_bytes() == model()


def test_a_split_model_is_one_download(hub: HubServer, found: Found, fetched: Fetched) -> None:
    files = {f"sub/big-Q8_0-0000{n}-of-00003.gguf": model(100_000, n) for n in (1, 2, 3)}
    hub.add("user/split", files)
    hub.faults.extend([None, faults.cut(50_000)])
    download = found("user/split/sub/big-Q8_0-00002-of-00003.gguf")
    assert (download.size, download.title, len(download.files)) == (300_000, "big-Q8_0", 3)
    first = fetched(download)
    assert first.name == "big-Q8_0-00001-of-00003.gguf"
    assert [path.read_bytes() for path in sorted(first.parent.glob("*.gguf"))] == list(files.values())


def test_a_file_in_git_itself_is_checked_too(hub: HubServer, cache: Cache, found: Found) -> None:
    hub.add("user/small", {FILE: model(20_000)}, plain_git=True)
    download = found("user/small")
    assert download.files[0].checksum.startswith("git-sha1:")
    *_, path = fetch(download, cache=cache, patience=HASTE)
    assert isinstance(path, Path)
    assert path.read_bytes() == model(20_000)


def test_without_room_nothing_is_begun(
    hub: HubServer, cache: Cache, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "free", lambda folder: room.RESERVE + 299_999)
    with pytest.raises(DownloadError, match=r"needs 300 kB more .* 200 MB are free"):
        list(fetch(found(), cache=cache, patience=HASTE))
    assert not hub.asked("store")
    assert not list(cache.folder.rglob("*.part"))


def test_room_that_goes_on_the_way_ends_it(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([room.RESERVE * 2, room.RESERVE * 2, 1000])
    with monkeypatch.context() as patched:
        patched.setattr(room, "EVERY", 50_000)
        patched.setattr(room, "free", lambda folder: next(answers))
        hub.faults.append(faults.Slow(20_000))
        with pytest.raises(DownloadError, match="free some room"):
            list(fetch(found(), cache=cache, patience=HASTE))
    (part,) = cache.folder.rglob("*.part")
    assert 50_000 <= part.stat().st_size < 300_000
    assert fetched(found()).read_bytes() == model()


FULL = """
import resource, sys
from pathlib import Path
from samantha.errors import DownloadError
from samantha.models.hub import Cache, fetch, resolve
download = resolve("user/repo")
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.RLIM_INFINITY))
try:
    list(fetch(download, cache=Cache(Path(sys.argv[1]))))
except DownloadError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
def test_a_disk_that_takes_no_more_ends_it_in_a_sentence(
    hub: HubServer, cache: Cache, found: Found, fetched: Fetched
) -> None:
    """The system itself refuses, in the middle of a write."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(cache.folder)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "is full" in ended.stdout
    assert FILE in ended.stdout
    (part,) = cache.folder.rglob("*.part")
    assert part.read_bytes() == model()[:120_000]
    assert fetched(found()).read_bytes() == model()
    assert hub.asked("store")[-1].headers["range"] == "bytes=120000-"


ANY: list[Fault | None] = [
    None, faults.cut(10), faults.cut(70_000), faults.cut(150_000), faults.cut_head, faults.reset, faults.garbage,
    faults.flipped(3), faults.flipped(180_000), faults.longer, faults.shorter, faults.no_length, faults.no_length_cut,
    faults.whole_again, faults.other_range, faults.rangeless, faults.other_total, faults.page,
    faults.page_of_that_length, faults.packed, *[faults.status(code) for code in (204, 403, 404, 416, 429, 500, 503)],
    faults.moved("https://evil.example/x"), faults.moved("//evil.example/x"),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens_in_whatever_order(hub: HubServer, cache: Cache, found: Found, seed: int) -> None:
    """Only the right bytes ever get the name, and as soon as the store behaves, they do."""
    chance = random.Random(seed)
    download = found()
    hub.faults.extend(chance.choices(ANY, k=12))
    for _ in range(14):
        try:
            *_, path = fetch(download, cache=cache, patience=HASTE)
        except DownloadError:
            assert not list(cache.folder.rglob("*.gguf"))
            continue
        assert isinstance(path, Path)
        assert path.read_bytes() == model()
        break
    else:
        pytest.fail("it never came")
