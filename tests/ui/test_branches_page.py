"""Branches, what-if and export in a real browser, with Samantha Tiny: what a person does with a recorded token."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui.app import Page, serving

Open = Callable[..., Any]
TOKENS = "#learn-tokens-list .t"
ROWS = ".tree button.branch"
WORDS = 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder: Path = tmp_path_factory.mktemp("learn")
    patch = pytest.MonkeyPatch()
    patch.setenv("SAMANTHA_HOME", str(folder))
    residency = Residency()
    with patch.context(), RunStore(folder / "runs.sqlite3") as store, serving(residency, store, 0) as page:
        yield page
    residency.close()
    patch.undo()


@pytest.fixture
def learned(server: Page, browser: Any) -> Iterator[Open]:
    """Opens the Learn tab after a run of the prompt; afterwards no script may have failed."""
    contexts, troubles = [], []

    def tab(prompt: str = "{temperature=1, seed=3, max_tokens=%d} Write a story about a garden." % WORDS) -> Any:  # noqa: UP031
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(server.address)
        page.wait_for_selector("#models .chip")
        page.wait_for_selector("#panel .settings")
        page.fill("#prompts textarea", prompt)
        page.click("button[role=tab][data-tab-id=learn]")
        page.wait_for_selector("#branches section")
        page.wait_for_selector("#whatif section")
        page.check("input[name=learn-speed][value='0']")
        page.click("#learn-start")
        page.wait_for_selector(TOKENS)
        return ended(page)

    yield tab
    for context in contexts:
        context.close()
    assert troubles == []


def ended(page: Any) -> Any:
    page.wait_for_selector("body:not(.running)")
    return page


def select(page: Any, place: int) -> None:
    """Look at a token, until its candidates are those of that place."""
    page.click(f"{TOKENS} >> nth={place}")
    for part in ("#learn-token", "#branches header", "#whatif header"):
        expect = "([part, number]) => document.querySelector(part).innerText.includes('token ' + number)"
        page.wait_for_function(expect, arg=[part, place + 1])


def branches(page: Any, count: int) -> None:
    """Until the tree has that many branches, all ended."""
    ended(page)
    page.wait_for_selector(f"{ROWS}[data-row=b{count}]")
    page.wait_for_function(f"document.querySelector('{ROWS}[data-row=b{count}]').innerText.includes('tokens ·')")
    ended(page)


def current(page: Any) -> str:
    page.wait_for_timeout(100)
    return str(page.get_attribute(f"{ROWS}[aria-current]", "data-row"))


def force(page: Any, row: int) -> str:
    """Force the candidate in a row of the table by keyboard; its id."""
    button = page.locator("#learn-token tr[data-id] button.force").nth(row)
    number = str(page.locator("#learn-token tr[data-id]").nth(row).get_attribute("data-id"))
    button.focus()
    page.keyboard.press("Enter")
    return number


def test_a_candidate_is_forced_by_keyboard_and_the_tree_leads_back(learned: Open) -> None:
    page = learned()
    before = page.locator(TOKENS).count()
    select(page, 6)
    number = force(page, 2)
    branches(page, 1)
    assert f"forced: id {number}" in page.inner_text(f"{ROWS}[data-row=b1]")
    page.wait_for_function("document.getElementById('learn-steps').value === '1.1'")
    page.wait_for_selector(f"{ROWS}[data-row=b1][aria-current]")
    assert "first answer" in page.inner_text(f"{ROWS}[data-row=b0-6]")
    page.locator(f"{ROWS}[data-row=b1]").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{ROWS}[data-row=b0][aria-current]")
    page.wait_for_function("document.getElementById('learn-steps').value === '1.0'")
    assert page.locator(TOKENS).count() == before
    assert page.evaluate("document.activeElement.dataset.row") == "b0"


def test_generating_again_with_other_settings_is_a_branch_of_the_branch(learned: Open) -> None:
    page = learned()
    select(page, 5)
    force(page, 1)
    branches(page, 1)
    select(page, 9)
    page.click("#branches details.fold:not(.compare) summary")
    page.fill("#branch-temperature", "1.7")
    page.fill("#branch-seed", "5")
    page.click("#branch-again")
    branches(page, 2)
    said = page.inner_text(f"{ROWS}[data-row=b2]")
    assert "temperature 1.7" in said
    assert "seed 5" in said
    assert page.locator(".leaving .leaving").locator("button.branch[data-row=b2]").count() == 1
    page.click("#branches .compare summary")
    page.wait_for_selector("#branches .side mark")
    assert page.input_value("#compare-left") == "1"
    assert int(page.inner_text("#branches .shared").split()[0]) >= 9
    page.select_option("#compare-left", "0")
    page.wait_for_function("document.querySelector('#branches .shared').innerText.startsWith('5 tokens')")
    assert page.locator("#branches .side").count() == 2


def test_any_id_of_the_vocabulary_can_be_typed_and_a_bad_one_is_a_sentence(learned: Open) -> None:
    page = learned()
    select(page, 4)
    for typed, said in (("many", "no vocabulary id"), ("-3", "no vocabulary id"), ("999999", "no token 999999")):
        page.fill("#branch-id", typed)
        page.press("#branch-id", "Enter")
        page.wait_for_function("said => document.querySelector('#branches .status').innerText.includes(said)", arg=said)
        assert page.input_value("#branch-id") == typed
    assert page.locator(ROWS).count() == 0
    page.fill("#branch-id", "512")
    page.press("#branch-id", "Enter")
    branches(page, 1)
    assert "forced: id 512" in page.inner_text(f"{ROWS}[data-row=b1]")
    assert page.locator("#branches > * .status").first.is_hidden()


def test_stepping_goes_on_in_a_branch_and_stop_ends_it(learned: Open) -> None:
    page = learned()
    page.check("input[name=learn-speed][value='next']")
    select(page, 3)
    force(page, 1)
    page.wait_for_function("document.getElementById('learn-steps').value === '1.1'")
    page.wait_for_function(f"document.querySelectorAll('{TOKENS}').length === 4")
    page.click("#learn-next")
    page.wait_for_function(f"document.querySelectorAll('{TOKENS}').length === 5")
    page.click("#learn-stop")
    branches(page, 1)
    page.wait_for_function(f"document.querySelector('{ROWS}[data-row=b1]').innerText.includes('stopped')")


def test_what_if_shows_at_once_what_other_settings_leave(learned: Open) -> None:
    page = learned()
    select(page, 1)
    assert "Move a slider" in page.inner_text("#whatif .said")
    page.fill("#what-if-top_k", "1")
    page.wait_for_selector("#whatif table.candidates tbody tr")
    page.wait_for_function("document.querySelectorAll('#whatif td.out').length > 3")
    assert "→ 1" in page.inner_text("#whatif .funnels")
    first = page.locator("#whatif tr.chosen").get_attribute("data-id")
    assert first == page.locator("#learn-token tr[data-id]").first.get_attribute("data-id")
    page.fill("#what-if-top_k", "0")
    page.fill("#what-if-top_p", "1")
    page.fill("#what-if-min_p", "0")
    page.locator("#what-if-temperature-slider").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelectorAll('#whatif td.out').length === 0")
    assert page.input_value("#what-if-temperature") == "2.5"
    page.click("#whatif header button.link")
    page.wait_for_function("document.querySelector('#whatif .said').innerText.includes('Move a slider')")
    assert page.input_value("#what-if-top_k") == "40"
    assert page.locator("#whatif table.candidates").is_hidden()


def test_what_if_keeps_its_settings_from_token_to_token_and_says_what_is_wrong(learned: Open) -> None:
    page = learned()
    select(page, 1)
    page.fill("#what-if-temperature", "2")
    page.wait_for_selector("#whatif table.candidates tbody tr")
    select(page, 8)
    assert page.input_value("#what-if-temperature") == "2"
    page.fill("#what-if-top_p", "7")
    page.wait_for_selector("#whatif [role=alert]")
    assert "from 0 to 1" in page.inner_text("#whatif [role=alert]")
    page.fill("#what-if-top_p", "0.5")
    page.wait_for_selector("#whatif table.candidates tbody tr")
    assert page.locator("#whatif [role=alert]").count() == 0


def test_the_tokens_are_downloaded(learned: Open) -> None:
    page = learned()
    select(page, 1)
    for form, end in (("csv", "-step1.csv"), ("candidates", ".candidates.csv"), ("jsonl", ".jsonl")):
        name, content = downloaded(page, form)
        assert name.endswith(end)
        assert len(content.splitlines()) >= page.locator(TOKENS).count()
    for form, end in (("png", "-step1.png"), ("token", "-token2.png")):
        name, content = downloaded(page, form)
        assert name.endswith(end)
        assert content.startswith(b"\x89PNG")


def downloaded(page: Any, form: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.click(f"#export-{form}")
    return str(waiting.value.suggested_filename), Path(waiting.value.path()).read_bytes()


def test_the_parts_speak_portuguese(learned: Open) -> None:
    page = learned()
    select(page, 6)
    force(page, 1)
    branches(page, 1)
    page.click("button[lang=pt]")
    page.wait_for_function("document.querySelector('#branches header').innerText.includes('Ramos')")
    assert "primeira resposta" in page.inner_text(".tree")
    assert "E se" in page.inner_text("#whatif header")
    assert "Exportar" in page.inner_text("#exporting")
    assert not any(f"{section}." in page.inner_text("#learn") for section in ("branches", "what_if", "export"))
