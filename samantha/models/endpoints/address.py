"""The addresses of models on servers, as chains name them: `http://127.0.0.1:8080/v1#model`, `kobold+http://…`.

Read without asking anybody. Whether a server is there, and what it is, is not known here.
"""

import ipaddress
import re
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec

from samantha import settings
from samantha.errors import EndpointError, EndpointNotConfirmed

Api = Literal["openai", "kobold"]
EXAMPLES = "`http://127.0.0.1:8080/v1#model` or `kobold+http://127.0.0.1:5001`"

_PREFIXES: dict[str, Api] = {"openai": "openai", "kobold": "kobold", "koboldcpp": "kobold"}
_USUAL_PORTS = {"http": 80, "https": 443}
_HUB = ("huggingface.co", "hf.co")
_VERSION = re.compile(r"v\d+[a-z0-9]*")
_CALLS = ("/chat/completions", "/completions", "/models")


class Address(msgspec.Struct, frozen=True):
    """A server and the API it is spoken to in. `base` ends without a slash; `model` is "" for the only one."""

    api: Api
    base: str
    model: str = ""

    def __str__(self) -> str:
        prefix = "kobold+" if self.api == "kobold" else "" if is_address(self.base) else "openai+"
        return f"{prefix}{self.base}" + (f"#{quote(self.model, safe='/:@+,')}" if self.model else "")

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a key belongs to."""
        return origin(self.base)

    @property
    def host(self) -> str:
        """The host, with a port that is not the usual one: what messages call the server."""
        return self.origin.partition("://")[2]

    @property
    def root(self) -> str:
        """Where a server's own routes begin: the base without `/v1` or what else ends it with a version."""
        head, _, last = self.base.rpartition("/")
        return head if _VERSION.fullmatch(last) and "//" not in last and head.count("/") >= 2 else self.base

    @property
    def on_this_computer(self) -> bool:
        """Whether nothing leaves the computer."""
        return is_loopback(urlsplit(self.base).hostname or "")


def is_address(text: str) -> bool:
    """Whether `text` is written like the address of a server, and not like a link to a file."""
    scheme, found, _ = text.partition("://")
    prefix, plus, inner = scheme.lower().rpartition("+")
    if plus:
        return bool(found) and prefix in _PREFIXES and inner in _USUAL_PORTS
    if not found or scheme.lower() not in _USUAL_PORTS:
        return False
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    host = (url.hostname or "").removeprefix("www.")
    if host in _HUB or url.path.lower().endswith(".gguf"):
        return False
    return url.path in ("", "/") or any(_VERSION.fullmatch(part) for part in url.path.split("/"))


def parse(text: str) -> Address:
    """The server and model that `text` names.

    Raises:
        EndpointError: it cannot be read, or holds what does not belong there.
    """
    if len(text) > 2000 or re.search(r"[\x00-\x20\x7f\\]", text):
        raise EndpointError(f"{shown(text)} holds spaces, backslashes or control characters: write {EXAMPLES}.")
    prefix, plus, rest = text.partition("+") if "+" in text.partition("://")[0] else ("", "", text)
    api = _PREFIXES.get(prefix.lower()) if plus else "openai"
    if api is None or not is_address(text):
        raise EndpointError(f"{shown(text)} is not the address of a server: write {EXAMPLES}.")
    url = _checked(rest, text)
    return Address(api, _base(url, api), unquote(url.fragment))


def confirm(origin_text: str) -> str:
    """Remember that prompts may go to this computer without https; its origin.

    Raises:
        EndpointError: not an address.
    """
    found = parse(origin_text).origin
    known = settings.load()
    if found not in known.endpoint_origins:
        settings.save(msgspec.structs.replace(known, endpoint_origins=(*known.endpoint_origins, found)))
    return found


def check(address: Address) -> None:
    """Refuse to send anything to another computer that the user has not agreed to: a chain may come from a stranger.

    What the user gave a name is agreed to, over https; without https it is confirmed by itself.

    Raises:
        EndpointNotConfirmed: it was not.
    """
    kept = settings.load()
    if address.on_this_computer or address.origin in kept.endpoint_origins:
        return
    named = any(parse(entry.address).origin == address.origin for entry in kept.endpoints.values())
    if not (named and address.base.startswith("https://")):
        raise EndpointNotConfirmed(address.origin)


def is_loopback(host: str) -> bool:
    """Whether the host is this computer by its very name."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url_text: str) -> str:
    """Scheme, host and port of a URL, the usual port left out."""
    url = urlsplit(url_text)
    host = (url.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    usual = url.port in (None, _USUAL_PORTS.get(url.scheme))
    return f"{url.scheme}://{host}" + ("" if usual else f":{url.port}")


def shown(text: str) -> str:
    """An address as it may be shown and logged: without user name, password and query, which may hold secrets."""
    plain = re.sub(r"[\x00-\x1f\x7f]", "?", text).split("?", 1)[0]
    plain = re.sub(r"(://)[^/]*@", r"\1", plain)
    return plain if len(plain) <= 160 else f"{plain[:157]}..."


def _checked(rest: str, text: str) -> SplitResult:
    try:
        url = urlsplit(rest)
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise EndpointError(f"{shown(text)} is no address: its host or port cannot be read.") from None
    if url.username is not None or url.password is not None or url.query:
        raise EndpointError(
            f"{shown(text)} carries a password or a ?query, which would be stored with the chain: leave it out, and"
            " give the key with `samantha endpoints key`."
        )
    if not url.hostname or url.port == 0:
        raise EndpointError(f"{shown(text)} names no server: write {EXAMPLES}.")
    return url


def _base(url: SplitResult, api: Api) -> str:
    path = url.path.rstrip("/")
    if api == "kobold":
        path = re.sub(r"/api(/v1|/extra|/latest)?$", "", path)
    else:
        for call in _CALLS:
            path = path.removesuffix(call)
        path = path or "/v1"
    return origin(url._replace(scheme=url.scheme.lower()).geturl()) + path
