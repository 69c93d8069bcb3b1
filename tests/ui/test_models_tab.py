"""The Models tab in a real browser: real files, real workers, the tests' own hub and a small server on loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samantha import settings
from samantha.models.model import LoadOptions
from tests.models.endpoints.small_server import Exchange, small_server
from tests.models.hub.faults import Slow
from tests.ui.models_page import LARGE, TINY, Served, served_models

PATIENCE = 60_000
CARD = "#responses article"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_models(tmp_path_factory.mktemp("models")) as found:
        yield found


@pytest.fixture(autouse=True)
def samantha_home(served: Served, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the one page, not of each test; and the hub that it asks."""
    monkeypatch.setenv("SAMANTHA_HOME", str(served.folder.parent))
    return served.folder.parent


@pytest.fixture
def page(served: Served, browser: Any) -> Iterator[Any]:
    """The Models tab; afterwards no script may have failed and nothing may have left this computer."""
    troubles: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
    own = (served.base, "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(own) else troubles.append(asked.url))
    page.goto(served.page.address)
    page.wait_for_selector("#models .chip")
    page.wait_for_selector("#panel .settings")
    tab(page, "Models")
    page.wait_for_selector("#library tr[data-model=tiny]")
    yield page
    for job in served.bench.downloads.jobs():
        served.bench.downloads.remove(job.number)
    served.hub.faults.clear()
    context.close()
    assert troubles == []


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def chips(page: Any) -> list[str]:
    return [str(title) for title in page.locator("#models .chip").evaluate_all("all => all.map((one) => one.title)")]


def names(page: Any) -> list[str]:
    return [str(name) for name in page.locator("#library tbody .called").all_inner_texts()]


def only(page: Any, *models: str) -> None:
    """The chain has exactly these models."""
    tab(page, "Chain")
    while page.locator("#models .chip").count():
        page.click("#models .chip:first-child .remove")
    for name in models:
        page.fill("#model-add", name)
        page.press("#model-add", "Enter")
    page.wait_for_function("count => document.querySelectorAll('#models .chip').length === count", arg=len(models))


def run(page: Any, prompt: str = "Hi") -> None:
    page.fill("#knob-max_tokens", "4")
    page.press("#knob-max_tokens", "Tab")
    page.fill("#prompts textarea", prompt)
    page.press("#prompts textarea", "Enter")
    page.wait_for_selector("li.run")


def test_model_files_are_listed_found_sorted_used_and_described(page: Any) -> None:
    assert names(page) == ["broken", "tiny", "usable"]
    assert "version 0" in page.inner_text("tr[data-model=broken]")
    assert page.locator("tr[data-model=broken] [data-do=use]").count() == 0
    row = page.inner_text("tr[data-model=usable]")
    assert all(word in row for word in ("llama", "Q8_0", "5.5 MB", "2,048", "fits"))
    page.click("[data-sort=size]")
    assert names(page) == ["broken", "tiny", "usable"]
    page.click("[data-sort=size]")
    assert names(page)[-1] == "broken"
    page.fill("#library-search", "q8_0 us")
    assert names(page) == ["usable"]
    page.click("tr[data-model=usable] [data-do=use]")
    assert chips(page) == ["tiny", "usable"]
    page.click("tr[data-model=usable] [data-do=metadata]")
    page.wait_for_selector("#metadata .facts dd:has-text('usable.gguf')")
    assert page.input_value("#model-choice") == "usable"


def test_memory_follows_the_context_window_of_the_chain(page: Any) -> None:
    shown = "tr[data-model=usable] .memory .amount"
    page.wait_for_selector(shown)
    before = page.inner_text(shown)
    tab(page, "Chain")
    page.click("#panel details summary >> nth=1")
    page.fill("#knob-n_ctx", "256")
    page.press("#knob-n_ctx", "Tab")
    tab(page, "Models")
    page.wait_for_function("([at, was]) => document.querySelector(at)?.innerText !== was", arg=[shown, before])
    assert "256 tokens" in page.get_attribute(shown, "title")


def test_a_file_that_comes_or_goes_is_seen_without_a_click(page: Any, served: Served) -> None:
    path = served.folder / "newcomer.gguf"
    path.write_bytes(TINY[:-1000])
    page.wait_for_selector("tr[data-model=newcomer] .wrong")
    path.unlink()
    page.wait_for_selector("tr[data-model=newcomer]", state="detached")


def test_names_and_links_of_strangers_are_text(page: Any, served: Served) -> None:
    attack = "<img src=x onerror=hacked=1>"
    path = served.folder / f"{attack}.gguf"
    path.write_bytes(TINY + b"attack")
    called = "name => [...document.querySelectorAll('.called')].some((one) => one.textContent === name)"
    page.wait_for_function(called, arg=attack)
    page.fill("#hub-links", f"user/{attack.replace(' ', '')}")
    page.click("#hub-look-up")
    page.wait_for_selector("#hub-found .wrong")
    only(page, attack)
    assert page.locator("#models .chip .name").inner_text() == attack
    assert page.evaluate("window.hacked") is None
    path.unlink()


def test_deleting_asks_once_and_is_refused_while_a_run_uses_it(page: Any, served: Served) -> None:
    path = served.folder / "superfluous.gguf"
    path.write_bytes(TINY + b"other")
    page.click("tr[data-model=superfluous] [data-do=delete]")
    page.wait_for_selector("#delete-yes")
    page.keyboard.press("Escape")
    page.wait_for_selector("#delete-yes", state="detached")
    assert path.exists()
    model = next(
        item
        for item in served.residency.acquire("superfluous", LoadOptions(n_ctx=256), lambda: False)
        if not hasattr(item, "progress")
    )
    page.click("tr[data-model=superfluous] [data-do=delete]")
    page.click("#delete-yes")
    page.wait_for_selector("#library [role=alert]:has-text('being used by a run')")
    assert path.exists()
    served.residency.release(model)
    page.click("tr[data-model=superfluous] [data-do=delete]")
    page.click("#delete-yes")
    page.wait_for_selector("tr[data-model=superfluous]", state="detached")
    assert not path.exists()
    assert page.locator("tr[data-model=tiny] [data-do=delete]").count() == 0


def test_a_folder_is_added_and_a_wrong_one_keeps_what_was_typed(page: Any, served: Served) -> None:
    page.click("#model-folders summary")
    page.fill("#folder-path", "/no/such/folder")
    page.press("#folder-path", "Enter")
    page.wait_for_selector("#library [role=alert]:has-text('/no/such/folder')")
    assert page.input_value("#folder-path") == "/no/such/folder"
    other = served.folder.parent / "more"
    other.mkdir()
    (other / "extra.gguf").write_bytes(TINY[:-2000])
    page.fill("#folder-path", str(other))
    page.click("#folder-add")
    page.wait_for_selector("tr[data-model=extra]")
    page.click(f"#model-folders button[aria-label*='{other}']")
    page.wait_for_selector("tr[data-model=extra]", state="detached")


def test_links_are_looked_up_with_size_fit_or_what_to_do(page: Any) -> None:
    page.fill("#hub-links", "user/tiny:Q8_0\n---user/never\nuser/gated\nhttps://example.invalid/a-Q4_0.gguf\nnonsense")
    page.press("#hub-links", "Control+Enter")
    page.wait_for_function("document.querySelectorAll('#hub-found li').length === 4")
    tiny, gated, foreign, nonsense = page.locator("#hub-found li").all_inner_texts()
    assert all(word in tiny for word in ("samantha-tiny-Q8_0", "user/tiny", "Q8_0", "5.5 MB", "fits"))
    assert "hf auth login" in gated
    assert "Trust example.invalid" in foreign
    assert "names no model" in nonsense
    assert "free" in page.inner_text("#hub header")
    page.click("[data-do=trust]")
    page.wait_for_function("() => document.querySelector('#hub-look-up')")
    page.click("#hub-stop")
    page.wait_for_selector("#hub-stop", state="hidden")
    assert settings.load().download_hosts == ("example.invalid",)
    page.fill("#hub-links", "---all left out")
    page.click("#hub-look-up")
    page.wait_for_selector("#hub [role=alert]:has-text('no link')")
    assert page.input_value("#hub-links") == "---all left out"


def test_all_links_of_a_repository_and_search(page: Any) -> None:
    page.fill("#hub-links", "user/large")
    page.click("#hub-all-links")
    page.wait_for_selector("tr[data-file='large-Q8_0.gguf']")
    assert "6.0 MB" in page.inner_text("tr[data-file='large-Q8_0.gguf']")
    page.click("tr[data-file='large-Q8_0.gguf'] [data-do=use]")
    assert chips(page)[-1].endswith("/user/large/resolve/main/large-Q8_0.gguf")
    page.click("#hub-search summary")
    page.fill("#hub-words", "tiny")
    page.fill("#hub-largest", "big")
    page.press("#hub-words", "Enter")
    page.wait_for_selector("#hub [role=alert]:has-text('big')")
    page.fill("#hub-largest", "3")
    page.press("#hub-largest", "Enter")
    page.wait_for_selector("tr[data-repository='user/tiny']")
    page.click("tr[data-repository='user/tiny'] button")
    page.wait_for_selector("tr[data-file='samantha-tiny-Q8_0.gguf']")


def test_a_download_is_paused_resumed_survives_a_reload_and_becomes_a_file(page: Any, served: Served) -> None:
    slow = Slow()
    served.hub.faults.append(slow)
    page.fill("#hub-links", "user/large")
    page.click("#hub-look-up")
    page.click("#hub-found [data-do=download]")
    page.wait_for_selector("#downloads li[data-phase=downloading]:has-text(' of 3.0 MB')")
    page.wait_for_selector("#downloads li:has-text('/s')")
    page.click("#downloads [data-do=pause]")
    page.wait_for_selector("#downloads li[data-phase=paused]")
    page.reload()
    page.wait_for_selector("#models .chip")
    tab(page, "Models")
    page.wait_for_selector("#downloads li[data-phase=paused]")
    slow.go.set()
    page.click("#downloads [data-do=resume]")
    page.wait_for_selector("#downloads li[data-phase=done]")
    page.click("#downloads [data-do=keep]")
    page.wait_for_selector("tr[data-model='large-Q4_K_M']")
    assert (served.folder / "large-Q4_K_M.gguf").read_bytes() == LARGE
    page.click("#downloads [data-do=clear]")
    page.wait_for_selector("#downloads li", state="detached")
    assert (served.folder / "large-Q4_K_M.gguf").exists()
    (served.folder / "large-Q4_K_M.gguf").unlink()


def test_a_download_is_cancelled_and_its_room_is_free_again(page: Any, served: Served) -> None:
    slow = Slow()
    served.hub.faults.append(slow)
    page.fill("#hub-links", "user/large:Q8_0")
    page.click("#hub-look-up")
    page.click("#hub-found [data-do=download]")
    page.wait_for_selector("#downloads li[data-phase=downloading]:has-text(' of 6.0 MB')")
    page.click("#downloads [data-do=cancel]")
    page.wait_for_selector("#downloads li", state="detached")
    slow.go.set()
    assert not list((settings.data_folder() / "downloads").rglob("*.part"))


def test_a_chain_whose_model_is_a_link_shows_its_download_and_answers(page: Any, served: Served) -> None:
    page.fill("#hub-links", "user/tiny:Q8_0")
    page.click("#hub-look-up")
    page.wait_for_selector("#hub-found li")
    only(page)
    tab(page, "Models")
    page.click("#hub-found [data-do=use]")
    tab(page, "Chain")
    assert chips(page) == ["user/tiny:Q8_0"]
    assert "hub" in page.inner_text("#models .chip .detail")
    slow = Slow(20_000)
    served.hub.faults.append(slow)
    run(page)
    page.wait_for_function(
        "/downloading, .* of 5.5 MB .*\\/s/.test(document.querySelector('.progress .what').innerText)"
    )
    slow.go.set()
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    page.wait_for_selector("body:not(.running)")
    tab(page, "Models")
    page.wait_for_selector("#memory-box li[data-loaded]")
    assert " MB" in page.inner_text("#memory-box li[data-loaded]")
    page.click("#memory-box li[data-loaded] button")
    page.wait_for_selector("#memory-box li[data-loaded]", state="detached")
    assert served.residency.loaded() == []


def test_stop_ends_the_download_of_a_run(page: Any, served: Served) -> None:
    slow = Slow()
    served.hub.faults.append(slow)
    only(page, "user/large")
    run(page)
    page.wait_for_function("/downloading/.test(document.querySelector('.progress .what').innerText)")
    page.click("#stop")
    page.wait_for_selector("body:not(.running)")
    assert page.inner_text("li.run .reason") == "Stopped"
    assert page.locator(f"{CARD}[data-state=failed]").count() == 0
    slow.go.set()


def test_the_memory_budget_is_set_and_keeps_several_models(page: Any, served: Served) -> None:
    assert "one model at a time" in page.inner_text("#budget-note")
    page.fill("#memory-budget", "a lot")
    page.press("#memory-budget", "Enter")
    page.wait_for_selector("#memory-box [role=alert]:has-text('number from 0')")
    assert page.input_value("#memory-budget") == "a lot"
    page.fill("#memory-budget", "2")
    page.click("#budget-set")
    page.wait_for_function("document.querySelector('#budget-note').innerText.includes('2.0 GB')")
    assert settings.load().memory_budget == 2
    only(page, "tiny", "usable")
    run(page)
    page.wait_for_selector("body:not(.running)")
    tab(page, "Models")
    page.wait_for_function("document.querySelectorAll('#memory-box li[data-loaded]').length === 2")
    page.click("#unload-all")
    page.wait_for_function("document.querySelectorAll('#memory-box li[data-loaded]').length === 0")
    page.fill("#memory-budget", "0")
    page.click("#budget-set")
    page.wait_for_function("document.querySelector('#budget-note').innerText.includes('one model at a time')")


def test_a_server_is_added_checked_used_and_forgotten(page: Any) -> None:
    def models(exchange: Exchange) -> None:
        exchange.json({"data": [{"id": "one"}, {"id": "two"}]})

    page.fill("#server-name", "a b")
    page.fill("#server-address", "nonsense")
    page.click("#server-add")
    page.wait_for_selector("#servers [role=alert]:has-text('cannot name a server')")
    assert page.input_value("#server-address") == "nonsense"
    with small_server() as small:
        small.routes["/v1/models"] = models
        small.chat(lambda exchange: exchange.text("Hello from afar."))
        page.fill("#server-name", "lab")
        page.fill("#server-address", f"{small.origin}/v1")
        page.fill("#server-parallel", "2")
        page.press("#server-parallel", "Enter")
        page.wait_for_selector("[data-server=lab]:has-text('2 at a time')")
        page.click("[data-server=lab] [data-do=check]")
        page.click("#server-found [data-model=two] [data-do=use]")
        assert chips(page)[-1] == "lab#two"
        only(page, "lab#two")
        assert page.locator("#models .chip .name").inner_text() == "two"
        assert page.locator("#models .chip .detail").inner_text() == "server · lab"
        run(page)
        page.wait_for_selector(f"{CARD}[data-state=finished]")
        assert "Hello from afar." in page.inner_text(f"{CARD} .text")
    tab(page, "Models")
    page.click("[data-server=lab] [data-do=check]")
    page.wait_for_selector("#servers [role=alert]")
    page.click("[data-server=lab] [data-do=remove]")
    page.wait_for_selector("[data-server=lab]", state="detached")
    assert settings.load().endpoints == {}


def test_several_lines_pasted_into_the_model_field_are_several_models(page: Any) -> None:
    only(page)
    lines = "user/tiny:Q8_0\r\n---user/never\r\n\r\nhttp://127.0.0.1:8080/v1#qwen%202.5\r\n/some folder/a.gguf\r\n"
    page.evaluate("text => navigator.clipboard.writeText(text)", lines)
    page.focus("#model-add")
    page.keyboard.press("Control+v")
    page.wait_for_function("document.querySelectorAll('#models .chip').length === 3")
    assert chips(page) == ["user/tiny:Q8_0", "http://127.0.0.1:8080/v1#qwen%202.5", "/some folder/a.gguf"]
    assert page.locator("#models .chip .name").all_inner_texts() == ["user/tiny:Q8_0", "qwen 2.5", "a.gguf"]
    assert page.input_value("#model-add") == ""
    page.evaluate("navigator.clipboard.writeText('just one')")
    page.focus("#model-add")
    page.keyboard.press("Control+v")
    assert page.input_value("#model-add") == "just one"


def test_the_tab_speaks_portuguese(page: Any) -> None:
    page.click("button[lang=pt]")
    page.wait_for_selector("#hub-look-up:has-text('Consultar')")
    assert page.locator("text=/^(library|hub|memory|servers)\\.[a-z_]+$/").count() == 0


def test_every_tab_stays_beside_what_the_head_says(page: Any) -> None:
    page.click("button[lang=pt]")
    page.wait_for_selector("html[lang^=pt]")
    for width in (1280, 1000, 800):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ends = page.get_by_role("tab").last.bounding_box()
        begins = page.locator("#code-access").bounding_box()
        assert ends["x"] + ends["width"] <= begins["x"], width
