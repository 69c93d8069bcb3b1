"""Whom the program talks to: https only, the hub and its stores, and hosts that the user confirmed once.

`HF_ENDPOINT`, the ecosystem's own variable for a mirror, is honoured where it is https or on this very computer.
"""

import os
import re
from urllib.parse import SplitResult, urlsplit

import msgspec

from samantha import settings
from samantha.errors import DownloadError, HostNotConfirmed

HUB = "https://huggingface.co"
HUB_PAGES = ("huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co")
_STORES = (".huggingface.co", ".hf.co")
"""Where the hub's redirects lead: cdn-lfs*.huggingface.co, cdn-lfs*.hf.co, *.xethub.hf.co."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_USUAL_PORTS = {"https": 443, "http": 80}


def endpoint() -> str:
    """The hub's address, without a slash at its end.

    Raises:
        DownloadError: `HF_ENDPOINT` is neither https nor on this computer.
    """
    given = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    try:
        url = urlsplit(given)
        usable = bool(url.hostname) and allowed_scheme(url) and url.username is None and (url.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise DownloadError("HF_ENDPOINT is not the https address of a hub: correct it, or remove it.")
    return given


def allowed_scheme(url: SplitResult) -> bool:
    """https; plain http only on this computer, where HF_ENDPOINT itself says so."""
    if url.scheme == "https":
        return True
    try:
        own = urlsplit(os.environ.get("HF_ENDPOINT") or HUB)
    except ValueError:
        return False
    return url.scheme == own.scheme == "http" and url.hostname == own.hostname and own.hostname in _LOOPBACK


def is_hub_page(url: SplitResult) -> bool:
    """Whether it is a page of the hub (or of the mirror that stands for it)."""
    return (url.hostname in HUB_PAGES and url.port in (None, 443)) or origin(url) == origin(urlsplit(endpoint()))


def origin(url: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port."""
    return url.scheme, url.hostname or "", url.port or _USUAL_PORTS.get(url.scheme, 0)


def gets_token(address: str) -> bool:
    """Whether the user's token may be sent there: to the hub itself alone, and only over https."""
    url = urlsplit(address)
    return url.scheme == "https" and origin(url) == origin(urlsplit(endpoint()))


def name(url: SplitResult) -> str:
    """The host as it is confirmed and shown: ASCII, with a port that is not the usual one."""
    try:
        host = (url.hostname or "").rstrip(".").encode("idna").decode()
    except UnicodeError:
        host = ascii(url.hostname)
    usual = url.port in (None, _USUAL_PORTS.get(url.scheme))
    return host if usual else f"{host}:{url.port}"


def check(address: str) -> None:
    """Refuse an address that nothing may be fetched from.

    Raises:
        HostNotConfirmed: another host than the hub's.
        DownloadError: not https, or no address at all.
    """
    try:
        url = urlsplit(address)
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise DownloadError("A link leads to an address that cannot be read: nothing was fetched from it.") from None
    if not url.hostname or url.username is not None:
        raise DownloadError("A link leads to an address without a host or with a password: nothing was fetched.")
    if not allowed_scheme(url):
        raise DownloadError(f"A link leads to {name(url)} without https: nothing was fetched from it.")
    if not _known(url) and name(url) not in settings.load().download_hosts:
        raise HostNotConfirmed(name(url))


def confirm(host: str) -> None:
    """Remember that the user trusts `host` (a name, with a port where that is not 443)."""
    try:
        url = urlsplit(f"https://{host}")
        plain = re.fullmatch(r"[^\s/@?#\\]+", host) is not None
        valid = plain and bool(url.hostname) and url.netloc == host and (url.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise DownloadError(f"{host!r} is not the name of a host, as in example.org: give the name alone.")
    known = settings.load()
    if name(url) not in known.download_hosts:
        settings.save(msgspec.structs.replace(known, download_hosts=(*known.download_hosts, name(url))))


def _known(url: SplitResult) -> bool:
    own = urlsplit(endpoint())
    if url.hostname == own.hostname and (own.hostname in _LOOPBACK or origin(url) == origin(own)):
        return True
    host = (url.hostname or "").rstrip(".")
    return url.port in (None, 443) and (host in HUB_PAGES or host.endswith(_STORES))
