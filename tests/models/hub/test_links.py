"""Links as a run uses them: looked up once, fetched once, kept while they are needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samantha.errors import DownloadError
from samantha.models.hub import Cache, Download, Links, Unusable
from tests.models.hub.conftest import FILE, HASTE, model
from tests.models.hub.hub_server import HubServer


@pytest.fixture
def links(hub: HubServer, cache: Cache) -> Iterator[Links]:
    hub.add("user/next", {"n-Q4_K_M.gguf": model(50_000, 9)})
    made = Links(cache, HASTE)
    yield made
    made.close()


def path_of(links: Links, text: str) -> Path:
    *_, path = links.obtain(text)
    assert isinstance(path, Path)
    return path


def test_a_loop_over_links_asks_the_hub_once(hub: HubServer, links: Links) -> None:
    found = links.begin(["user/repo", "user/none", "user/next"])
    assert [type(one) for one in found] == [Download, Unusable, Download]
    asked = len(hub.asked("hub")) + len(hub.asked("hub", "HEAD"))
    for _ in range(3):
        assert path_of(links, "user/repo").read_bytes() == model()
        assert path_of(links, "user/next").read_bytes() == model(50_000, 9)
    assert len(hub.asked("store")) == 2
    assert len(hub.asked("hub")) + len(hub.asked("hub", "HEAD")) == asked + 2, "one more for each file itself"


def test_a_link_means_the_same_through_a_run(hub: HubServer, links: Links) -> None:
    links.begin(["user/repo"])
    hub.repos["user/repo"].files[FILE] = model(seed=2)
    with pytest.raises(DownloadError, match="other bytes"):
        path_of(links, "user/repo")
    links.begin(["user/repo"])
    assert path_of(links, "user/repo").read_bytes() == model(seed=2)


def test_the_next_run_replaces_what_was_for_testing(links: Links, cache: Cache) -> None:
    links.begin(["user/repo"])
    first = path_of(links, "user/repo")
    links.begin(["user/next"])
    path_of(links, "user/next")
    assert first.exists(), "the first run may still be going on"
    links.release(["user/repo", "user/next"])
    links.begin(["user/next"])
    assert first.exists(), "nothing has to be fetched, so that nothing has to make room"
    cache.remove(cache.entry(links.download("user/next").key))  # type: ignore[union-attr]
    links.begin(["user/next"])
    assert not first.exists()


def test_a_link_that_was_not_looked_up_is(links: Links) -> None:
    assert path_of(links, "user/repo").read_bytes() == model()
    assert links.download("user/repo")
    assert links.download("user/other") is None
