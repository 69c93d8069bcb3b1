"""What the hub says of a repository, and which of its files is meant. Nothing is downloaded here."""

import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import msgspec

from samantha.errors import DownloadError
from samantha.models.hub import hosts, quantization
from samantha.models.hub.connection import Opened, Request, collected, header
from samantha.models.hub.downloads import RemoteFile
from samantha.models.hub.faults import Patience, TemporaryFault, refusal
from samantha.models.hub.naming import own_name
from samantha.models.hub.references import Reference
from samantha.models.hub.retrying import patiently
from samantha.models.hub.token import token


class Lfs(msgspec.Struct, frozen=True):
    """How a large file is stored."""

    sha256: str = ""
    size: int | None = None


class Sibling(msgspec.Struct, frozen=True):
    """A file of the repository."""

    rfilename: str
    size: int | None = None
    lfs: Lfs | None = None


class Gguf(msgspec.Struct, frozen=True):
    """What the hub read from a repository's GGUF files. `total` counts parameters."""

    total: int | None = None
    architecture: str | None = None
    context_length: int | None = None


class Repository(msgspec.Struct, frozen=True):
    """The hub's answer about a repository at one revision; `sha` is the commit. `private` was asked with the token."""

    id: str
    sha: str = ""
    gated: bool | str | None = False
    private: bool | None = False
    disabled: bool | None = False
    siblings: tuple[Sibling, ...] | None = None
    gguf: Gguf | None = None

    @property
    def paths(self) -> list[str]:
        """All files."""
        return [sibling.rfilename for sibling in self.siblings or ()]

    def size(self, path: str) -> int | None:
        """Bytes of a file."""
        for sibling in self.siblings or ():
            if sibling.rfilename == path:
                return sibling.lfs.size if sibling.lfs and sibling.lfs.size is not None else sibling.size
        return None

    def sha256(self, path: str) -> str:
        """The checksum of a large file; "" for one that is not stored as such."""
        return next((s.lfs.sha256 for s in self.siblings or () if s.rfilename == path and s.lfs), "")


def page(repository: str) -> str:
    """The repository's page, for people."""
    return f"{hosts.endpoint()}/{repository}"


def asked(
    request: Request, what: str, repository: str, cancelled: Callable[[], bool], patience: Patience
) -> tuple[Opened, bytes, bool]:
    """An answer of the hub: asked without the user's token first, with it where that is refused. True: it was needed.

    Raises:
        DownloadError: the refusal as a sentence.
    """
    if _offline():
        raise TemporaryFault("HF_HUB_OFFLINE is set, so that the hub is not asked: remove it to download models.")
    head, body = collected(request, cancelled, patience)
    secret = token() if head.status in (401, 403, 429) and hosts.gets_token(request.url) else None
    if secret:
        head, body = collected(msgspec.structs.replace(request, token=secret), cancelled, patience)
    if head.status >= 400:
        raise refusal(head.status, head.hub, what, repository, page(repository), secret is not None)
    return head, body, secret is not None


def read(reference: Reference, cancelled: Callable[[], bool], patience: Patience) -> Repository:
    """The repository as the hub describes it, its revision pinned to a commit.

    Raises:
        DownloadError: it does not exist, is private or disabled, or the answer makes no sense.
    """
    address = f"{hosts.endpoint()}/api/models/{reference.repository}/revision/{quote(reference.revision, safe='')}"
    request = Request(f"{address}?blobs=true", headers={"Accept": "application/json"})
    _, body, _ = patiently(
        lambda: asked(request, str(reference), reference.repository, cancelled, patience), cancelled, patience
    )
    try:
        found = msgspec.json.decode(body, type=Repository)
    except msgspec.DecodeError:
        raise DownloadError(_nonsense(reference.repository)) from None
    if not re.fullmatch(r"[0-9a-f]{40}", found.sha):
        raise DownloadError(_nonsense(reference.repository))
    if found.disabled:
        raise DownloadError(f"The hub has disabled {reference.repository}: choose another repository.")
    return found


