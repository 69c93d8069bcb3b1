"""Heads of GGUF files, and files that are none."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samantha.errors import ModelError, ModelFileError, ModelNotFound
from samantha.models import gguf


def test_it_tells_what_the_file_is(random_gguf: Path) -> None:
    header = gguf.read(random_gguf)
    assert (header.architecture, header.n_ctx_train, header.quantization) == ("llama", 8192, "Q8_0")
    assert header.parameters > 500_000
    assert header.metadata["tokenizer.ggml.tokens"] == 2048


@pytest.mark.parametrize("share", [0.999, 0.5, 0.1, 0.001])
def test_a_truncated_file_is_named_so(random_gguf: Path, tmp_path: Path, share: float) -> None:
    data = random_gguf.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelFileError, match=r"cut\.gguf is truncated"):
        gguf.read(path)


def test_another_file_is_no_gguf(tmp_path: Path) -> None:
    path = tmp_path / "letter.gguf"
    path.write_text("Dear model,")
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        gguf.read(path)


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="is a folder"):
        gguf.read(tmp_path)
    with pytest.raises(ModelNotFound, match="no model file"):
        gguf.read(tmp_path / "missing.gguf")


@pytest.mark.parametrize("layers", [0, 600, 2**31, 2**32 - 1])
def test_layer_counts_that_abort_llama_cpp_are_refused(random_gguf: Path, tmp_path: Path, layers: int) -> None:
    data = bytearray(random_gguf.read_bytes())
    key = b"llama.block_count"
    place = data.index(key) + len(key) + 4
    data[place : place + 4] = struct.pack("<I", layers)
    path = tmp_path / "layers.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="layers"):
        gguf.read(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_heads_give_a_sentence_or_a_header_never_anything_else(
    random_gguf: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(random_gguf.read_bytes()[:60_000])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, 2000))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        gguf.read(path)
