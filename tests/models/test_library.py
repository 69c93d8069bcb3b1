"""Which models there are: folders, split files, copies, names, other programs' caches; what is read, and how often."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from samantha import settings
from samantha.errors import ModelError, ModelFileError, ModelNotFound
from samantha.models import gguf, library
from samantha.models.library import catalog, heads, walk
from samantha.models.model import LoadOptions
from samantha.models.remote import RemoteModel
from tests.models.test_gguf import split_in_two

LONG_AGO = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The only folder of the settings."""
    path = tmp_path / "models"
    path.mkdir()
    choose(path)
    return path


def choose(*folders: Path, programs: tuple[str, ...] = ()) -> None:
    settings.save(settings.Settings(model_folders=tuple(map(str, folders)), model_caches=programs))


@pytest.fixture
def put(random_gguf: Path) -> Callable[..., Path]:
    """Puts a model of its own content somewhere: the last bytes are its number."""

    def put_one(path: Path, number: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = random_gguf.read_bytes()
        path.write_bytes(content[:-4] + number.to_bytes(4, "little"))
        return path

    return put_one


def listed() -> list[str]:
    return [model.name for model in library.models()][1:]


def test_folders_are_searched_to_the_bottom_and_links_in_circles_end(folder: Path, put: Callable[..., Path]) -> None:
    put(folder / "a" / "b" / "c" / "deep.gguf", 1)
    put(folder / "TOP.GGUF", 2)
    put(folder / ".hidden" / "half.gguf", 3)
    (folder / "a" / "b" / "round").symlink_to(folder)
    (folder / "again").symlink_to(folder / "a")
    (folder / "broken.gguf").symlink_to(folder / "nowhere")
    (folder / "a.gguf").mkdir()
    (folder / "letter.txt").write_text("Dear model,")
    assert listed() == ["TOP", "deep"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the permissions of Windows are others")
def test_a_folder_that_cannot_be_read_is_no_harm(
    folder: Path, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "locked" / "fox.gguf", 1)
    put(folder / "open" / "owl.gguf", 2)
    real = os.scandir

    def scan(place: str) -> object:
        if place.endswith("locked"):  # root, as whom tests may run, can read everything
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(walk.os, "scandir", scan)
    assert listed() == ["owl"]
    choose(folder / "not there")
    assert listed() == []


def test_a_split_model_is_one_and_loads(folder: Path, random_gguf: Path) -> None:
    parts = split_in_two(random_gguf, folder)
    (model,) = library.models()[1:]
    assert (model.name, model.path, model.files) == ("owl", parts[0], tuple(parts))
    assert model.header
    assert model.header.parameters == gguf.read(random_gguf).parameters
    for name in ("owl", "owl-00001-of-00002", parts[0].name, str(parts[0])):
        assert library.find(name).path == parts[0]
    worker = RemoteModel(model.path, model.name)
    list(worker.open(LoadOptions(n_ctx=256, n_threads=1), lambda: False))
    assert worker.describe().parameters == model.header.parameters
    worker.close()


@pytest.mark.parametrize("missing", [0, 1])
def test_a_split_model_that_lacks_a_part_says_which(folder: Path, random_gguf: Path, missing: int) -> None:
    parts = split_in_two(random_gguf, folder)
    parts[missing].unlink()
    (model,) = library.models()[1:]
    assert model.name == "owl"
    assert model.header is None
    assert model.problem.count(". ") == 0
    assert (parts[1].name if missing else "choose the first one") in model.problem
    shutil.copy(random_gguf, folder / "whole.gguf")
    assert "whole" in listed()


def test_copies_are_one_model_that_answers_to_all_its_names(folder: Path, put: Callable[..., Path]) -> None:
    first = put(folder / "a" / "fox.gguf", 1)
    copy = put(folder / "b" / "fox-copy.gguf", 1)
    os.link(first, folder / "linked.gguf")
    (folder / "soft.gguf").symlink_to(first)
    other = put(folder / "other.gguf", 2)
    models = {model.name: model for model in library.models()[1:]}
    assert set(models) == {"linked", "other"}
    assert set(models["linked"].copies) == {first, copy, folder / "soft.gguf"}
    assert models["other"].path == other
    for name in ("fox", "fox-copy", "soft", "linked", "fox.gguf"):
        assert library.find(name).path == folder / "linked.gguf"


def test_other_models_of_the_same_name_say_where_they_are(folder: Path, put: Callable[..., Path]) -> None:
    one, two = put(folder / "a" / "fox.gguf", 1), put(folder / "b" / "fox.gguf", 2)
    third, toy = put(folder / "deep" / "b" / "fox.gguf", 3), put(folder / "tiny.gguf", 4)
    assert listed() == library.names()[1:] == ["tiny@models", "fox", "fox@b", str(third)]
    assert library.find("fox").path == one
    assert library.find("fox@a").path == one
    assert library.find("fox@b").path == two
    assert library.find("tiny@models").path == toy
    assert library.find("tiny").path == library.TINY_PATH


def test_a_head_is_read_once_and_again_only_when_the_file_changed(
    folder: Path, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [put(folder / f"{number}.gguf", number) for number in range(3)]
    read: list[Path] = []
    real = gguf.read_model
    monkeypatch.setattr(heads.gguf, "read_model", lambda path: read.append(path) or real(path))  # type: ignore[func-returns-value]
    before = library.models()
    assert len(read) == 4
    assert library.models() == before
    monkeypatch.setattr(heads.Heads, "_place", None)  # as in a program started anew
    assert library.models() == before
    assert len(read) == 4
    os.utime(paths[1], (LONG_AGO, LONG_AGO))
    assert library.models() == before
    assert read[4:] == [paths[1]]


def test_what_was_remembered_is_forgotten_when_it_cannot_be_read(folder: Path, put: Callable[..., Path]) -> None:
    put(folder / "fox.gguf")
    before = library.models()
    place = settings.data_folder() / "library.msgpack"
    for content in (b"", b"\xc1nonsense", place.read_bytes()[:-20]):
        place.write_bytes(content)
        heads.Heads._place = None
        assert library.models() == before


def test_folders_that_did_not_change_are_not_read_again(folder: Path, put: Callable[..., Path]) -> None:
    for number in range(3):
        put(folder / str(number) / "fox.gguf", number)
    for place in (folder, *folder.iterdir()):
        os.utime(place, (LONG_AGO, LONG_AGO))
    looker = walk.Walk()
    first = list(looker.files(folder))
    assert (len(first), looker.read) == (3, 4)
    assert list(looker.files(folder)) == first
    assert looker.read == 4
    put(folder / "1" / "owl.gguf", 9)
    assert len(list(looker.files(folder))) == 4
    assert looker.read == 5


def test_a_folder_that_changed_a_moment_ago_is_read_again(folder: Path, put: Callable[..., Path]) -> None:
    put(folder / "fox.gguf")
    looker = walk.Walk()
    assert list(looker.files(folder)) == list(looker.files(folder))
    assert looker.read == 2  # a second change within the clock's grain would leave the time as it is


def test_a_bad_file_is_listed_with_its_sentence_and_another_word_is_no_model(
    folder: Path, put: Callable[..., Path]
) -> None:
    put(folder / "fox-Q8_0.gguf")
    (folder / "bad.gguf").write_text("no")
    described = {model.name: model for model in library.models()}
    assert described["bad"].problem == "bad.gguf is not a GGUF file: it is empty."
    with pytest.raises(ModelNotFound, match=r"Did you mean fox-Q8_0\? Looked in"):
        library.find("fox-Q8")
    with pytest.raises(ModelNotFound, match="is a folder"):
        library.find(str(folder))
    with pytest.raises(ModelFileError, match="not a GGUF"):
        library.find(str(folder / "bad.gguf"))
    with pytest.raises(ModelError, match="is a link"):
        library.find("https://example.org/model.gguf")


# Other programs


@pytest.fixture
def home(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without any variable of another program."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setattr(Path, "home", lambda: path)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
                 "XDG_DATA_HOME", "OLLAMA_MODELS", "APPDATA"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    return path


def asked_for(folder: Path, program: str) -> list[str]:
    choose(folder, programs=(program,))
    found = library.models()[1:]
    assert {model.program for model in found} <= {program}
    return [model.name for model in found]


def hub_file(home: Path, repository: str, name: str, source: Path) -> Path:
    """A file as the hub's own client keeps it: a blob, and a link from the snapshot."""
    root = home / ".cache" / "huggingface" / "hub" / f"models--{repository.replace('/', '--')}"
    blob = root / "blobs" / hashlib.sha256(source.read_bytes()).hexdigest()
    blob.parent.mkdir(parents=True, exist_ok=True)
    source.replace(blob)
    link = root / "snapshots" / "0123abcd" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    return link


def test_the_cache_of_hugging_face(home: Path, folder: Path, put: Callable[..., Path], random_gguf: Path) -> None:
    hub_file(home, "some/fox-GGUF", "fox-Q4_K_M.gguf", put(home / "one", 1))
    hub_file(home, "other/fox-GGUF", "fox-Q4_K_M.gguf", put(home / "two", 2))
    parts = [hub_file(home, "some/owl", f"BF16/{part.name}", part) for part in split_in_two(random_gguf, home)]
    assert listed() == []  # only on request
    assert asked_for(folder, "Hugging Face") == ["fox-Q4_K_M", "fox-Q4_K_M@some/fox-GGUF", "owl"]
    found = library.find("owl")
    assert found.files == tuple(parts)
    worker = RemoteModel(found.path, found.name)
    list(worker.open(LoadOptions(n_ctx=256, n_threads=1), lambda: False))
    assert worker.describe().parameters == gguf.read(random_gguf).parameters
    worker.close()


def test_the_models_of_lm_studio(home: Path, folder: Path, put: Callable[..., Path]) -> None:
    put(home / ".lmstudio" / "models" / "publisher" / "repository" / "fox.gguf", 1)
    put(home / ".cache" / "lm-studio" / "models" / "publisher" / "repository" / "old.gguf", 2)
    assert asked_for(folder, "LM Studio") == ["fox", "old"]
    put(home / "elsewhere" / "publisher" / "repository" / "moved.gguf", 3)
    settings_file = home / ".lmstudio" / "settings.json"
    settings_file.write_text(json.dumps({"downloadsFolder": str(home / "elsewhere")}))
    assert asked_for(folder, "LM Studio") == ["moved", "old"]
    settings_file.write_text("{ not json")
    assert asked_for(folder, "LM Studio") == ["fox", "old"]


def ollama_model(root: Path, place: str, source: Path, kind: str = "application/vnd.ollama.image.model") -> Path:
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    blob = root / "blobs" / f"sha256-{digest}"
    blob.parent.mkdir(parents=True, exist_ok=True)
    source.replace(blob)
    manifest = root / "manifests" / place
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:00", "size": 1},
              {"mediaType": kind, "digest": f"sha256:{digest}", "size": blob.stat().st_size}]  # fmt: skip
    manifest.write_text(json.dumps({"schemaVersion": 2, "config": {}, "layers": layers}))
    return blob


def test_the_models_of_ollama_have_the_names_it_gives_them(
    home: Path, folder: Path, put: Callable[..., Path]
) -> None:
    root = home / ".ollama" / "models"
    fox = ollama_model(root, "registry.ollama.ai/library/fox/3b", put(home / "1.gguf", 1))
    ollama_model(root, "registry.ollama.ai/somebody/owl/latest", put(home / "2.gguf", 2))
    ollama_model(root, "hf.co/some/hen-GGUF/Q4_K_M", put(home / "3.gguf", 3))
    ollama_model(root, "registry.ollama.ai/library/no-model/1", put(home / "4.gguf", 4), "application/other")
    for place, content in {"broken/1": "{", "odd/1": '{"layers": [1, {"digest": 2}]}', "gone/1": "[]"}.items():
        manifest = root / "manifests" / "registry.ollama.ai" / "library" / place
        manifest.parent.mkdir(parents=True)
        manifest.write_text(content)
    assert asked_for(folder, "Ollama") == ["hf.co/some/hen-GGUF:Q4_K_M", "fox:3b", "somebody/owl:latest"]
    assert library.find("fox:3b").path == fox
    assert library.find("hf.co/some/hen-GGUF:Q4_K_M").program == "Ollama"
    worker = RemoteModel(fox, "fox:3b")
    list(worker.open(LoadOptions(n_ctx=256, n_threads=1), lambda: False))
    worker.close()


def test_an_ollama_manifest_cannot_lead_out_of_its_folder(home: Path, folder: Path, put: Callable[..., Path]) -> None:
    root = home / ".ollama" / "models"
    put(home / "secret.gguf", 1)
    (root / "blobs").mkdir(parents=True)
    manifest = root / "manifests" / "registry.ollama.ai" / "library" / "fox" / "1"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:/../../../../secret.gguf"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    assert asked_for(folder, "Ollama") == []


@pytest.mark.skipif(os.name == "nt", reason="these are the places of Linux and macOS")
def test_the_models_of_jan_and_kobold_cpp(home: Path, folder: Path, put: Callable[..., Path]) -> None:
    from samantha.models.library.places import _application_folders

    data = _application_folders()[0] / "Jan" / "data"
    put(data / "llamacpp" / "models" / "some" / "fox" / "model.gguf", 1)
    put(data / "models" / "owl" / "owl-Q4.gguf", 2)
    put(home / "koboldcpp" / "models" / "hen.gguf", 3)
    assert asked_for(folder, "Jan") == ["fox", "owl-Q4"]
    assert asked_for(folder, "KoboldCpp") == ["hen"]
    put(home / "moved" / "llamacpp" / "models" / "cat" / "model.gguf", 4)
    (data.parent / "settings.json").write_text(json.dumps({"data_folder": str(home / "moved")}))
    assert asked_for(folder, "Jan")[0] == "cat"


# Watching and deleting


def test_a_watch_tells_when_files_come_go_and_change(folder: Path, put: Callable[..., Path]) -> None:
    watch = library.Watch()
    assert watch.changed()
    assert [model.name for model in watch.models() or []] == ["tiny"]
    assert watch.models() is None
    fox = put(folder / "new" / "fox.gguf", 1)
    assert watch.changed()
    assert [model.name for model in watch.models() or []] == ["tiny", "fox"]
    assert not watch.changed()
    os.utime(fox, (LONG_AGO, LONG_AGO))
    assert watch.models() is not None
    fox.rename(folder / "owl.gguf")
    assert [model.name for model in watch.models() or []] == ["tiny", "owl"]
    choose(folder / "new")
    assert [model.name for model in watch.models() or []] == ["tiny"]


def test_deleting_takes_all_parts_and_nothing_else(folder: Path, random_gguf: Path, put: Callable[..., Path]) -> None:
    fox = put(folder / "fox.gguf", 1)
    parts = split_in_two(random_gguf, folder)
    size = sum(part.stat().st_size for part in parts)
    gone = library.delete("owl")
    assert (gone.paths, gone.freed) == (tuple(parts), size)
    assert sorted(folder.iterdir()) == [fox]


def test_deleting_a_link_or_a_second_name_frees_nothing_and_takes_only_that(
    folder: Path, tmp_path: Path, put: Callable[..., Path]
) -> None:
    outside = put(tmp_path / "outside.gguf", 1)
    (folder / "link.gguf").symlink_to(outside)
    os.link(outside, folder / "second.gguf")
    gone = library.delete("link")
    assert (gone.freed, gone.copies) == (0, (folder / "second.gguf",))
    assert library.delete("second").freed == 0
    assert outside.exists()
    assert list(folder.iterdir()) == []


def test_what_may_not_be_deleted_stays(
    folder: Path, tmp_path: Path, home: Path, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fox, outside = put(folder / "fox.gguf", 1), put(tmp_path / "outside.gguf", 2)
    theirs = put(home / ".lmstudio" / "models" / "a" / "b" / "owl.gguf", 3)
    choose(folder, programs=("LM Studio",))
    refused: dict[str, Callable[[], object]] = {
        "Samantha Tiny is part of the program": lambda: library.delete("tiny"),
        "Samantha Tiny is part": lambda: library.delete(str(library.TINY_PATH)),
        "is not in a model folder": lambda: library.delete(str(outside)),
        "not in a model": lambda: library.delete(str(folder / ".." / "outside.gguf")),
        "fox is loaded: unload it first": lambda: library.delete("fox", in_use=[fox]),
        "owl belongs to LM Studio: delete it there": lambda: library.delete("owl"),
        "There is no model": lambda: library.delete("hen"),
    }
    for said, attempt in refused.items():
        with pytest.raises(ModelError, match=said):
            attempt()
    assert fox.exists()
    assert outside.exists()
    assert theirs.exists()

    def held(self: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", held)
    with pytest.raises(ModelError, match=r"fox\.gguf cannot be deleted \(Permission denied\): close what uses it"):
        library.delete("fox")


def test_what_is_remembered_keeps_lengths_and_kinds_of_arrays(folder: Path, put: Callable[..., Path]) -> None:
    put(folder / "fox.gguf")
    library.models()
    heads.Heads._place = None
    model = next(model for model in library.models() if model.name == "fox")
    assert model.header
    fresh = gguf.read_model(folder / "fox.gguf")
    assert msgspec.structs.asdict(model.header) == msgspec.structs.asdict(fresh)
    assert model.header.metadata["tokenizer.ggml.tokens"].kind == "text"
    assert catalog.snapshot()
