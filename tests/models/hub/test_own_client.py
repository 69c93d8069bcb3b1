"""Hugging Face's own client finds in the hub of these tests what it finds in the real one, and agrees with ours."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

from samantha.models.hub import Download
from tests.models.hub.conftest import FILE, model
from tests.models.hub.hub_server import COMMIT, HubServer


def test_it_reads_the_same_repository(hub: HubServer, found: Callable[..., Download]) -> None:
    download = found()
    info = huggingface_hub.HfApi(endpoint=hub.endpoint).model_info("user/repo", files_metadata=True)
    (sibling,) = [sibling for sibling in info.siblings or () if sibling.rfilename == FILE]
    assert info.sha == download.commit
    assert sibling.lfs is not None
    assert (sibling.size, f"sha256:{sibling.lfs.sha256}") == (download.files[0].size, download.files[0].checksum)


def test_it_reads_the_same_file(hub: HubServer, found: Callable[..., Download]) -> None:
    (file,) = found().files
    metadata = huggingface_hub.get_hf_file_metadata(file.url)
    assert (metadata.size, metadata.commit_hash, f"sha256:{metadata.etag}") == (file.size, COMMIT, file.checksum)


def test_it_finds_the_same_repositories(hub: HubServer) -> None:
    api = huggingface_hub.HfApi(endpoint=hub.endpoint)
    (hit,) = api.list_models(search="repo", filter="gguf", sort="downloads", limit=5, expand=["siblings", "downloads"])
    assert hit.id == "user/repo"


def test_it_downloads_the_same_bytes(hub: HubServer, tmp_path: Path) -> None:
    path = huggingface_hub.hf_hub_download(
        "user/repo", FILE, revision=COMMIT, cache_dir=tmp_path, endpoint=hub.endpoint
    )
    assert hashlib.sha256(Path(path).read_bytes()).digest() == hashlib.sha256(model()).digest()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (f"/user/none/resolve/{COMMIT}/{FILE}", RepositoryNotFoundError),
        (f"/user/repo/resolve/{COMMIT}/none.gguf", EntryNotFoundError),
        (f"/user/gated/resolve/{COMMIT}/{FILE}", GatedRepoError),
        (f"/user/private/resolve/{COMMIT}/{FILE}", RepositoryNotFoundError),
    ],
)
def test_it_understands_the_same_refusals(hub: HubServer, url: str, error: type[Exception]) -> None:
    hub.add("user/gated", {FILE: model(3000)}, gated=True)
    hub.add("user/private", {FILE: model(3000)}, private=True)
    with pytest.raises(error):
        huggingface_hub.get_hf_file_metadata(hub.endpoint + url)


def test_it_misses_the_same_revision(hub: HubServer) -> None:
    with pytest.raises(RevisionNotFoundError):
        huggingface_hub.HfApi(endpoint=hub.endpoint).model_info("user/repo", revision="v9")
