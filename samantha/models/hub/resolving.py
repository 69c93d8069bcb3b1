"""From what somebody pasted to files with a size and a checksum, before a run starts. Nothing is downloaded here."""

from collections.abc import Callable, Iterator

import msgspec

from samantha.errors import DownloadCancelled, DownloadError, HostNotConfirmed
from samantha.models.hub import elsewhere, quantization, references, repository
from samantha.models.hub.cache import Cache
from samantha.models.hub.downloads import Download, RemoteFile
from samantha.models.hub.faults import Patience, TemporaryFault

NEVER: Callable[[], bool] = lambda: False  # noqa: E731 - a value, not a function of its own


class Unusable(msgspec.Struct, frozen=True):
    """An item of a list that cannot be used, and why. `host` is what has to be confirmed first, if that is it."""

    asked: str
    problem: str
    host: str = ""


def resolve(
    text: str,
    cancelled: Callable[[], bool] = NEVER,
    patience: Patience | None = None,
    cache: Cache | None = None,
) -> Download:
    """What `text` (a link, or a name on the hub) means, pinned to a commit.

    Where the hub cannot be reached, what the same words meant last time is taken, if that is still there.

    Raises:
        HostNotConfirmed: it is on a host that the user has not confirmed.
        DownloadCancelled: `cancelled` said so.
        DownloadError: it cannot be used; one sentence says why.
    """
    named = references.parse(text)
    known = (cache or Cache()).remembered(text)
    patience = patience or Patience(attempts=2 if known else 4)
    try:
        if isinstance(named, references.Link):
            return _elsewhere(text, elsewhere.described(named, cancelled, patience))
        return _on_hub(text, named, cancelled, patience)
    except TemporaryFault:
        if known is None:
            raise
        return known


def _elsewhere(text: str, file: RemoteFile) -> Download:
    return Download(text, _title(file.name), (file,), quantization=quantization.quantization(file.name))


def _on_hub(text: str, named: references.Reference, cancelled: Callable[[], bool], patience: Patience) -> Download:
    found = repository.read(named, cancelled, patience)
    paths = repository.chosen(named, found)
    files = tuple(repository.described(named, found, path, cancelled, patience) for path in paths)
    return Download(
        text, _title(files[0].name), files, named.repository, found.sha, repository.page(named.repository),
        quantization.quantization(paths[0]),
    )  # fmt: skip


def resolve_list(
    text: str,
    cancelled: Callable[[], bool] = NEVER,
    patience: Patience | None = None,
    cache: Cache | None = None,
) -> Iterator[Download | Unusable]:
    """Each item of a pasted list, in order; a bad one does not hinder the others. The same item is asked for once.

    Raises:
        DownloadCancelled: `cancelled` said so.
    """
    known: dict[str, Download | Unusable] = {}
    for item in references.items(text):
        if item not in known:
            known[item] = _usable(item, cancelled, patience, cache)
        yield known[item]


def _usable(
    item: str, cancelled: Callable[[], bool], patience: Patience | None, cache: Cache | None
) -> Download | Unusable:
    try:
        return resolve(item, cancelled, patience, cache)
    except DownloadCancelled:
        raise
    except HostNotConfirmed as error:
        return Unusable(item, str(error), error.host)
    except DownloadError as error:
        return Unusable(item, str(error))


def _title(name: str) -> str:
    """The model's name for people: the file's, without the number of its part."""
    part = quantization.split(name)
    return part[0] if part else name[: -len(".gguf")]
