"""Metadata, vocabulary and scores in the Learn tab: a real browser, Samantha Tiny, and what a person does."""

import ctypes
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from llama_cpp import llama_cpp as library_of_c

from samantha.models import library
from samantha.models.model import LoadOptions
from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui.app import Page, serving

PATIENCE = 60_000
TEXT = "Once upon a time there was an owl.\nOlá!"
Open = Callable[..., Any]


class Real:
    """The page over Samantha Tiny, and over the same with fewer bits for each weight."""

    def __init__(self, page: Page, residency: Residency, quantized: Path) -> None:
        self.page = page
        self.residency = residency
        self.quantized = quantized

    def ask(self, path: str, tab: str = "1" * 32, **sent: Any) -> Any:
        """What a question below /samantha/learn/ is answered."""
        cookies = {f"samantha-{self.page.port}": self.page.token}
        address = f"http://127.0.0.1:{self.page.port}/samantha/learn/{path}"
        return httpx.get(address, params={"tab": tab, **sent}, cookies=cookies)

    def tell(self, path: str, tab: str = "1" * 32, **sent: Any) -> Any:
        """What a change is answered."""
        cookies = {f"samantha-{self.page.port}": self.page.token}
        address = f"http://127.0.0.1:{self.page.port}/samantha/learn/{path}"
        return httpx.post(address, json={"tab": tab, **sent}, cookies=cookies)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("panels")
    path = folder / "tiny-q4.gguf"
    parameters = library_of_c.llama_model_quantize_default_params()
    parameters.ftype, parameters.allow_requantize, parameters.nthread = 2, True, 1
    given = (str(library.TINY_PATH).encode(), str(path).encode(), ctypes.byref(parameters))
    assert library_of_c.llama_model_quantize(*given) == 0
    patch = pytest.MonkeyPatch()
    patch.setenv("SAMANTHA_HOME", str(folder))
    residency = Residency()
    with patch.context(), RunStore(folder / "runs.sqlite3") as store, serving(residency, store, 0) as page:
        yield Real(page, residency, path)
    residency.close()
    patch.undo()


@pytest.fixture(scope="module")
def learn(real: Real, browser: Any) -> Iterator[Open]:
    """Opens the Learn tab; afterwards no script may have failed and nothing may have left this computer."""
    contexts, troubles = [], []

    def opened() -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        own = (f"http://127.0.0.1:{real.page.port}", "data:", "blob:")
        page.on("request", lambda asked: None if asked.url.startswith(own) else troubles.append(asked.url))
        page.goto(real.page.address)
        page.wait_for_selector("#models .chip")
        page.get_by_role("tab", name="Learn").click()
        page.wait_for_selector("#scoring section")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="module")
def kept(learn: Open) -> Any:
    """One page for all tests that leave nothing behind that another minds: opening one takes seconds."""
    return learn()


@pytest.fixture
def page(kept: Any) -> Any:
    kept.get_by_role("tab", name="Learn").click()
    kept.wait_for_selector("#score-start:enabled")
    return kept


def score(page: Any, text: str, first: str = "tiny", second: str = "") -> None:
    page.fill("#score-text", text)
    page.fill("#score-first", first)
    page.fill("#score-second", second)
    with page.expect_response(lambda answer: "/learn/score/begin" in answer.url):
        page.click("#score-start")


def figure(page: Any, name: str, column: int = 0) -> float:
    return float(page.locator(f"[data-figure={name}]").nth(column).inner_text().replace(",", ""))


def test_a_text_is_shown_as_the_model_sees_it(page: Any) -> None:
    score(page, TEXT)
    page.wait_for_selector("#scoring .figures td")
    shown = page.locator("#score-flow-0 .t")
    assert "".join(shown.all_text_contents()).replace("↵", "\n") == TEXT
    assert figure(page, "perplexity") == pytest.approx(2 ** figure(page, "mean"), rel=0.01)
    assert figure(page, "bits") == pytest.approx(figure(page, "per_byte") * (len(TEXT.encode()) - 2), rel=0.02)
    assert shown.first.get_attribute("class") == "t unknown"
    page.wait_for_selector("#scoring .best tr.chosen, #scoring .best tr")
    assert "surprisal" in page.inner_text("#scoring .token-line")
    assert page.locator("#scoring svg.chart rect").count() == shown.count()


