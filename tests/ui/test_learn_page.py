"""The Learn tab in a real browser on Samantha Tiny: stepping, looking at tokens, adjusting, opening a stored run."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from samantha.models.residency import Residency
from samantha.models.scripted import ScriptedModel
from samantha.runs.store import RunStore
from samantha.ui.app import Page, serving

Open = Callable[..., Any]
TOKENS = "#learn-tokens-list .t"
STORY = "Write a short story about an owl."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page on the real model."""
    folder: Path = tmp_path_factory.mktemp("learn")
    residency = Residency()
    patch = pytest.MonkeyPatch()
    patch.setenv("SAMANTHA_HOME", str(folder))
    with patch.context(), RunStore(folder / "runs.sqlite3") as store, serving(residency, store, 0) as page:
        yield page
    residency.close()
    patch.undo()


@pytest.fixture
def learn(tiny: Page, browser: Any) -> Iterator[Open]:
    """Opens the page at the Learn tab with a prompt and settings; nothing may go wrong in it."""
    contexts, troubles = [], []

    def opened(prompt: str = STORY, **knobs: float) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        page.goto(tiny.address)
        page.wait_for_selector("#panel .settings")
        page.wait_for_selector("#models .chip")
        page.fill("#prompts textarea", prompt)
        page.fill("#run-seed", "7")
        page.press("#run-seed", "Tab")
        for name, value in knobs.items():
            page.fill(f"#knob-{name}", str(value))
            page.press(f"#knob-{name}", "Tab")
        page.click("#learn-tab-button")
        page.wait_for_selector("#learn-start")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def speed(page: Any, value: str) -> None:
    page.check(f"#learn-bar input[value='{value}']", force=True)


def count(page: Any) -> int:
    return int(page.locator(TOKENS).count())


