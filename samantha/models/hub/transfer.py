"""One request for what is missing of a file; its answer is judged before a byte is written. Nothing is tried again."""

import contextlib
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from samantha.errors import DownloadError
from samantha.models import gguf
from samantha.models.hub import hosts, room
from samantha.models.hub.connection import Opened, Request, exchange, header
from samantha.models.hub.downloads import RemoteFile
from samantha.models.hub.elsewhere import mark
from samantha.models.hub.faults import Patience, TemporaryFault, refusal, retry_after
from samantha.models.hub.part import Part
from samantha.models.hub.token import token


def transfer(file: RemoteFile, part: Part, cancelled: Callable[[], bool], patience: Patience) -> Iterator[int]:
    """Fetch the rest of `part`; yields its length now and then, also while nothing comes.

    Raises:
        TemporaryFault: cut, or a problem of the server's; what has come stays.
        DownloadError: an answer that cannot be the file. DownloadCancelled: `cancelled` said so.
    """
    request = Request(file.url, headers=_range(file, part), token=token() if file.private else None)
    looked = part.length
    with contextlib.closing(exchange(request, cancelled, patience)) as answer:
        for item in answer:
            if isinstance(item, Opened):
                _judge(item, file, part)
            elif item:
                _write(item, file, part)
                if part.length - looked >= room.EVERY:
                    looked = part.length
                    room.check(part.path.parent, (file.size or part.length) - part.length, file.name)
            yield part.length
    if file.size is not None and part.length < file.size:
        raise TemporaryFault(f"The connection to {_host(file)} was cut: try again, it goes on from there.")


def _range(file: RemoteFile, part: Part) -> dict[str, str]:
    """Ask for the rest; without a checksum only where the server can say that the file is still the same."""
    if part.length and not file.checksum and not part.validator:
        part.restart()
    if not part.length:
        return {}
    wanted = {"Range": f"bytes={part.length}-"}
    return wanted | ({"If-Range": part.validator} if part.validator else {})


def _judge(head: Opened, file: RemoteFile, part: Part) -> None:
    """Go on, begin again, or refuse.

    Stores of one hub may mark the same bytes differently. Where the checksum will tell, a mark that does not fit is
    therefore no reason to throw gigabytes away: the rest is asked for once without it.
    """
    if head.status == 416:
        part.restart()
        raise TemporaryFault(f"{head.host} has no more bytes of {file.name} than are here: it is fetched anew.")
    if head.status not in (200, 206):
        raise _refused(head, file)
    _same_file(head, file)
    if head.status == 200:
        if part.length and part.validator and file.checksum:
            part.note("")
            raise TemporaryFault(f"{head.host} offers {file.name} from its beginning: asking once more for the rest.")
        part.restart()
        _check_length(header(head.headers, "content-length"), head, file)
    elif not _continues(head, file, part):
        part.restart()
        raise TemporaryFault(f"{head.host} sent another part of {file.name} than was asked for: it is fetched anew.")
    if (validator := mark(head.headers)) != part.validator or part.length == 0:
        part.note(validator)


def _refused(head: Opened, file: RemoteFile) -> DownloadError:
    if head.host != _host(file):
        said = f"{head.host} does not give out {file.name} (status {head.status}): try again later."
        return TemporaryFault(said, retry_after(head.headers))
    repository = re.match(r"/([^/]+/[^/]+)/resolve/", urlsplit(file.url).path)
    name = repository[1] if repository else ""
    page = f"{hosts.endpoint()}/{name}" if name else f"https://{head.host}"
    return refusal(head.status, head.headers, file.name, name, page, file.private)


def _same_file(head: Opened, file: RemoteFile) -> None:
    """The hub says again which bytes it gives out, and they must not be packed."""
    linked = head.hub.get("x-linked-etag", "").removeprefix("W/").strip('"').lower()
    if linked and file.checksum and linked != file.checksum.partition(":")[2]:
        raise DownloadError(f"The hub now gives out other bytes for {file.name} than it said before: look it up again.")
    if head.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise DownloadError(
            f"{head.host} sends {file.name} packed, though it was asked not to: nothing was kept of it."
        )


def _check_length(length: int | None, head: Opened, file: RemoteFile) -> None:
    if length is not None and file.size is not None and length != file.size:
        raise DownloadError(
            f"{head.host} sends {length} bytes as {file.name}, which has {file.size}: nothing was kept of it. Try again"
            " later, or look it up again."
        )


def _continues(head: Opened, file: RemoteFile, part: Part) -> bool:
    """Whether a 206 is exactly the rest of this very file."""
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", head.headers.get("content-range", "").strip())
    if not found or int(found[1]) != part.length:
        return False
    if found[3] != "*" and file.size is not None and int(found[3]) != file.size:
        return False
    return bool(file.checksum) or mark(head.headers) in ("", part.validator)


def _write(piece: bytes, file: RemoteFile, part: Part) -> None:
    if file.size is not None and part.length + len(piece) > file.size:
        part.restart()
        raise DownloadError(
            f"{_host(file)} sends more than the {file.size} bytes of {file.name}: nothing was kept of it."
        )
    before = part.length
    part.append(piece)
    if before < len(gguf.MAGIC) <= part.length and part.beginning(len(gguf.MAGIC)) != gguf.MAGIC:
        part.restart()
        raise DownloadError(
            f"{_host(file)} sends no GGUF file as {file.name}, but perhaps a web page: nothing was kept."
        )


def _host(file: RemoteFile) -> str:
    return hosts.name(urlsplit(file.url))