def test_keys_go_from_token_to_token(page: Any) -> None:
    score(page, TEXT)
    page.wait_for_selector("#scoring .figures td")
    page.focus("#score-flow-0")
    page.keyboard.press("Home")
    assert "nothing stands before it" in page.inner_text("#scoring .token-line")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#scoring .best td")
    assert page.inner_text("#scoring .token-line").startswith("token 2 · 'ce'")
    assert page.get_attribute("#score-flow-0", "aria-activedescendant") == "score-flow-0-1"
    assert page.locator("#score-flow-0 [aria-selected=true]").count() == 1
    page.locator("#scoring svg.chart rect").nth(3).click()
    assert page.inner_text("#scoring .token-line").startswith("token 4")


def test_colour_never_stands_alone(page: Any) -> None:
    score(page, TEXT)
    page.wait_for_selector("#scoring .figures td")
    lines = page.evaluate("""() => Object.fromEntries(['likely', 'less', 'unlikely'].map((kind) =>
        [kind, getComputedStyle(document.querySelector(`#scoring .legend .t.${kind}`)).borderBottomStyle
               + getComputedStyle(document.querySelector(`#scoring .legend .t.${kind}`)).borderBottomColor]))""")
    assert len({re.sub(r"rgba\(0, 0, 0, 0\)", "none", line) for line in lines.values()}) == 3
    assert page.locator("#score-flow-0 .t.unlikely").first.get_attribute("title").startswith(("1", "2", "3", "4", "5"))


def test_two_quantizations_are_laid_side_by_side(page: Any, real: Real) -> None:
    score(page, TEXT, second=str(real.quantized))
    page.click("#score-difference")
    pieces = page.locator("#score-flow-difference .t")
    assert "".join(pieces.all_text_contents()).replace("↵", "\n") == TEXT
    differences = [
        float(row.replace("−", "-")) for row in page.locator(".differences tbody td:last-child").all_inner_texts()
    ]
    assert differences
    assert [abs(one) for one in differences] == sorted((abs(one) for one in differences), reverse=True)
    assert figure(page, "bits", 1) - figure(page, "bits") == pytest.approx(sum(differences), abs=0.3)
    page.click(".differences button >> nth=0")
    assert "bits" in page.inner_text("#scoring .token-line")
    page.click("#score-sides")
    assert page.locator("#scoring .seen").count() == 2
    assert page.locator("#scoring .tokens .t.sel").count() == 2


def test_a_model_does_not_differ_from_itself(page: Any) -> None:
    score(page, TEXT, second="tiny")
    page.click("#score-difference")
    assert "They do not differ anywhere." in page.inner_text(".differences")
    assert page.locator("#score-flow-difference .t.first, #score-flow-difference .t.second").count() == 0


def test_the_prompt_of_the_chain_tab_is_put_in_as_it_is_rendered(page: Any) -> None:
    page.get_by_role("tab", name="Chain").click()
    page.fill("#system textarea", "Be brief.")
    page.fill("#prompts textarea", "[In rhyme.]\nA song about rain\nAnother")
    page.wait_for_function("document.querySelector('#steps').innerText === '2 steps'")
    page.get_by_role("tab", name="Learn").click()
    page.click("#score-chain")
    page.wait_for_function("document.querySelector('#score-text').value.includes('A song about rain')")
    text = page.input_value("#score-text")
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")
    assert text.endswith("<|im_start|>assistant\n")
    assert page.input_value("#score-first") == "tiny"


def test_a_chain_that_is_wrong_gets_its_sentence_here_too(page: Any) -> None:
    page.get_by_role("tab", name="Chain").click()
    page.fill("#prompts textarea", "{temprature=2} Hi")
    page.wait_for_selector("#prompts-line [role=alert]")
    page.get_by_role("tab", name="Learn").click()
    page.click("#score-chain")
    page.wait_for_selector("#scoring .status[role=alert]")
    assert "temperature" in page.inner_text("#scoring .status")


