"""samantha vocab and samantha info, on Samantha Tiny."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy
import pytest

from samantha.cli.main import main
from samantha.models.library import TINY_PATH

from .conftest import Result, Terminal

Tiny = Callable[..., Result]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tiny:
    def samantha(*arguments: str) -> Result:
        monkeypatch.setattr("sys.stdin", Terminal())
        try:
            status = main(arguments)
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return samantha


def rows(result: Result) -> list[dict[str, object]]:
    assert result.status == 0
    return [json.loads(line) for line in result.out.splitlines()]


def test_search_range_and_type_narrow_together(tiny: Tiny) -> None:
    found = rows(tiny("vocab", "--search", "riv", "--jsonl"))
    assert "␣river" in [row["text"] for row in found]
    assert all("riv" in bytes.fromhex(str(row["bytes"])[2:]).decode() for row in found)
    ranged = rows(tiny("vocab", "--range", "1600-1700", "--search", "riv", "--jsonl"))
    assert ranged == [row for row in found if 1600 <= int(str(row["id"])) <= 1700]
    control = rows(tiny("vocab", "--type", "control", "--jsonl"))
    assert {row["kind"] for row in control} == {"control"}
    ending = rows(tiny("vocab", "--type", "control", "--ends_answer", "--jsonl"))
    assert ending == [row for row in control if row["ends_answer"]] != control


def test_digits_that_are_searched_for_are_text(tiny: Tiny) -> None:
    found = rows(tiny("vocab", "--search", "7", "--jsonl"))
    assert found
    assert all("7" in str(row["text"]) for row in found)


def test_a_range_is_whole(tiny: Tiny) -> None:
    assert [row["id"] for row in rows(tiny("vocab", "--range", "2000-2100", "--jsonl"))] == list(range(2000, 2101))
    assert [row["id"] for row in rows(tiny("vocab", "--range", "42", "--jsonl"))] == [42]


def test_the_tokens_of_a_text_spell_it(tiny: Tiny) -> None:
    text = "Hello <|im_start|> é中"
    result = tiny("vocab", "--tokenize", text, "--jsonl")
    found = rows(result)
    assert b"".join(bytes.fromhex(str(row["bytes"])[2:]) for row in found).decode() == text
    assert [row["kind"] for row in found].count("control") == 1
    assert f"{len(found)} tokens for {len(text)} characters" in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--range", "2100-2000"], "The range 2100-2000 is reversed: write 2000-2100"),
        (["--range", "few"], "must be ids such as 2000-2100"),
        (["--range", "5-99999"], "99999 is beyond it"),
        (["--type", "strange"], "There is no type 'strange'"),
        (["--search", "\\q"], "\\q is no byte"),
        (["--search", ""], "There is no text to search for"),
        (["--tokenize", ""], "There is no text to cut"),
        (["--tokenize", "a", "--range", "1-2"], "leave --range out"),
    ],
)
def test_what_cannot_be_searched_is_told_in_one_sentence(tiny: Tiny, arguments: list[str], said: str) -> None:
    result = tiny("vocab", *arguments)
    assert said in result.err
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_info_says_what_the_file_says(tiny: Tiny) -> None:
    short = tiny("info").out
    for text in ("Samantha Tiny", "llama", "2,521 tokens", "context window  2,048 tokens", "Q8_0"):
        assert text in short
    told = json.loads(tiny("info", str(TINY_PATH), "--json").out)
    assert (told["vocabulary"], told["n_ctx_train"], told["size"]) == (2521, 2048, TINY_PATH.stat().st_size)
    every = tiny("info", "--all").out
    assert all(key in every for key in told["metadata"])
    assert "2,521 items" in every
    assert "im_start" in tiny("info", "--template").out


def split_file(path: Path, part: int, count: int) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint16("split.no", part - 1)
    writer.add_uint16("split.count", count)
    if part == 1:
        describe(writer)
    finish(writer, f"weights.{part}")


def describe(writer: gguf.GGUFWriter) -> None:
    """The least that the head of a language model says."""
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["a", "b"])


def finish(writer: gguf.GGUFWriter, name: str = "weights") -> None:
    """With one tensor of 128 weights."""
    writer.add_tensor(name, numpy.zeros((32, 4), numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_model_in_several_files_is_one(tiny: Tiny, tmp_path: Path) -> None:
    for part in (1, 2):
        split_file(tmp_path / f"big-{part:05}-of-00002.gguf", part, 2)
    first = tmp_path / "big-00001-of-00002.gguf"
    told = json.loads(tiny("info", str(first), "--json").out)
    assert (told["files"], told["parameters"], told["tensors"]) == (2, 256, 2)
    (tmp_path / "big-00002-of-00002.gguf").unlink()
    missing = tiny("info", str(first))
    assert (missing.status, missing.err.count("\n")) == (1, 1)
    assert "big-00002-of-00002.gguf cannot be found" in missing.err


def test_what_a_file_says_cannot_command_the_terminal(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "evil.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("\x1b[2Jevil\n\rname")
    writer.add_string("key\x07", "\x1b]0;x\x07")
    writer.add_chat_template("\x1b[2J{{ x }}")
    describe(writer)
    finish(writer)
    for option in ([], ["--all"], ["--template"]):
        shown = tiny("info", str(path), *option)
        assert shown.status == 0
        assert not set(shown.out) & set("\x1b\x07\r")


@pytest.mark.parametrize("damage", ["short", "text", "missing"])
def test_a_damaged_file_is_told(tiny: Tiny, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.gguf"
    if damage == "short":
        shutil.copy(TINY_PATH, path)
        path.write_bytes(path.read_bytes()[:20000])
    elif damage == "text":
        path.write_text("Hello")
    result = tiny("info", str(path))
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
