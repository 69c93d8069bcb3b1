"""A browser of its own process: `visit.py table URL TEXT` or `visit.py notebook URL CODE`; what was seen comes as JSON.

A process, because Playwright runs once in each, and the tests of the page have theirs.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright import sync_api

RUN = """async ([code, token]) => {
  const headers = {Authorization: `token ${token}`};
  const body = JSON.stringify({name: "python3", path: "notes.ipynb"});
  const started = await fetch("/api/kernels", {method: "POST", headers, body});
  const kernel = await started.json();
  const socket = new WebSocket(`ws://${location.host}/api/kernels/${kernel.id}/channels?token=${token}`);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  const header = {msg_id: "1", msg_type: "execute_request", session: "s", username: "", version: "5.3", date: ""};
  const content = {code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false};
  socket.send(JSON.stringify({header, parent_header: {}, metadata: {}, content, channel: "shell", buffers: []}));
  let printed = "";
  return await new Promise((resolve) => {
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.msg_type === "stream") printed += message.content.text;
      if (message.msg_type === "error") printed += message.content.ename;
      const idle = message.msg_type === "status" && message.content.execution_state === "idle";
      if (idle && message.parent_header.msg_id === "1") resolve(printed);
    };
  });
}"""


def main() -> None:
    kind, url, wanted = sys.argv[1:]
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            print(json.dumps({"browser": False}))
            return
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        outside: list[str] = []
        page.on("request", lambda request: outside.append(request.url) if foreign(request.url, url) else None)
        page.goto(url, timeout=120_000)
        seen = looked(page, wanted) if kind == "table" else worked(page, url, wanted)
        print(json.dumps({"browser": True, "seen": seen, "outside": outside, "url": page.url}))
        browser.close()


def foreign(requested: str, url: str) -> bool:
    return not requested.startswith(("data:", "blob:")) and urlsplit(requested).netloc != urlsplit(url).netloc


def looked(page: Any, text: str) -> str:
    """The text of the page once `text` is in it."""
    page.wait_for_selector(f"text={text}", timeout=120_000)
    return str(page.inner_text("body"))


def worked(page: Any, url: str, code: str) -> str:
    """What code prints that JupyterLab's own page has a kernel run."""
    page.wait_for_selector("#jp-main-dock-panel", timeout=120_000)
    return str(page.evaluate(RUN, [code, url.rpartition("token=")[2]]))


main()