def test_a_selected_answer_is_put_in_with_its_prompt(page: Any) -> None:
    page.get_by_role("tab", name="Chain").click()
    page.fill("#system textarea", "")
    page.fill("#prompts textarea", "Who are you?")
    page.get_by_role("tab", name="Learn").click()
    page.click(".speed:has(input[value='0'])")
    page.click("#learn-start")
    page.wait_for_function("document.querySelectorAll('#learn_answer .t').length > 5")
    page.wait_for_selector("body:not(.running)")
    page.locator("#learn_answer .tokens .t").nth(2).click()
    page.wait_for_selector("#score-answer:enabled")
    page.click("#score-answer")
    page.wait_for_function("document.querySelector('#score-text').value.startsWith('<|im_start|>user\\nWho are you?')")
    text = page.input_value("#score-text")
    assert len(text.split("<|im_start|>assistant\n")[1]) > 5


@pytest.mark.parametrize(
    ("text", "first", "second", "said"),
    [
        ("", "tiny", "", "There is no text"),
        ("<|im_start|>", "tiny", "", "single token"),
        ("Hello there", "tniy", "", "Did you mean tiny"),
        ("Hello there", "tiny", "nowhere.gguf", "There is no model 'nowhere.gguf'"),
    ],
)
def test_what_cannot_be_scored_gets_one_sentence(page: Any, text: str, first: str, second: str, said: str) -> None:
    score(page, text, first, second)
    page.wait_for_function(
        "said => document.querySelector('#scoring .status[role=alert]')?.innerText.includes(said)", arg=said
    )
    assert page.input_value("#score-text") == text
    assert page.is_enabled("#score-start")


def test_a_long_text_shows_progress_and_stops(page: Any) -> None:
    score(page, (TEXT + " ") * 400)
    page.wait_for_function("document.querySelectorAll('#score-flow-0 .t').length > 100")
    assert re.search(r"tiny: [\d,]+ of [\d,]+ tokens", page.inner_text("#scoring .status"))
    page.click("#score-stop")
    page.wait_for_function("document.querySelector('#scoring .status').innerText.startsWith('Stopped')")
    assert figure(page, "scored") < 400 * 17
    assert page.is_enabled("#score-start")


def test_a_score_waits_for_a_run_that_uses_the_model_and_says_so(page: Any, real: Real) -> None:
    *_, model = real.residency.acquire("tiny", LoadOptions(), lambda: False)
    try:
        score(page, TEXT)
        page.wait_for_function("document.querySelector('#scoring .status').innerText.startsWith('Waiting for tiny')")
        assert page.locator("#scoring .figures td").count() == 0
        page.wait_for_selector("#metadata dd")
    finally:
        real.residency.release(model)  # type: ignore[arg-type]
    page.wait_for_selector("#scoring .figures td")


def test_a_reload_finds_the_score_again(learn: Open) -> None:
    page = learn()
    score(page, TEXT)
    page.wait_for_selector("#scoring .figures td")
    before = page.inner_text("#scoring .figures")
    page.reload()
    page.wait_for_selector("#models .chip")
    page.get_by_role("tab", name="Learn").click()
    page.wait_for_selector("#scoring .figures td")
    assert page.inner_text("#scoring .figures") == before
    assert page.input_value("#score-text") == TEXT


def model(page: Any, name: str) -> None:
    """Look at the model of that name."""
    if page.input_value("#model-choice") != name:
        page.fill("#model-choice", name)
        page.press("#model-choice", "Enter")


def test_metadata_is_a_table_that_can_be_searched(page: Any) -> None:
    model(page, "tiny")
    page.wait_for_selector("#metadata dd")
    facts = page.inner_text("#metadata dl")
    assert "Samantha Tiny" in facts
    assert "Q8_0" in facts
    assert "2,521 tokens" in facts
    page.click("#metadata-keys summary")
    everything = page.locator("#metadata table.keys tr").count()
    assert f"({everything} keys)" in page.inner_text("#metadata-keys summary")
    page.fill("#metadata-search", "context")
    assert page.locator("#metadata table.keys th").all_inner_texts() == ["llama.context_length"]
    page.fill("#metadata-search", "tokenizer.ggml.tokens")
    assert page.inner_text("#metadata table.keys td") == "[2,521 items]"
    page.fill("#metadata-search", "nothing has this")
    assert "nothing has this" in page.inner_text("#metadata-keys .note")
    page.click("#metadata-template summary")
    assert "add_generation_prompt" in page.inner_text("#metadata pre.template")


