"""The page over real model files, real workers and the tests' own hub, for the tests of the Models tab."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from samantha import settings
from samantha.models import library
from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui.app import Page, serving
from samantha.ui.workbench import Workbench
from tests.models.hub.conftest import model
from tests.models.hub.hub_server import HubServer

TAB = "1" * 32
TINY = library.TINY_PATH.read_bytes()
LARGE = model(3_000_000, seed=3)


class Served:
    """A running page, the hub that it asks, and the folder of its model files."""

    def __init__(self, page: Page, hub: HubServer, residency: Residency, folder: Path) -> None:
        self.page = page
        self.hub = hub
        self.residency = residency
        self.folder = folder
        self.base = f"http://127.0.0.1:{page.port}"

    @property
    def bench(self) -> Workbench:
        return self.page.workbench

    def ask(self, route: str, /, **sent: Any) -> Any:
        """What a question below /samantha/models/ is answered."""
        return self._sent(httpx.get, route, params={"tab": TAB, **sent})

    def tell(self, route: str, /, **sent: Any) -> Any:
        """What a change is answered."""
        return self._sent(httpx.post, route, json={"tab": TAB, **sent})

    def _sent(self, how: Any, route: str, **given: Any) -> Any:
        cookies = {f"samantha-{self.page.port}": self.page.token}
        return how(f"{self.base}/samantha/models/{route}", cookies=cookies, timeout=60, **given).json()

    def finished(self, route: str) -> Any:
        """The answer of a task that was begun, when it is over."""
        while True:
            answer = self.ask(route)
            if answer["phase"] in ("done", "failed", "stopped"):
                return answer

    def row(self, name: str) -> Any:
        """The row of a model, or None."""
        return next((one for one in self.ask("state")["library"]["rows"] if one["name"] == name), None)


@contextmanager
def served_models(home: Path) -> Iterator[Served]:
    """A hub with `user/tiny`, `user/large` and `user/gated`; a folder with `usable` and `broken` model files."""
    patch = pytest.MonkeyPatch()
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        patch.delenv(name, raising=False)
    folder = home / "models"
    folder.mkdir()
    (folder / "usable.gguf").write_bytes(TINY)
    (folder / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    hub = HubServer()
    hub.add("user/tiny", {"samantha-tiny-Q8_0.gguf": TINY})
    hub.add("user/large", {"large-Q4_K_M.gguf": LARGE, "large-Q8_0.gguf": model(6_000_000, seed=4)})
    hub.add("user/gated", {"gated-Q4_K_M.gguf": model(10_000)}, gated=True)
    patch.setenv("SAMANTHA_HOME", str(home))
    patch.setenv("HF_ENDPOINT", hub.endpoint)
    settings.save(settings.Settings(model_folders=(str(folder),)))
    residency = Residency()
    try:
        with RunStore(home / "runs.sqlite3") as store, serving(residency, store, 0) as page:
            yield Served(page, hub, residency, folder)
    finally:
        residency.close()
        hub.close()
        patch.undo()
