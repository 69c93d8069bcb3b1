"""What the page costs: updates and bytes a second, and CPU of the page's process, while answers stream to one tab.

    python -m benchmarks.page_stream

A scripted model answers at a given speed; its own work and the run store's are part of the CPU figure.
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from samantha.chain.chain import Chain
from samantha.hyperparameters import Hyperparameters
from samantha.models.model import GenerateRequest, Output, Token
from samantha.models.scripted import ScriptedModel, ScriptedSource
from samantha.runs.store import RunStore
from samantha.ui.app import Page, serving

PARAGRAPH = "The sea rises and falls **twice** a day, and so the water goes on and on.\n\n"
ANSWERS = {"paragraphs": PARAGRAPH * 190, "one block": " ".join(["word"] * 3000), "short": PARAGRAPH * 3}
CASES = [
    ("paragraphs", 10, 300, 1), ("paragraphs", 50, 1000, 1), ("one block", 50, 1000, 1), ("paragraphs", 500, 3000, 1),
    ("one block", 500, 3000, 1), ("paragraphs", 3000, 3000, 1), ("short", 200, 100, 100),
]  # fmt: skip
"""Answer, tokens a second, most tokens, responses."""

TAB = "ab" * 16


class Paced(ScriptedModel):
    """Answers at `rate` tokens a second."""

    rate = 1

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """The scripted outputs, each token when it is due."""
        due = time.perf_counter()
        for output in super().generate(request):
            if isinstance(output, Token):
                due += 1 / self.rate
                time.sleep(max(0.0, due - time.perf_counter()))
            yield output


class Watcher:
    """Reads the stream of one tab and counts."""

    def __init__(self, page: Page) -> None:
        self.bytes = self.updates = 0
        self._page = page
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        cookies = {f"samantha-{self._page.port}": self._page.token}
        address = f"http://127.0.0.1:{self._page.port}/samantha/watch/{TAB}"
        with httpx.Client(cookies=cookies, timeout=60) as client, client.stream("GET", address) as answer:
            for line in answer.iter_lines():
                self.bytes += len(line.encode()) + 1
                self.updates += bool(line)


def main() -> None:
    """Print one line per case."""
    models = ScriptedSource({})
    models.models = {name: Paced(name, [answer]) for name, answer in ANSWERS.items()}
    process = psutil.Process()
    with (
        tempfile.TemporaryDirectory() as folder,
        RunStore(Path(folder) / "runs.sqlite3") as store,
        serving(models, store, 0) as page,
    ):
        watcher = Watcher(page)
        time.sleep(1)
        for name, rate, tokens, responses in CASES:
            models.models[name].rate = rate  # type: ignore[attr-defined]
            chain = Chain(
                models=(name,), prompts="Hi", responses=responses, parallel=1,
                hyperparameters=Hyperparameters(max_tokens=tokens),
            )  # fmt: skip
            watcher.bytes = watcher.updates = 0
            before, begun = process.cpu_times(), time.perf_counter()
            session = page.workbench.sessions.of(TAB)
            session.start(chain)
            session.join(600)
            seconds, after = time.perf_counter() - begun, process.cpu_times()
            busy = after.user + after.system - before.user - before.system
            updates, kibibytes = watcher.updates / seconds, watcher.bytes / seconds / 1024
            print(
                f"{name:10} {responses:3} x, {rate:4} tok/s: {seconds:5.1f} s, {updates:4.1f} updates/s,"
                f" {kibibytes:6.1f} KiB/s, {busy / seconds:4.0%} of one core",
                flush=True,
            )


if __name__ == "__main__":
    main()
