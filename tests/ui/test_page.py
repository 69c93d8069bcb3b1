"""The page in a real browser: what a person does, by mouse and by keyboard. Answers wait for the test."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui.app import serving
from tests.ui.conftest import Served

Open = Callable[..., Any]
CARD = "#responses article"


@pytest.fixture(autouse=True)
def closed_gate(served: Served) -> None:
    served.gated.gate.clear()


def prompt(page: Any, text: str) -> None:
    page.fill("#prompts textarea", text)


def choose(page: Any, *models: str) -> None:
    """Exactly these models."""
    page.click("#models .remove")
    for name in models:
        page.fill("#model-add", name)
        page.press("#model-add", "Enter")
    page.wait_for_function("count => document.querySelectorAll('#models .chip').length === count", arg=len(models))


def started(page: Any, count: int = 1) -> None:
    page.wait_for_function(f"document.querySelectorAll('{CARD}').length >= {count}")


def done(page: Any) -> None:
    page.wait_for_selector("body:not(.running)")


def texts(page: Any) -> list[str]:
    return [str(text).strip() for text in page.locator(f"{CARD} .text").all_inner_texts()]


def test_enter_starts_and_the_answer_becomes_a_card(opened: Open) -> None:
    page = opened()
    prompt(page, "Hi")
    page.press("#prompts textarea", "Enter")
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    assert texts(page) == ["Rain is like a song."]
    assert page.locator(f"{CARD} .text strong").inner_text() == "like"
    assert re.search(r"\(5 tokens, .* s, .*ended by itself\)", page.inner_text(f"{CARD} footer"))
    page.click(f"{CARD} summary")
    assert page.inner_text(f"{CARD} .rendered pre") == "user: Hi"
    assert page.input_value("#prompts textarea") == "Hi"


def test_shift_enter_is_a_new_line(opened: Open) -> None:
    page = opened()
    prompt(page, "one")
    page.press("#prompts textarea", "End")
    page.press("#prompts textarea", "Shift+Enter")
    page.type("#prompts textarea", "two")
    assert page.input_value("#prompts textarea") == "one\ntwo"
    page.wait_for_function("document.querySelector('#prompts-line').innerText.includes('2 prompts')")
    assert page.locator(CARD).count() == 0


def test_the_line_beneath_says_what_the_prompts_are(opened: Open) -> None:
    page = opened()
    prompt(page, "[Briefly.]\nsea\nrain\n---time\n[[Summarize:]]")
    line = page.locator("#prompts-line")
    page.wait_for_function("document.querySelector('#prompts-line').innerText.includes('final')")
    assert line.inner_text() == "3 prompts · 1 ignored · shared instruction · final prompt"
    assert page.inner_text("#steps") == "3 steps"


def test_bad_input_is_a_sentence_beside_its_field_and_loses_nothing(opened: Open) -> None:
    page = opened()
    bad = "{temprature=2} Hi"
    prompt(page, bad)
    page.press("#prompts textarea", "Enter")
    page.wait_for_selector("#prompts-line [role=alert]")
    assert "temperature" in page.inner_text("#prompts-line")
    assert page.inner_text("#steps") == ""
    assert page.input_value("#prompts textarea") == bad
    prompt(page, "---only a note")
    page.click("#start")
    page.wait_for_function("document.querySelector('#prompts-line').innerText.includes('no prompt')")
    page.click("#models .remove")
    page.click("#start")
    page.wait_for_selector("#models-line [role=alert]")
    page.fill("#knob-top_p", "7")
    page.press("#knob-top_p", "Tab")
    page.fill("#model-add", "tiny")
    page.press("#model-add", "Enter")
    page.wait_for_selector("#settings-line [role=alert]")
    assert "from 0 to 1" in page.inner_text("#settings-line")
    assert page.locator(CARD).count() == 0


def test_a_running_answer_streams_a_second_start_is_refused_and_stop_keeps_it(opened: Open, served: Served) -> None:
    page = opened()
    choose(page, "gated")
    prompt(page, "Hi\nHo")
    page.press("#prompts textarea", "Enter")
    page.wait_for_selector(f"{CARD}[data-state=generating]")
    page.wait_for_function("document.querySelector('.progress .what').innerText.startsWith('Step 1 of 2')")
    page.click("#start")
    page.wait_for_selector("#start-line [role=alert]")
    assert "active" in page.inner_text("#start-line")
    page.press("body", "Escape")
    done(page)
    assert texts(page) == ["one"]
    assert "stopped" in page.inner_text(f"{CARD} footer")
    assert page.inner_text("li.run .reason") == "Stopped"


def test_next_ends_one_step_and_goes_on(opened: Open, served: Served) -> None:
    page = opened()
    choose(page, "gated", "two")
    prompt(page, "Hi")
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=generating]")
    page.click("#skip")
    done(page)
    started(page, 2)
    assert texts(page) == ["one", "Second answer."]
    assert "skipped" in page.locator(f"{CARD} footer").first.inner_text()


def test_a_reload_finds_the_run_again(opened: Open, served: Served) -> None:
    page = opened()
    choose(page, "gated")
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=generating]")
    page.reload()
    page.wait_for_selector(f"{CARD}[data-state=generating]")
    served.gated.gate.set()
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    assert texts(page) == ["one two three four"]


def test_two_tabs_work_side_by_side(opened: Open, served: Served) -> None:
    left, right = opened(), opened()
    choose(left, "gated")
    left.click("#start")
    left.wait_for_selector(f"{CARD}[data-state=generating]")
    right.click("#start")
    right.wait_for_selector(f"{CARD}[data-state=finished]")
    assert texts(right) == ["Rain is like a song."]
    served.gated.gate.set()
    left.wait_for_selector(f"{CARD}[data-state=finished]")
    assert texts(left) == ["one two three four"]


def test_a_failed_step_says_why_and_the_others_run(opened: Open) -> None:
    page = opened()
    choose(page, "broken", "tiny")
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    assert "The worker died" in page.inner_text(f"{CARD}[data-state=failed] [role=alert]")


def test_what_a_model_writes_does_nothing(opened: Open, served: Served) -> None:
    page = opened()
    choose(page, "xss")
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    done(page)
    text = page.locator(f"{CARD} .text")
    for forbidden in ("script", "img", "iframe", "svg", "a", "style", "form", "base", "meta"):
        assert text.locator(forbidden).count() == 0
    assert "http://evil.test/c" in text.inner_text()
    text.hover()
    page.click(f"{CARD} .link >> nth=0")
    page.get_by_role("tab", name="History").click()
    page.click("#history tbody button")
    page.wait_for_selector("#history article .text")
    assert page.evaluate("window.hacked") is None
    assert page.url == f"{served.base}/"


def test_both_languages_name_every_control(opened: Open, served: Served) -> None:
    page = opened()
    assert page.inner_text("#start").startswith("Start")
    page.click("button[lang=pt]")
    page.wait_for_function("document.querySelector('#start').innerText.startsWith('Iniciar')")
    assert page.get_by_role("tab").all_inner_texts()[:1] != ["Chain"]
    assert page.get_by_label("Prompt do usuário").first.is_visible()
    assert page.inner_text("#settings .label >> nth=0") == "Ajustes"
    prompt(page, "kept")
    page.reload()
    page.wait_for_function("document.querySelector('#start')?.innerText.startsWith('Iniciar')")
    page.click("button[lang=en]")
    page.wait_for_function("document.querySelector('#start').innerText.startsWith('Start')")


def test_the_keyboard_alone_is_enough(opened: Open) -> None:
    page = opened()
    page.focus("#prompts textarea")
    page.keyboard.press("Control+a")
    page.keyboard.type("Hi")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"model-add", "start", "clear", "preview-button", "preset", "knob-temperature"} <= set(reached)
    page.focus("#prompts textarea")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{CARD}[data-state=finished]")


def test_every_control_has_a_name(opened: Open) -> None:
    page = opened()
    page.click("#panel .fold summary >> nth=0")
    page.click("#panel .fold summary >> nth=1")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('input, select, textarea, button')].filter((one) => one.offsetParent
             && one.getAttribute('aria-hidden') !== 'true' && !one.getAttribute('aria-label') && !one.title
             && !one.textContent.trim() && !one.labels?.length).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_models_move_and_go_one_by_one(opened: Open) -> None:
    page = opened()
    choose(page, "tiny", "two", "tiny")
    names = page.locator("#models .chip .name")
    page.click("#models .chip:nth-child(2) .up")
    assert names.all_inner_texts() == ["two", "tiny", "tiny"]
    page.click("#models .chip:nth-child(3) .remove")
    assert names.all_inner_texts() == ["two", "tiny"]
    page.click("#start")
    page.wait_for_function("document.querySelectorAll('article[data-state=finished]').length === 2")
    assert texts(page) == ["Second answer.", "Rain is like a song."]


def test_settings_mark_what_changed_and_reach_the_model(opened: Open, served: Served) -> None:
    page = opened()
    page.fill("#knob-temperature", "0.7")
    page.press("#knob-temperature", "Tab")
    assert "1 changed" in page.inner_text("#panel .settings > header")
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    assert page.inner_text(f"{CARD} .changed") == "temperature 0.7"
    page.click("[data-knob=temperature] .mark")
    assert page.input_value("#knob-temperature") == "0"
    page.select_option("#preset", "Stochastic")
    assert page.input_value("#knob-temperature") == "0.8"
    page.click("#panel .keep summary")
    page.fill("#preset-name", "mine")
    page.click("#panel .keep button >> nth=0")
    page.wait_for_function("[...document.querySelectorAll('#preset option')].some((one) => one.value === 'mine')")


def test_the_preview_runs_nothing(opened: Open, served: Served) -> None:
    page = opened()
    before = len(served.models.models["tiny"].requests)
    prompt(page, "sea\nrain")
    page.fill("#responses-count input", "2")
    page.click("#preview-button")
    page.wait_for_selector("#preview table")
    assert page.locator("#preview tbody tr").count() == 4
    page.keyboard.press("Escape")
    assert page.locator("#preview table").count() == 0
    assert len(served.models.models["tiny"].requests) == before


def test_one_response_per_model_greys_the_counts(opened: Open) -> None:
    page = opened()
    page.check("#flag-single_response_per_model")
    assert page.locator("#counts [inert] input").count() == 2
    page.uncheck("#flag-single_response_per_model")
    assert page.locator("#counts [inert] input").count() == 0


def test_a_chain_file_fills_the_page_and_is_saved_the_same(opened: Open, tmp_path: Path) -> None:
    page = opened()
    source = tmp_path / "mine.toml"
    source.write_text(
        'format = 1\nmodels = ["two", "tiny"]\nsystem = "S"\nprompts = "a\\nb"\nresponses = 2\nfeedback_loop = true\n'
        'variables = {topic = "love"}\nhyperparameters = {temperature = 0.2, stop = ["END"]}\n',
        encoding="utf-8",
    )
    page.set_input_files("#files input[type=file]", str(source))
    page.wait_for_function("document.querySelector('#system textarea').value === 'S'")
    assert page.is_checked("#feedback input")
    assert page.locator("#models .chip .name").all_inner_texts() == ["two", "tiny"]
    assert page.input_value("#knob-temperature") == "0.2"
    with page.expect_download() as download:
        page.click("#save")
    saved = tmp_path / "saved.toml"
    download.value.save_as(saved)
    from samantha.chain import files

    assert files.read(saved) == files.read(source)
    page.set_input_files(
        "#files input[type=file]", {"name": "x.toml", "mimeType": "", "buffer": b"models = [\nprompts = 1"}
    )
    page.wait_for_selector("#start-line [role=alert]")
    assert page.input_value("#system textarea") == "S"


def test_shipped_chains_and_collections_fill_the_page(opened: Open) -> None:
    page = opened()
    for picker, field in (("chains", "prompts"), ("system-collection", "system"), ("prompts-collection", "prompts")):
        page.fill(f"#{field} textarea", "")
        page.hover(f"#{picker}-picker")
        page.wait_for_function(f"document.querySelectorAll('#{picker}-picker option').length > 1")
        page.select_option(f"#{picker}-picker", "0")
        page.wait_for_function(f"document.querySelector('#{field} textarea').value !== ''")


def test_a_stored_run_is_reopened_and_put_into_the_page(opened: Open) -> None:
    page = opened()
    prompt(page, "remember this")
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    done(page)
    prompt(page, "something else")
    page.get_by_role("tab", name="History").click()
    page.fill("#history-search", "remember this")
    page.click("#history tbody button")
    page.wait_for_selector("#history article")
    assert "Rain is like a song." in page.inner_text("#history article")
    page.click("#history button >> nth=1")
    page.wait_for_function("document.querySelector('#prompts textarea').value === 'remember this'")


def test_clear_and_replace(opened: Open, served: Served) -> None:
    page = opened()
    page.click("#start")
    page.wait_for_selector(f"{CARD}[data-state=finished]")
    done(page)
    page.click("#replace")
    page.wait_for_function("document.querySelector('#inputs').innerText.includes('starts from the last response')")
    page.click("#start")
    page.wait_for_function("document.querySelectorAll('article[data-state=finished]').length === 2")
    assert page.input_value("#previous textarea") == ""
    assert "assistant: Rain is **like** a song." in page.locator(f"{CARD} .rendered pre").nth(1).text_content()
    done(page)
    page.click("#clear")
    page.wait_for_function(f"document.querySelectorAll('{CARD}').length === 0")


def test_samantha_tiny_answers_in_the_page(browser: Any, tmp_path: Path) -> None:
    residency = Residency()
    with RunStore(tmp_path / "runs.sqlite3") as store, serving(residency, store, 0) as server:
        page = browser.new_page()
        page.goto(server.address)
        page.wait_for_selector("#models .chip")
        page.press("#prompts textarea", "Enter")
        page.wait_for_selector(f"{CARD}[data-state=finished]")
        assert texts(page)[0]
        page.context.close()
    residency.close()
