"""Several that want the same model, in threads and processes; and what is left when one of them is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samantha.errors import DownloadError
from samantha.models.hub import Cache, Download, Prefetch, Progress, fetch
from samantha.models.hub.cache import ABANDONED
from tests.models.hub import faults
from tests.models.hub.conftest import HASTE, model
from tests.models.hub.hub_server import HubServer

CHILD = """
import sys
from pathlib import Path
from samantha.models.hub import Cache, Progress, fetch, resolve
for item in fetch(resolve("user/repo"), cache=Cache(Path(sys.argv[1]))):
    print(item.phase if isinstance(item, Progress) else item, flush=True)
"""


def started(cache: Cache) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(cache.folder)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def slow(hub: HubServer) -> Iterator[faults.Slow]:
    held = faults.Slow()
    hub.faults.append(held)
    yield held
    held.go.set()


def test_of_two_threads_one_downloads(
    hub: HubServer, cache: Cache, found: Callable[..., Download], slow: faults.Slow
) -> None:
    download = found()
    ends: list[object] = []

    def to_the_end() -> None:
        *_, end = fetch(download, cache=cache, patience=HASTE)
        ends.append(end)

    threads = [threading.Thread(target=to_the_end) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert slow.begun.wait(10)
    waiting = next(item for item in fetch(download, cache=cache, patience=HASTE) if item)
    assert isinstance(waiting, Progress)
    assert waiting.phase == "waiting"
    assert waiting.total == 300_000
    slow.go.set()
    for thread in threads:
        thread.join(20)
    assert len(set(ends)) == 1
    assert len(ends) == 4
    assert len(hub.asked("store")) == 1


def test_of_two_processes_one_downloads_and_the_other_shows_how_far_it_is(
    hub: HubServer, cache: Cache, slow: faults.Slow
) -> None:
    first = started(cache)
    assert slow.begun.wait(20)
    second = started(cache)
    assert second.stdout
    assert first.stdout
    assert second.stdout.readline() == "waiting\n"
    slow.go.set()
    ends = [process.communicate(timeout=20)[0].split()[-1] for process in (first, second)]
    assert ends[0] == ends[1]
    assert Path(ends[0]).read_bytes() == model()
    assert len(hub.asked("store")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_killed_process_leaves_a_part_that_another_goes_on_with(
    hub: HubServer, cache: Cache, slow: faults.Slow, found: Callable[..., Download]
) -> None:
    process = started(cache)
    assert process.stdout
    assert slow.begun.wait(20)
    while not any(part.stat().st_size > 10_000 for part in cache.folder.rglob("*.part")):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (part,) = cache.folder.rglob("*.part")
    there = part.stat().st_size
    assert 0 < there < 300_000
    *_, path = fetch(found(), cache=cache, patience=HASTE)
    assert isinstance(path, Path)
    assert path.read_bytes() == model()
    assert hub.asked("store")[-1].headers["range"] == f"bytes={there}-"


def test_what_a_living_process_uses_is_not_tidied_away(
    hub: HubServer, cache: Cache, found: Callable[..., Download], fetched: Callable[[Download], Path]
) -> None:
    download = found()
    path = fetched(download)
    with cache.entry(download.key).held():
        assert cache.tidy() == 0
        assert path.exists()
    assert cache.tidy(needed=[download.key]) == 0
    assert cache.tidy() == 300_000
    assert not path.exists()


def test_what_is_unfinished_stays_until_it_is_abandoned(
    hub: HubServer, cache: Cache, found: Callable[..., Download]
) -> None:
    hub.faults.extend([faults.cut(100_000), *[faults.status(500)] * 3])
    with pytest.raises(DownloadError):
        list(fetch(found(), cache=cache, patience=HASTE))
    assert cache.tidy() == 0
    (part,) = cache.folder.rglob("*.part")
    os.utime(part, (time.time() - ABANDONED - 60,) * 2)
    assert cache.tidy() == 100_000
    assert not part.exists()


def test_the_next_model_is_fetched_ahead_and_not_twice(
    hub: HubServer, cache: Cache, found: Callable[..., Download], slow: faults.Slow
) -> None:
    hub.add("user/next", {"n-Q4_K_M.gguf": model(50_000, 9)})
    first, broken, last = found(), found("user/next"), found("user/repo")
    hub.repos["user/next"].files.clear()
    ahead = Prefetch([first, broken, last], cache, HASTE)
    assert slow.begun.wait(10)
    reports = fetch(first, cache=cache, patience=HASTE)
    waiting = next(reports)
    assert isinstance(waiting, Progress)
    assert waiting.phase == "waiting"
    slow.go.set()
    *_, path = reports
    ahead.wait()
    assert isinstance(path, Path)
    assert path.read_bytes() == model()
    assert len([seen for seen in hub.asked("store") if "user/repo" in seen.path]) == 1


def test_fetching_ahead_ends_when_told_to(
    hub: HubServer, cache: Cache, found: Callable[..., Download], slow: faults.Slow
) -> None:
    ahead = Prefetch([found()], cache, HASTE)
    assert slow.begun.wait(10)
    ahead.close()
    *_, path = fetch(found(), cache=cache, patience=HASTE)
    assert isinstance(path, Path)
    assert path.read_bytes() == model()


def test_what_is_being_downloaded_is_not_removed(
    hub: HubServer, cache: Cache, found: Callable[..., Download], slow: faults.Slow
) -> None:
    download = found()
    reports = fetch(download, cache=cache, patience=HASTE)
    next(reports)
    assert cache.remove(cache.entry(download.key)) == 0
    slow.go.set()
    *_, path = reports
    assert isinstance(path, Path)
    assert path.exists()