def test_another_model_is_described_and_a_wrong_one_gets_a_sentence(page: Any, real: Real, tmp_path: Path) -> None:
    page.wait_for_selector("#metadata dd")
    model(page, str(real.quantized))
    page.wait_for_function("document.querySelector('#metadata dl').innerText.includes('Q4_0')")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00 not much more")
    model(page, str(broken))
    page.wait_for_selector("#metadata .status[role=alert]")
    assert "broken.gguf" in page.inner_text("#metadata .status")
    assert page.locator("#metadata dl").is_hidden()


def test_metadata_is_text_and_never_markup(real: Real, page: Any, tmp_path: Path) -> None:
    evil = b"<img src=x onerror=hacked=1>"
    data = real.quantized.read_bytes().replace(b"Samantha Tiny", evil[:13].ljust(13), 1)
    path = tmp_path / "evil.gguf"
    path.write_bytes(data)
    model(page, str(path))
    page.wait_for_function("document.querySelector('#metadata dl').innerText.includes('<img src=x')")
    assert page.locator("#metadata img").count() == 0


def words(page: Any, query: str) -> list[str]:
    """What is found for a query: the next answer that the page gets is drawn."""
    with page.expect_response(lambda answer: "/learn/vocabulary" in answer.url and answer.ok):
        page.fill("#vocabulary-search", query)
    page.wait_for_timeout(100)
    return [str(text) for text in page.locator("#vocabulary td.piece").all_inner_texts()]


@pytest.fixture
def vocabulary(page: Any) -> Any:
    """The vocabulary of Samantha Tiny, nothing being searched."""
    model(page, "tiny")
    if page.is_visible("#vocabulary-open"):
        page.click("#vocabulary-open")
        page.wait_for_selector("#vocabulary table")
    page.select_option("#vocabulary-kind", "")
    page.uncheck("#vocabulary-ends")
    page.fill("#vocabulary-search", "")
    page.wait_for_function("document.querySelector('#vocabulary .pager').innerText.startsWith('1 to 100 of 2,521')")
    return page


def test_the_vocabulary_is_searched_by_text_id_range_and_bytes(vocabulary: Any) -> None:
    page = vocabulary
    assert "1 to 100 of 2,521 found" in page.inner_text("#vocabulary .pager >> nth=0")
    assert all("the" in text for text in words(page, "the"))
    assert words(page, "7") == ["("]
    assert len(words(page, "2000-2019")) == 20
    assert page.locator("#vocabulary td").first.inner_text() == "2000"
    assert all(text.startswith("␣") for text in words(page, " o"))
    assert "↵" in words(page, r"\n")
    assert words(page, '"7"')[0] == "7"
    assert words(page, "zzzzzz") == []
    assert "No token fits." in page.inner_text("#vocabulary .pager >> nth=0")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("30-20", "reversed: write 20-30"),
        ("99999", "0 to 2520"),
        ("2000-3000", "3000 is beyond it"),
        (r"\xZZ", r"\xZZ is no byte"),
        ("20-", "two numbers"),
    ],
)
def test_a_search_that_cannot_be_meant_gets_one_sentence(vocabulary: Any, query: str, said: str) -> None:
    vocabulary.fill("#vocabulary-search", query)
    vocabulary.wait_for_selector("#vocabulary .status[role=alert]")
    assert said in vocabulary.inner_text("#vocabulary .status[role=alert]")
    assert vocabulary.input_value("#vocabulary-search") == query
    assert not vocabulary.is_visible("#vocabulary table")
    vocabulary.fill("#vocabulary-search", "owl")
    vocabulary.wait_for_function("!document.querySelector('#vocabulary .status[role=alert]')")


