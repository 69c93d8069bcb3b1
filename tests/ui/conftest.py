"""A real server on a scripted model whose answers wait where a test wants them to, and a real browser."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from samantha.errors import WorkerDied
from samantha.models.model import GenerateRequest, Output, Token
from samantha.models.scripted import ScriptedModel, ScriptedSource
from samantha.runs.store import RunStore
from samantha.ui.app import Page, serving

XSS = """<script>window.hacked = 1</script> <img src="http://evil.test/a.png" onerror="window.hacked = 1">

![picture](http://evil.test/b.png) [link](http://evil.test/c) [run](javascript:window.hacked=1)

<iframe src="http://evil.test/d"></iframe><svg onload="window.hacked = 1"><style>@import url(http://evil.test/e.css)</style>

```html"onmouseover="window.hacked=1
<b>code</b>
```

{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1} `${window.hacked=1}`

<base href="http://evil.test/"><meta http-equiv="refresh" content="0;url=http://evil.test/f"><form action="http://evil.test/g">
"""


class Gated(ScriptedModel):
    """Waits after its first token until the gate opens or it is told to stop."""

    def __init__(self, name: str, answers: list[str]) -> None:
        super().__init__(name, answers)
        self.gate = threading.Event()

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        for output in super().generate(request):
            yield output
            if isinstance(output, Token):
                self.gate.wait(60)

    def stop(self, reason: Any = "stopped") -> None:
        super().stop(reason)
        self.gate.set()


class Served:
    """A running page and the models behind it."""

    def __init__(self, page: Page, models: ScriptedSource, store: RunStore) -> None:
        self.page = page
        self.models = models
        self.store = store
        self.base = f"http://127.0.0.1:{page.port}"

    @property
    def gated(self) -> Gated:
        model = self.models.models["gated"]
        assert isinstance(model, Gated)
        return model


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page, served for the tests of a module."""
    folder: Path = tmp_path_factory.mktemp("page")
    models = ScriptedSource(
        {"tiny": ["Rain is **like** a song."], "two": ["Second answer."], "xss": [XSS], "broken": [], "gated": []}
    )
    models.models["broken"] = ScriptedModel("broken", [WorkerDied("The worker died: choose a smaller model.")])
    models.models["gated"] = Gated("gated", ["one two three four"])
    patch = pytest.MonkeyPatch()
    patch.setenv("SAMANTHA_HOME", str(folder))
    with patch.context(), RunStore(folder / "runs.sqlite3") as store, serving(models, store, 0) as page:
        yield Served(page, models, store)
    patch.undo()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """The one Playwright of a test process."""
    from playwright import sync_api

    with sync_api.sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Any) -> Any:
    """Chromium, without which these tests are left out."""
    return launched(playwright)


def launched(playwright: Any, *arguments: str) -> Any:
    """A headless Chromium: the system's, else Playwright's own."""
    import shutil

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", *arguments]
    if path is None and not Path(playwright.chromium.executable_path).exists():
        leave_out = pytest.fail if "CI" in os.environ else pytest.skip  # CI must not pass without having looked
        leave_out("no browser: install Chromium, or run `playwright install chromium`")
    return playwright.chromium.launch(executable_path=path, args=flags)


@pytest.fixture
def opened(served: Served, browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page in a context of its own; afterwards nothing may have gone wrong in it or left this computer."""
    contexts, troubles = [], []

    def tab(**options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", **options)
        contexts.append(context)
        return prepared(context.new_page())

    def prepared(page: Any) -> Any:
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        page.on("request", lambda request: troubles.append(f"outside: {request.url}") if foreign(request.url) else None)
        page.goto(served.page.address)
        page.wait_for_selector("#prompts textarea")
        page.wait_for_selector("#panel .settings")
        page.wait_for_selector("#models .chip")
        return page

    def foreign(url: str) -> bool:
        return not url.startswith((served.base, "data:", "blob:"))

    yield tab
    for context in contexts:
        context.close()
    assert troubles == []