def shown(page: Any, number: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('{TOKENS}').length === {number}")


def waiting(page: Any) -> None:
    page.wait_for_selector("#learn-bar .waiting, #learn-bar.waiting, .waiting .learn-bar")


def ended(page: Any) -> None:
    page.wait_for_selector("body:not(.running)")


def selected(page: Any, place: int | None = None) -> int:
    """The number of the selected token, from 0, once what is known of it is there; waits for `place` to be it."""
    if place is None:
        place = int(page.locator(f"{TOKENS}.sel").get_attribute("data-place"))
    page.wait_for_selector(f"{TOKENS}.sel[data-place='{place}']", state="attached")
    page.wait_for_function(
        f"document.querySelector('#learn-token strong').innerText === 'Candidates for token {place + 1}'"
    )
    return place


def finished(learn: Open, **knobs: float) -> Any:
    """A page with a whole traced answer."""
    page = learn(**knobs)
    page.click("#learn-start")
    page.wait_for_function("document.querySelector('#learn-answer .where').innerText.includes('ended')")
    ended(page)
    return page


def test_start_traces_every_token_of_the_chain(learn: Open) -> None:
    page = finished(learn)
    assert page.is_checked("#learn-bar input[value='0']")
    assert f"{count(page)} tokens" in page.inner_text("#learn-answer .where")
    selected(page, count(page) - 1)
    card = page.locator("#responses article .text").inner_text()
    assert "".join(page.locator(TOKENS).all_inner_texts()).startswith(card[:20])


def test_next_token_shows_one_by_button_by_key_and_several_at_once(learn: Open) -> None:
    page = learn()
    page.click("#learn-next")
    shown(page, 1)
    waiting(page)
    page.click("#learn-next")
    shown(page, 2)
    waiting(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    shown(page, 3)
    page.keyboard.press("ArrowRight")
    shown(page, 4)
    page.fill("#learn-tokens", "5")
    page.click("#learn-next")
    shown(page, 9)
    waiting(page)
    assert count(page) == 9
    page.focus("#learn-tokens")
    page.keyboard.press("n")
    page.click("#learn-stop")
    ended(page)
    assert count(page) <= 10


def test_up_to_the_next_unlikely_selection(learn: Open) -> None:
    page = learn(temperature=1.5)
    page.click("#learn-next")
    shown(page, 1)
    before = 1
    for _ in range(3):
        waiting(page)
        page.click("#learn-unlikely")
        page.wait_for_function(f"document.querySelectorAll('{TOKENS}').length > {before}")
        waiting(page)
        kinds = page.locator(TOKENS).evaluate_all("all => all.map((one) => one.classList.contains('unlikely'))")
        assert kinds[before:].index(True) == len(kinds) - before - 1
        before = len(kinds)
    assert page.locator(".unlikely-one").count() == kinds.count(True)
    page.click("#learn-stop")
    ended(page)


def test_a_speed_that_is_changed_while_waiting_holds_at_once(learn: Open) -> None:
    page = learn()
    speed(page, "10")
    page.click("#learn-start")
    shown(page, 1)
    begun = time.monotonic()
    speed(page, "0")
    page.wait_for_function("document.querySelector('#learn-answer .where').innerText.includes('ended')")
    assert count(page) > 3
    assert time.monotonic() - begun < 60  # at 10 s a token, its first dozen alone would take longer


@pytest.mark.parametrize("value", ["next", "10"])
def test_stop_works_while_waiting(learn: Open, value: str) -> None:
    page = learn()
    speed(page, value)
    page.click("#learn-start")
    shown(page, 1)
    page.click("#learn-stop")
    ended(page)
    assert count(page) <= 2
    assert "stopped" in page.inner_text("#learn-answer .where")
    assert (
        page.locator("li.run .reason").last.inner_text() == "Stopped" or page.locator("li.run .reason.stopped").count()
    )


def test_escape_stops_a_run_that_waits(learn: Open) -> None:
    page = learn()
    page.click("#learn-next")
    shown(page, 1)
    page.keyboard.press("Escape")
    ended(page)


def test_knobs_that_are_moved_between_two_tokens_hold_from_the_next_one_on(learn: Open) -> None:
    page = learn()
    page.click("#learn-next")
    shown(page, 1)
    page.fill("#learn-tokens", "2")
    page.click("#learn-next")
    shown(page, 3)
    waiting(page)
    page.fill("#adjust-temperature", "2.5")
    page.press("#adjust-temperature", "Tab")
    page.wait_for_selector("#learn-coming:not([hidden])")
    assert "temperature 2.5" in page.inner_text("#learn-coming")
    page.fill("#learn-tokens", "1")
    page.click("#learn-next")
    shown(page, 4)
    page.wait_for_function("document.querySelector('#learn-in-force').innerText.includes('from token 4 on')")
    assert "temperature 2.5" in page.inner_text("#learn-in-force")
    selected(page, 3)
    assert "temperature" in page.inner_text("#learn-token thead")
    page.focus("#learn-tokens-list")
    page.keyboard.press("Home")
    selected(page, 0)
    page.click("#learn-stop")
    ended(page)


def test_an_impossible_value_is_one_sentence_and_the_run_goes_on(learn: Open) -> None:
    page = learn()
    page.click("#learn-next")
    shown(page, 1)
    page.fill("#adjust-top_p", "7")
    page.press("#adjust-top_p", "Tab")
    page.wait_for_selector("#learn-adjust [role=alert]:not([hidden])")
    assert "from 0 to 1" in page.inner_text("#learn-adjust [role=alert]")
    page.click("#learn-next")
    shown(page, 2)
    page.click("#learn-stop")
    ended(page)


def test_knobs_that_are_moved_between_runs_are_those_of_the_chain(learn: Open) -> None:
    page = learn()
    page.fill("#adjust-temperature", "0.7")
    page.press("#adjust-temperature", "Tab")
    page.wait_for_function("document.querySelector('#learn-in-force').innerText.includes('temperature 0.7')")
    assert page.input_value("#knob-temperature") == "0.7"


def test_a_token_is_selected_with_the_keyboard_and_shows_what_each_sampler_did(learn: Open) -> None:
    page = finished(learn, temperature=1.2)
    page.focus("#learn-tokens-list")
    page.keyboard.press("Home")
    selected(page, 0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    selected(page, 2)
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"Number(document.querySelector('{TOKENS}.sel').dataset.place) > 2")
    below = selected(page)
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"Number(document.querySelector('{TOKENS}.sel').dataset.place) < {below}")
    page.keyboard.press("End")
    selected(page, count(page) - 1)
    heads = page.locator("#learn-token th").all_inner_texts()
    assert any("top_k" in head for head in heads)
    assert page.locator("#learn-token tbody tr").count() >= 10
    assert page.locator("#learn-token tr.chosen").count() == 1
    assert page.locator(".funnel .stage").count() > 1
    assert re.search(r"token \d+ · '.*' · id \d+ · rank \d+ · probability", page.inner_text(".token-line"))
    assert page.get_attribute("#learn-tokens-list", "aria-activedescendant") == f"token-{count(page) - 1}"


def test_a_click_on_an_unlikely_selection_and_on_the_curve_leads_to_the_token(learn: Open) -> None:
    page = finished(learn, temperature=1.5)
    first = page.locator(".unlikely-one").first
    place = int(first.get_attribute("data-place"))
    first.click()
    selected(page, place)
    box = page.locator("#learn-curve canvas").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 20)
    selected(page, 0)
    page.locator(TOKENS).nth(5).click()
    selected(page, 5)


