"""From a name or link to files with size and checksum, before anything is downloaded; refusals are sentences."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.errors import DownloadCancelled, DownloadError, HostNotConfirmed
from samantha.models.hub import Cache, Download, Unusable, confirm, fetch, resolve, resolve_list
from tests.models.hub import faults
from tests.models.hub.conftest import FILE, HASTE, model
from tests.models.hub.hub_server import COMMIT, TOKEN, Fault, Handler, HubServer

Found = Callable[..., Download]
SIZED = {
    "m-Q4_K_M.gguf": model(4000, 1), "m-Q8_0.gguf": model(8000, 2), "m.IQ2_XS.gguf": model(2000, 3),
    "UD/m-UD-Q4_K_XL.gguf": model(4100, 4), "BF16/m-BF16-00001-of-00002.gguf": model(9000, 5),
    "BF16/m-BF16-00002-of-00002.gguf": model(9001, 6), "mmproj-m-F16.gguf": model(500, 7), "imatrix.gguf": model(500),
}  # fmt: skip


def test_a_model_is_pinned_to_a_commit_with_its_checksum(hub: HubServer, found: Found) -> None:
    download = found("user/repo")
    (file,) = download.files
    assert file.checksum == f"sha256:{hashlib.sha256(model()).hexdigest()}"
    assert file.size == 300_000
    assert download.commit == COMMIT
    assert f"/resolve/{COMMIT}/" in file.url
    assert (download.title, download.quantization) == ("model-Q4_K_M", "Q4_K_M")
    assert not hub.asked("store")


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("user/many", ["m-Q4_K_M.gguf"]),
        ("user/many:q8_0", ["m-Q8_0.gguf"]),
        ("user/many:IQ2_XS", ["m.IQ2_XS.gguf"]),
        ("user/many:UD-Q4_K_XL", ["m-UD-Q4_K_XL.gguf"]),
        ("user/many:BF16", ["m-BF16-00001-of-00002.gguf", "m-BF16-00002-of-00002.gguf"]),
        ("user/many/mmproj-m-F16.gguf", ["mmproj-m-F16.gguf"]),
        ("user/old", ["model-Q4_K_M.gguf"]),
        ("user/single", ["only.gguf"]),
        ("https://hf.co/user/many/tree/main/UD", ["m-UD-Q4_K_XL.gguf"]),
        ("user/repo@refs/pr/1", None),
        ("https://hf.co/user/repo/tree/refs%2Fpr%2F1", ["model-Q4_K_M.gguf"]),
    ],
)
def test_what_is_meant_is_found(hub: HubServer, found: Found, text: str, files: list[str] | None) -> None:
    hub.add("user/many", SIZED)
    hub.add("user/single", {"only.gguf": model(3000)})
    hub.renamed["user/old"] = "user/repo"
    if files is None:
        with pytest.raises(DownloadError):
            found(text)
    else:
        assert [file.name for file in found(text).files] == files


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("user/none", "does not exist, or is private"),
        ("user/repo@v9", "no such revision"),
        (f"user/repo/{FILE.replace('Q4', 'Q5')}", f"did you mean {FILE}"),
        ("user/repo:Q8_0", "write user/repo:Q4_K_M"),
        ("user/text", "no .gguf model"),
        ("user/two", "name the file, as in user/two/a-Q4_K_M.gguf or b-Q4_K_M.gguf"),
        ("user/torn", "other parts are missing"),
        ("user/off", "has disabled"),
        ("user/gated", "accept its terms on .*/user/gated, then sign in"),
        ("user/private", "does not exist, or is private"),
        ("user/other", "write user/other:Q2_K, or one of Q2_K, Q6_K"),
    ],
)
def test_what_cannot_be_had_gets_a_sentence(hub: HubServer, found: Found, text: str, sentence: str) -> None:
    hub.add("user/text", {"README.md": b"text"})
    hub.add("user/two", {"a-Q4_K_M.gguf": model(3000), "b-Q4_K_M.gguf": model(3001)})
    hub.add("user/torn", {"a-Q4_K_M-00001-of-00002.gguf": model(3000)})
    hub.add("user/off", {FILE: model(3000)}, disabled=True)
    hub.add("user/gated", {FILE: model(3000)}, gated=True)
    hub.add("user/private", {FILE: model(3000)}, private=True)
    hub.add("user/other", {"a-Q6_K.gguf": model(3000), "a-Q2_K.gguf": model(3001)})
    with pytest.raises(DownloadError, match=sentence) as refused:
        found(text)
    assert "\n" not in str(refused.value)
    assert str(refused.value)[-1] in ".?"


def test_who_is_signed_in_is_told_what_is_missing(
    secure_hub: HubServer, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    secure_hub.add("user/gated", {FILE: model(3000)}, gated=True, refuses_token=True)
    with pytest.raises(DownloadError, match="has not been let in yet"):
        found("user/gated")
    secure_hub.add("user/private", {FILE: model(3000)}, private=True, refuses_token=True)
    with pytest.raises(DownloadError, match="not open to your token"):
        found("user/private")


def test_a_token_that_ran_out_is_named_as_the_cause(
    secure_hub: HubServer, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    wrong = faults.status(401, X_Error_Message="Invalid credentials in Authorization header")
    secure_hub.hub_faults.extend([faults.status(401, X_Error_Code="RepoNotFound"), wrong])
    with pytest.raises(DownloadError, match="does not accept your token"):
        found("user/closed")


def nonsense(body: bytes) -> Fault:
    return lambda handler, content: handler.answer(200, {"Content-Type": "application/json"}, body)


def endless(handler: Handler, content: bytes) -> None:
    handler.begin(b"", None)
    while True:
        handler.wfile.write(b"[" * (1 << 16))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"id": 3}', b'{"id":"a/b","sha":"../x"}', b"\xff" * 100, b"[" * 100_000]
)
def test_an_answer_that_makes_no_sense(hub: HubServer, found: Found, body: bytes) -> None:
    hub.hub_faults.append(nonsense(body))
    with pytest.raises(DownloadError, match="cannot be understood"):
        found("user/repo")


def test_an_answer_without_end(hub: HubServer, found: Found) -> None:
    hub.hub_faults.append(endless)
    with pytest.raises(DownloadError, match=r"without end|too slowly"):
        found("user/repo")


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_hub_is_asked_again(hub: HubServer, found: Found, code: int) -> None:
    hub.hub_faults.extend([faults.status(code), faults.status(code), None, faults.status(code)])
    assert found("user/repo").size == 300_000


def test_a_hub_that_stays_busy_is_left_alone(hub: HubServer, found: Found) -> None:
    hub.hub_faults.extend([faults.status(429)] * 50)
    with pytest.raises(DownloadError, match="too many requests"):
        found("user/repo")
    assert len(hub.seen) == HASTE.attempts


def test_a_hub_that_asks_for_patience_gets_it_within_reason(hub: HubServer, found: Found) -> None:
    hub.hub_faults.append(faults.status(429, Retry_After="3600"))
    with pytest.raises(DownloadError, match="asks to wait for 3600 s"):
        found("user/repo")
    assert len(hub.seen) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Linked-Etag": '"' + "0" * 64 + '"', "X-Linked-Size": "300000", "X-Repo-Commit": COMMIT},
        {"X-Linked-Size": "1", "X-Linked-Etag": f'"{hashlib.sha256(model()).hexdigest()}"'},
        {"X-Linked-Size": "300000", "X-Repo-Commit": "f" * 40,
         "X-Linked-Etag": f'"{hashlib.sha256(model()).hexdigest()}"'},
    ],
)  # fmt: skip
def test_a_hub_that_contradicts_itself(hub: HubServer, found: Found, headers: dict[str, str]) -> None:
    hub.hub_faults.extend([None, lambda handler, content: handler.answer(302, {**headers, "Location": hub.store_url})])
    with pytest.raises(DownloadError, match="no clear size and checksum"):
        found("user/repo")


def test_looking_up_can_be_cancelled(hub: HubServer) -> None:
    hub.hub_faults.append(faults.mute)
    with pytest.raises(DownloadCancelled):
        resolve("user/repo", lambda: bool(hub.seen))


def test_a_bad_item_of_a_list_does_not_hinder_the_others(hub: HubServer) -> None:
    text = "user/none\nuser/repo\n--- user/repo:Q2_K\nhttps://example.org/m.gguf\nnonsense\nuser/repo"
    items = list(resolve_list(text, patience=HASTE))
    assert [type(item) for item in items] == [Unusable, Download, Unusable, Unusable, Download]
    assert isinstance(items[2], Unusable)
    assert items[2].host == "example.org"
    assert len([seen for seen in hub.seen if "api/models/user/repo" in seen.path]) == 1


def test_without_the_hub_what_was_downloaded_is_still_there(
    hub: HubServer, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, path = fetch(resolve("user/repo", patience=HASTE), cache=cache, patience=HASTE)
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
    again = resolve("user/repo", patience=HASTE, cache=cache)
    assert list(fetch(again, cache=cache)) == [path]
    with pytest.raises(DownloadError, match="cannot be reached"):
        resolve("user/repo:Q4_K_M", patience=HASTE, cache=cache)


def test_hugging_face_offline_is_heeded(hub: HubServer, found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE"):
        found("user/repo")
    assert not hub.seen


# another host than the hub


@pytest.fixture
def elsewhere(secure_hub: HubServer, random_gguf: Path) -> str:
    """A link to a real GGUF file on a host that is not the hub and not confirmed yet."""
    secure_hub.add("files/of", {"m-Q8_0.gguf": random_gguf.read_bytes()})
    return f"{secure_hub.url('store', '127.0.0.1')}/files/of/m-Q8_0.gguf?key=secret"


def test_another_host_is_asked_only_after_it_was_confirmed(
    secure_hub: HubServer, elsewhere: str, found: Found, fetched: Callable[[Download], Path], random_gguf: Path
) -> None:
    with pytest.raises(HostNotConfirmed) as refused:
        found(elsewhere)
    assert not secure_hub.seen
    assert "secret" not in str(refused.value)
    confirm(refused.value.host)
    path = fetched(found(elsewhere))
    assert path.name == "m-Q8_0.gguf"
    assert path.read_bytes() == random_gguf.read_bytes()


@pytest.mark.parametrize(
    "fault", [faults.page, faults.shorter, faults.longer, faults.no_length_cut, faults.packed, faults.status(404)]
)
def test_without_a_checksum_length_and_form_are_checked(
    secure_hub: HubServer, elsewhere: str, found: Found, cache: Cache, fault: Fault
) -> None:
    confirm(elsewhere.split("/")[2])
    download = found(elsewhere)
    secure_hub.faults.extend([fault] * 9)
    with pytest.raises(DownloadError):
        list(fetch(download, cache=cache, patience=HASTE))
    assert not list(cache.folder.rglob("*.gguf"))


@pytest.mark.parametrize("mark", [True, False])
def test_without_a_checksum_a_changed_file_is_never_mixed(
    secure_hub: HubServer, elsewhere: str, found: Found, cache: Cache, random_gguf: Path, mark: bool
) -> None:
    """If-Range where there is an ETag; where there is none, or a weak one, everything is fetched anew."""
    if not mark:
        secure_hub.etag_of = lambda content: 'W/"weak"'
    confirm(elsewhere.split("/")[2])
    download = found(elsewhere)
    other = random_gguf.read_bytes()[:-1000] + bytes(1000)

    def change(handler: Handler, content: bytes) -> None:
        secure_hub.repos["files/of"].files["m-Q8_0.gguf"] = other
        faults.cut(100_000)(handler, content)

    secure_hub.faults.append(change)
    *_, path = fetch(download, cache=cache, patience=HASTE)
    assert isinstance(path, Path)
    assert path.read_bytes() == other