def test_types_and_what_ends_an_answer_narrow_the_vocabulary(vocabulary: Any) -> None:
    page = vocabulary
    page.select_option("#vocabulary-kind", "control")
    page.wait_for_function("document.querySelectorAll('#vocabulary table tbody tr').length === 3")
    page.check("#vocabulary-ends")
    page.wait_for_function("document.querySelectorAll('#vocabulary table tbody tr').length === 2")
    assert "<|im_end|>" in page.inner_text("#vocabulary table")
    assert page.locator("#vocabulary .ends").count() == 2


def test_the_vocabulary_is_read_page_by_page(vocabulary: Any) -> None:
    page = vocabulary
    assert page.is_disabled("#vocabulary-back")
    page.click("#vocabulary-on")
    page.wait_for_function("document.querySelector('#vocabulary td').innerText === '100'")
    page.fill("#vocabulary-search", "2450-2520")
    page.wait_for_function("document.querySelector('#vocabulary td').innerText === '2450'")
    assert page.is_disabled("#vocabulary-on")
    assert page.locator("#vocabulary tbody tr").count() == 71


def test_how_a_text_is_cut(page: Any) -> None:
    page.click("#tokenizer summary")
    page.fill("#tokenizer-text", TEXT)
    page.press("#tokenizer-text", "Enter")
    page.wait_for_selector("#tokenizer li")
    pieces = "".join(page.locator("#tokenizer li .piece").all_inner_texts())
    assert pieces.replace("␣", " ").replace("↵", "\n") == TEXT
    assert f"for {len(TEXT)} characters ({len(TEXT.encode())} bytes)" in page.inner_text("#tokenizer .pager")
    page.fill("#tokenizer-text", "")
    page.click("#tokenizer-cut")
    page.wait_for_selector("#tokenizer .status[role=alert]")


def test_portuguese_says_the_same(learn: Open) -> None:
    page = learn()
    score(page, TEXT, second="tiny")
    page.wait_for_selector("#score-difference")
    page.click("#header .switch button >> nth=1")
    page.wait_for_function("document.querySelector('#scoring').innerText.includes('Como o modelo vê o meu prompt?')")
    assert "perplexidade" in page.inner_text("#scoring .figures")
    assert "onde diferem" in page.inner_text("#scoring .views")
    assert "Mostrar o vocabulário" in page.inner_text("#vocabulary")
    assert "quantização" in page.inner_text("#metadata")


def test_every_question_needs_a_tab_and_answers_nonsense_with_a_sentence(real: Real) -> None:
    assert real.ask("metadata", tab="x", model="tiny").status_code == 400
    for path, sent, status in (
        ("metadata", {"model": "/nowhere/at/all.gguf"}, 400), ("metadata", {"model": "https://evil.test/x.gguf"}, 400),
        ("vocabulary", {"model": "tiny", "query": "x" * 300}, 400), ("score/token", {"side": "7", "place": "-3"}, 404),
        ("score/answer", {"run": "../../etc", "step": "1"}, 400), ("score/prompt", {}, 404),
    ):  # fmt: skip
        answer = real.ask(path, "2" * 32, **sent)
        assert answer.status_code == status, (path, answer.text)
        assert len(answer.json()["problem"]) > 10
    long = real.tell("score/begin", "2" * 32, text="x" * 100_001, models=["tiny"])
    assert (long.status_code, "100,000" in long.json()["problem"]) == (400, True)
    assert "No model" in real.tell("score/begin", "2" * 32, text="Hello", models="tiny").json()["problem"]
    assert real.tell("score/stop", "2" * 32).status_code == 200


def test_a_page_of_a_large_vocabulary_holds_a_hundred_rows(real: Real, tmp_path: Path) -> None:
    from benchmarks import random_model

    path = tmp_path / "large.gguf"
    random_model.write(path, layers=1, width=128, words=152_000)
    sent = {"model": str(path), "query": "150000-151999", "from": "1900"}
    answer = real.ask("vocabulary", **sent).json()
    while answer["phase"] in ("waiting", "loading", "working"):
        answer = real.ask("vocabulary", **sent).json()
    assert (answer["found"], answer["from"], len(answer["rows"])) == (2000, 1900, 100)
    assert answer["rows"][-1][0] == 151_999