def test_a_stored_run_opens_and_one_without_traces_says_why(learn: Open) -> None:
    page = finished(learn)
    traced, length = "".join(page.locator(TOKENS).all_inner_texts()), count(page)
    speed(page, "off")
    page.get_by_role("tab", name="Chain").click()
    page.click("#start")
    page.wait_for_function("document.querySelectorAll('article[data-state=finished]').length === 2")
    ended(page)
    page.click("#learn-tab-button")
    page.wait_for_function("document.querySelector('#learn-answer').innerText.includes('Nothing was recorded')")
    page.get_by_role("tab", name="History").click()
    page.locator("#history tbody button").first.click()
    page.click("#history-learn")
    page.wait_for_selector("#history [role=alert]:not([hidden])")
    assert "not made in learning mode" in page.inner_text("#history [role=alert]")
    page.keyboard.press("Escape")
    page.locator("#history tbody button").nth(1).click()
    page.click("#history-learn")
    shown(page, length)
    assert "".join(page.locator(TOKENS).all_inner_texts()) == traced
    assert "stored run" in page.inner_text("#learn-answer .where")
    page.locator(TOKENS).nth(2).click()
    selected(page, 2)
    page.reload()
    page.click("#learn-tab-button")
    shown(page, length)
    assert "".join(page.locator(TOKENS).all_inner_texts()) == traced
    page.click("#learn-newest")
    page.wait_for_function("document.querySelector('#learn-answer').innerText.includes('Nothing was recorded')")


def test_a_step_that_cannot_begin_says_why_here(learn: Open) -> None:
    page = learn("{grammar=\"root ::= 'x'\"} Hi.")
    page.click("#learn-start")
    page.wait_for_function("document.querySelector('#learn-answer').innerText.includes('The grammar cannot be read')")
    ended(page)
    assert count(page) == 0


def test_a_run_that_waits_for_another_tab_says_so_and_stops(learn: Open) -> None:
    stepping, page = learn(), learn()
    stepping.click("#learn-next")
    shown(stepping, 1)
    page.click("#learn-start")
    page.wait_for_function("document.querySelector('#learn-answer').innerText.includes('this one waits for it')")
    page.click("#learn-stop")
    ended(page)
    stepping.click("#learn-next")
    shown(stepping, 2)
    stepping.click("#learn-stop")
    ended(stepping)


def test_a_narrow_page_has_the_candidates_beneath_the_answer(learn: Open) -> None:
    page = finished(learn)
    page.set_viewport_size({"width": 800, "height": 900})
    tops = [page.locator(place).bounding_box()["y"] for place in ("#learn-answer", "#learn-token", "#learn-branches")]
    assert tops == sorted(tops)


def test_several_steps_are_chosen_between(learn: Open) -> None:
    page = learn("Say hello.\nWhat is 2 + 3?")
    page.click("#learn-start")
    page.wait_for_function("document.querySelectorAll('#responses article[data-state=finished]').length === 2")
    ended(page)
    assert page.locator("#learn-steps option").count() == 2
    assert page.input_value("#learn-steps") == "2.0"
    page.select_option("#learn-steps", "1.0")
    selected(page, 0)
    assert page.input_value("#learn-steps") == "1.0"
    page.click("#learn-start")
    page.wait_for_function("document.querySelectorAll('#responses article[data-state=finished]').length === 4")
    ended(page)
    page.wait_for_function("document.querySelector('#learn-steps').value === '2.0'")


def test_a_mistake_in_the_chain_is_said_in_the_learn_tab_too(learn: Open) -> None:
    page = learn("---only a note")
    page.click("#learn-start")
    page.wait_for_selector("#learn-bar [role=alert]:not([hidden])")
    assert "no prompt" in page.inner_text("#learn-bar [role=alert]")


def test_every_control_has_a_name_in_both_languages(learn: Open) -> None:
    page = finished(learn)
    page.locator(TOKENS).first.click()
    for language in ("en", "pt"):
        page.click(f"button[lang={language}]")
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('#learn input, #learn select, #learn button, #learn canvas')]
                 .filter((one) => one.offsetParent && !one.getAttribute('aria-label') && !one.title
                   && !one.textContent.trim() && !one.labels?.length).map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert nameless == []
        assert not re.search(r"\blearn\.[a-z_]+", page.inner_text("#learn-main"))


def test_tokens_are_appended_and_never_drawn_again(served: Any, opened: Any) -> None:
    served.models.models["long"] = ScriptedModel("long", [" ".join(f"word{number}" for number in range(2000))])
    page = opened()
    page.click("#models .remove")
    page.fill("#model-add", "long")
    page.press("#model-add", "Enter")
    page.click("#learn-tab-button")
    page.wait_for_selector("#learn-start")
    page.evaluate(
        """() => { window.removed = 0; window.added = 0;
             new MutationObserver((all) => all.forEach((one) => { window.removed += one.removedNodes.length;
               window.added += [...one.addedNodes].filter((node) => node.classList.contains('t')).length; }))
             .observe(document.querySelector('#learn-tokens-list'), { childList: true, subtree: true }); }"""
    )
    page.click("#learn-start")
    page.wait_for_function("document.querySelector('#learn-answer .where').innerText.includes('ended')")
    total = count(page)
    assert total >= 2000
    assert page.evaluate("[window.added, window.removed]") == [total, 0]
