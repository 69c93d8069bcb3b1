"""A .gguf file on a host that is not the hub. Nobody vouches for its bytes: length and form can be checked."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from samantha.models.hub import hosts
from samantha.models.hub.connection import Opened, Request, collected, header
from samantha.models.hub.downloads import RemoteFile
from samantha.models.hub.faults import Patience, refusal
from samantha.models.hub.naming import own_name
from samantha.models.hub.references import Link, shown
from samantha.models.hub.retrying import patiently


def described(link: Link, cancelled: Callable[[], bool], patience: Patience) -> RemoteFile:
    """The file behind the link, as its server describes it.

    Raises:
        HostNotConfirmed: the user has not confirmed its host, or the one that it redirects to.
        DownloadError: there is none.
    """
    hosts.check(link.url)
    head = patiently(lambda: _asked(link, cancelled, patience), cancelled, patience)
    name = own_name(unquote(urlsplit(link.url).path))
    return RemoteFile(link.url, name, header(head.headers, "content-length"), etag=mark(head.headers))


def mark(headers: dict[str, str]) -> str:
    """What tells these very bytes from others: a strong ETag, else the time of the last change, else ""."""
    etag = headers.get("etag", "").strip()
    if etag.startswith('"') and len(etag) < 500:
        return etag
    return headers.get("last-modified", "").strip()[:100]


def _asked(link: Link, cancelled: Callable[[], bool], patience: Patience) -> Opened:
    head, _ = collected(Request(link.url, "HEAD"), cancelled, patience)
    if head.status == 200:
        return head
    raise refusal(head.status, head.headers, shown(link.url), "", f"https://{hosts.name(urlsplit(link.url))}", False)