def chosen(reference: Reference, repository: Repository) -> tuple[str, ...]:
    """The files of the model that is meant, in order.

    Raises:
        DownloadError: there is none, several, or a part is missing; the sentence names what there is.
    """
    models = quantization.models(repository.paths)
    if reference.file:
        return _complete(_containing(reference, repository, models))
    inside = [files for files in models if not reference.folder or files[0].startswith(f"{reference.folder}/")]
    wanted = (reference.quantization or quantization.DEFAULT).upper()
    fitting = [files for files in inside if quantization.quantization(files[0]) == wanted]
    if not fitting and not reference.quantization and len(inside) == 1:
        fitting = inside
    if len(fitting) == 1:
        return _complete(fitting[0])
    raise DownloadError(_not_one(reference, wanted, inside, fitting))


def _containing(reference: Reference, repository: Repository, models: list[tuple[str, ...]]) -> tuple[str, ...]:
    for files in models:
        if reference.file in files:
            return files
    if reference.file in repository.paths:
        return (reference.file,)
    from difflib import get_close_matches

    near = get_close_matches(reference.file, [path for files in models for path in files], 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else "it has no .gguf file."
    raise DownloadError(f"{reference.repository} has no file {reference.file}: {hint}")


def _complete(files: tuple[str, ...]) -> tuple[str, ...]:
    if not quantization.whole(files):
        raise DownloadError(f"{files[0]} is a part of a split model of which other parts are missing on the hub.")
    return files


def _not_one(reference: Reference, wanted: str, inside: list[tuple[str, ...]], fitting: list[tuple[str, ...]]) -> str:
    where = reference.repository + (f"/{reference.folder}" if reference.folder else "")
    if not inside:
        return f"{where} has no .gguf model: look for a repository whose name ends in GGUF."
    if fitting:
        some = " or ".join(files[0] for files in fitting[:4])
        return f"{where} has {len(fitting)} models with {wanted}: name the file, as in {reference.repository}/{some}."
    there = sorted({quantization.quantization(files[0]) for files in inside} - {""})
    if not there:
        return f"{where} has no {wanted}: name the file, as in {reference.repository}/{inside[0][0]}."
    return f"{where} has no {wanted}: write {reference.repository}:{there[0]}, or one of {', '.join(there)}."


def described(
    reference: Reference, repository: Repository, path: str, cancelled: Callable[[], bool], patience: Patience
) -> RemoteFile:
    """A file with the size and checksum that the hub vouches for, at the pinned commit.

    Raises:
        DownloadError: gated, gone, without a checksum, or the hub contradicts itself.
    """
    url = f"{hosts.endpoint()}/{reference.repository}/resolve/{repository.sha}/{quote(path)}"
    what = f"{reference.repository}/{path}"
    request = Request(url, "HEAD", stay=True)
    head, _, private = patiently(
        lambda: asked(request, what, reference.repository, cancelled, patience), cancelled, patience
    )
    checksum = _checksum(head.hub.get("x-linked-etag") or head.headers.get("etag", ""), repository.sha256(path))
    size = header(head.hub, "x-linked-size")
    if size is None and head.status == 200:
        size = header(head.headers, "content-length")
    size = size if size is not None else repository.size(path)
    commit = head.hub.get("x-repo-commit", repository.sha)
    if (
        not checksum
        or size is None
        or size <= 0
        or commit != repository.sha
        or repository.size(path) not in (None, size)
    ):
        raise DownloadError(f"The hub gives no clear size and checksum for {what}: try again later, or another file.")
    return RemoteFile(url, own_name(path), size, checksum, private=private)


def _offline() -> bool:
    """Hugging Face's own switch."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def _checksum(etag: str, announced: str) -> str:
    """The checksum of the file's head, where it agrees with that of the list; "" where there is none that agrees."""
    mark = etag.removeprefix("W/").strip('"').lower()
    if announced and announced.lower() != mark:
        return ""
    if re.fullmatch(r"[0-9a-f]{64}", mark):
        return f"sha256:{mark}"
    return f"git-sha1:{mark}" if re.fullmatch(r"[0-9a-f]{40}", mark) else ""


def _nonsense(repository: str) -> str:
    host = hosts.name(urlsplit(hosts.endpoint()))
    return f"What {host} says about {repository} cannot be understood: try again later."
