"""Heads of GGUF files, and files that are none."""

import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samantha.errors import ModelError, ModelFileError, ModelNotFound
from samantha.models import gguf
from tests.models import malformed


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


def made(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def split_in_two(path: Path, folder: Path, stem: str = "owl") -> list[Path]:
    """The model in two parts, as llama.cpp's own tool splits: the second has no metadata but its number."""
    whole = malformed.apart(path.read_bytes())
    half = len(whole.tensors) // 2
    cut = whole.tensors[half].offset
    first = malformed.Parts([*whole.keys, *_numbered(0, len(whole.tensors))], whole.tensors[:half], whole.data[:cut])
    moved = [msgspec.structs.replace(tensor, offset=tensor.offset - cut) for tensor in whole.tensors[half:]]
    second = malformed.Parts(_numbered(1, len(whole.tensors)), moved, whole.data[cut:])
    return [
        made(folder, f"{stem}-{number:05d}-of-00002.gguf", malformed.together(part))
        for number, part in enumerate((first, second), 1)
    ]


def _numbered(part: int, tensors: int) -> list[malformed.Key]:
    return [
        malformed.Key(b"split.no", 2, struct.pack("<H", part)),
        malformed.Key(b"split.count", 2, struct.pack("<H", 2)),
        malformed.Key(b"split.tensors.count", 5, struct.pack("<i", tensors)),
    ]


def test_the_parts_of_a_split_model_are_one(random_gguf: Path, tmp_path: Path) -> None:
    whole, parts = gguf.read(random_gguf), split_in_two(random_gguf, tmp_path)
    together = gguf.read_model(parts[0])
    assert together.size == sum(part.stat().st_size for part in parts)
    for field in ("architecture", "parameters", "tensors", "quantization", "matrices"):
        assert getattr(together, field) == getattr(whole, field)
    assert gguf.read(parts[1]).tensors < whole.tensors


def test_missing_and_misnamed_parts_are_one_sentence(random_gguf: Path, tmp_path: Path) -> None:
    first, second = split_in_two(random_gguf, tmp_path)
    with pytest.raises(ModelFileError, match=r"owl-00002-of-00002\.gguf is part 2 of 2 of a model: choose the first"):
        gguf.read_model(second)
    second.unlink()
    with pytest.raises(ModelFileError, match=r"owl-00002-of-00002\.gguf cannot be found beside it"):
        gguf.read_model(first)
    with pytest.raises(ModelFileError, match="one of 2 parts of a model, which its name does not say"):
        gguf.read_model(first.rename(tmp_path / "owl.gguf"))


def test_short_arrays_of_numbers_are_kept_and_long_ones_counted(random_gguf: Path, tmp_path: Path) -> None:
    parts = malformed.apart(random_gguf.read_bytes())
    heads = malformed.Key(b"llama.attention.head_count_kv", 9, struct.pack("<IQ2I", 4, 2, 1, 0))
    parts.keys[parts.keys.index(parts.key("llama.attention.head_count_kv"))] = heads
    header = gguf.read(made(tmp_path, "layers.gguf", malformed.together(parts)))
    assert header.arrays == {"llama.attention.head_count_kv": (1, 0)}
    assert header.metadata["llama.attention.head_count_kv"] == 2
    assert header.vocabulary == 2048


@pytest.mark.parametrize(("kind", "said"), [("clip", "mmproj"), ("adapter", "LoRA")])
def test_files_that_belong_to_models_are_told_from_models(
    random_gguf: Path, tmp_path: Path, kind: str, said: str
) -> None:
    parts = malformed.apart(random_gguf.read_bytes())
    parts.keys.append(malformed.Key(b"general.type", malformed.STRING, malformed.text(kind)))
    with pytest.raises(ModelFileError, match=said):
        gguf.read(made(tmp_path, "other.gguf", malformed.together(parts)))


def test_a_vocabulary_that_llama_cpp_aborts_on_is_seen_by_a_thorough_look(random_gguf: Path, tmp_path: Path) -> None:
    parts = malformed.apart(random_gguf.read_bytes())
    tokens = malformed.array_of_texts(parts.key("tokenizer.ggml.tokens").value)
    parts.key("tokenizer.ggml.tokens").value = malformed.texts([*tokens[:-1], tokens[0]])
    path = made(tmp_path, "twice.gguf", malformed.together(parts))
    assert gguf.read(path).vocabulary == len(tokens)
    with pytest.raises(ModelFileError, match="1 tokens of its vocabulary are there twice"):
        gguf.read(path, thorough=True)
