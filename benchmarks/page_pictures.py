"""Takes the pictures of the page that README and docs show, with Samantha Tiny and chains of `prompts/`.

python -m benchmarks.page_pictures
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui.app import serving

FOLDER = Path(__file__).parent.parent / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Camera:
    """One browser tab at the page."""

    def __init__(self, tab: Any, address: str) -> None:
        self.tab = tab
        tab.goto(address)
        for part in ("#prompts textarea", "#models .chip", "#panel .settings", "#chains-picker"):
            tab.wait_for_selector(part)

    def open_chain(self, name: str) -> None:
        """Fill the page from a chain of `prompts/`."""
        self.tab.hover("#chains-picker")
        self.tab.wait_for_function("document.querySelectorAll('#chains-picker option').length > 1")
        self.tab.select_option("#chains-picker", label=name)
        self.tab.wait_for_timeout(1000)

    def run(self) -> None:
        """Run the chain to its end and show its beginning."""
        self.tab.click("#start")
        self.tab.wait_for_timeout(500)  # a short run may be over before anybody could see it running
        self.tab.wait_for_selector("body:not(.running)")
        self.tab.evaluate("document.querySelector('#middle').scrollTo(0, 0)")
        self.tab.focus("#prompts textarea")

    def take(self, name: str) -> None:
        """Save what is seen, in few colours."""
        from PIL import Image

        self.tab.wait_for_timeout(400)
        path = FOLDER / f"{name}.png"
        self.tab.screenshot(path=path)
        Image.open(path).convert("RGB").quantize(160, dither=Image.Dither.NONE).save(path, optimize=True)


def pictures(camera: Camera) -> None:
    """Every picture, one after the other."""
    tab = camera.tab
    camera.open_chain("shared instruction and final prompt")
    camera.run()
    camera.take("chain")
    tab.click("#clear")
    camera.open_chain("several models several prompts")
    tab.click("#preview-button")
    tab.wait_for_selector("#preview table")
    camera.take("chain-preview")
    tab.keyboard.press("Escape")
    camera.open_chain("several answers to one prompt")
    tab.fill("#responses-count input", "64")
    tab.fill("#parallel", "2")
    tab.press("#parallel", "Tab")
    tab.click("#start")
    tab.wait_for_function("document.querySelectorAll('#responses article').length > 20")
    camera.take("chain-running")
    tab.keyboard.press("Escape")
    tab.wait_for_selector("body:not(.running)")
    tab.click("#clear")
    camera.open_chain("code mends itself")
    camera.run()
    tab.wait_for_timeout(1500)
    camera.take("code")
    tab.click("#clear")
    camera.open_chain("code chart from a description")
    camera.run()
    tab.wait_for_timeout(1500)
    camera.take("code-chart")
    tab.click("#clear")
    tab.set_viewport_size({"width": 1440, "height": 900})
    tab.click("#theme")
    tab.click("button[lang=pt]")
    camera.open_chain("em portugues")
    camera.run()
    camera.take("chain-dark-portuguese")


def main() -> None:
    """Serve the page on an empty data folder and take the pictures."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Residency()) as models,
        sync_playwright() as started,
    ):
        os.environ["SAMANTHA_HOME"] = folder
        with RunStore(Path(folder) / "runs.sqlite3") as store, serving(models, store, 0) as page:
            browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            tab = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
            pictures(Camera(tab, page.address))
            browser.close()


if __name__ == "__main__":
    main()
