"""One request to a server, in a thread that can be left at any moment. It knows no API and tries nothing twice.

A key is sent to the server's own origin alone: a redirect that leads elsewhere is not followed.
"""

import contextlib
import functools
import os
import queue
import re
import socket
import ssl
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any
from urllib.parse import urljoin

import msgspec

from samantha import __version__
from samantha.errors import EndpointError
from samantha.models import certificates
from samantha.models.endpoints import address, keys
from samantha.models.endpoints.address import Address
from samantha.models.endpoints.faults import Patience, TemporaryFault

TICK = 0.05
"""Seconds between two looks at whether to go on."""

MOST_OF_AN_ERROR = 1 << 16
_HOPS = 4
_MOVED = (301, 302, 303, 307, 308)


class Opened(msgspec.Struct, frozen=True):
    """The head of an answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]

    @property
    def media(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Closed(msgspec.Struct, frozen=True):
    """The end of an answer: None when it is complete, else why it is not."""

    error: BaseException | None = None


class Call(msgspec.Struct, frozen=True):
    """What to ask. `url` is absolute; `body` becomes JSON, and the request then is a POST."""

    url: str
    body: dict[str, Any] | None = None
    key: str = ""
    stream: bool = False


class Line:
    """The thread that talks to the server. What arrives is put into `arrived` as (this line, item).

    Items are an `Opened`, bytes, and one `Closed` as the last.
    """

    def __init__(self, call: Call, patience: Patience, arrived: "queue.Queue[tuple[Line, Any]]") -> None:
        self._call, self._patience, self._arrived = call, patience, arrived
        self._left = threading.Event()
        self._socket: socket.socket | None = None
        threading.Thread(target=self._run, name="endpoint", daemon=True).start()

    def leave(self) -> None:
        """Nobody reads any more: the connection is closed, wherever the thread waits."""
        self._left.set()
        self._shut()

    def _shut(self) -> None:
        if (connected := self._socket) is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            self._talk()
            self._give(Closed())
        except _Left:
            pass
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            with contextlib.suppress(_Left):
                self._give(Closed(_understood(error, self._call.url, self._patience)))

    def _talk(self) -> None:
        import httpx

        here = address.is_loopback(httpx.URL(self._call.url).host)
        waits = httpx.Timeout(None, connect=self._patience.connect, write=self._patience.answer)
        verify = _certificates() if self._call.url.startswith("https:") else False
        # A proxy of the environment must not see what stays on this computer.
        with httpx.Client(verify=verify, timeout=waits, follow_redirects=False, trust_env=not here) as client:
            response = self._answer(client)
            try:
                headers = {name.lower(): text for name, text in response.headers.items()}
                self._give(Opened(response.status_code, headers))
                for piece in response.iter_bytes():
                    self._give(piece)
            finally:
                response.close()

    def _answer(self, client: Any) -> Any:
        """The answer, behind redirects within the server."""
        url = self._call.url
        for _ in range(_HOPS):
            response = self._send(client, url)
            if response.status_code not in _MOVED or "location" not in response.headers:
                return response
            target = urljoin(url, response.headers["location"])
            response.close()
            _check_redirect(url, target, response.status_code, self._call.body is not None)
            url = target
        raise EndpointError(f"{_host(url)} redirects in a circle: check its address.")

    def _send(self, client: Any, url: str) -> Any:
        headers = {"User-Agent": f"samantha/{__version__}", "Accept-Encoding": "identity"}
        headers["Accept"] = "text/event-stream, application/json" if self._call.stream else "application/json"
        if self._call.key:
            headers["Authorization"] = f"Bearer {self._call.key}"
        content = None if self._call.body is None else msgspec.json.encode(self._call.body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        method, extensions = "GET" if content is None else "POST", {"trace": self._watch}
        request = client.build_request(method, url, content=content, headers=headers, extensions=extensions)
        return client.send(request, stream=True)

    def _watch(self, name: str, info: dict[str, Any]) -> None:
        """Keeps the socket from the moment it is connected, so that `leave` works before an answer begins."""
        if name in ("connection.connect_tcp.complete", "proxy.connect_tcp.complete") and self._socket is None:
            self._socket = info["return_value"].get_extra_info("socket")
        if self._left.is_set():
            self._shut()

    def _give(self, item: object) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._arrived.put((self, item), timeout=TICK)
                return
        raise _Left


class _Left(Exception):
    """Nobody reads any more."""


def ask(call: Call, cancelled: Callable[[], bool], patience: Patience, most: int = 1 << 24) -> tuple[Opened, bytes]:
    """A whole small answer, whatever its status.

    Raises:
        TemporaryFault: no answer, or too slow a one.
        EndpointError: cancelled, or longer than `most` bytes.
    """
    arrived: queue.Queue[tuple[Line, Any]] = queue.Queue(64)
    line = Line(call, patience, arrived)
    head, body, end = None, bytearray(), monotonic() + patience.answer
    try:
        while True:
            item = _next(arrived, cancelled, end, call.url, patience)
            if isinstance(item, Opened):
                head = item
            elif isinstance(item, Closed):
                if item.error:
                    raise item.error
                break
            else:
                body += item
            if len(body) > most:
                raise EndpointError(f"{_host(call.url)} answers without end: check its address.")
    finally:
        line.leave()
    assert head is not None
    return head, bytes(body)


def _next(arrived: Any, cancelled: Callable[[], bool], end: float, url: str, patience: Patience) -> Any:
    while True:
        if cancelled():
            raise EndpointError(f"Asking {_host(url)} was cancelled.")
        if monotonic() > end:
            raise TemporaryFault(f"{_host(url)} has not answered within {patience.answer:.0f} s: try again later.")
        with contextlib.suppress(queue.Empty):
            return arrived.get(timeout=TICK)[1]


def hidden(error: BaseException, key: str) -> BaseException:
    """The error, without the key where a server repeated it."""
    if key and any(isinstance(argument, str) and key in argument for argument in error.args):
        error.args = tuple(keys.without(text, key) if isinstance(text, str) else text for text in error.args)
    return error


def reading(media: Opened, body: bytes, at: Address) -> Any:
    """A JSON answer.

    Raises:
        EndpointError: it is none.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        kind = media.media or "something without a type"
        raise EndpointError(
            f"{at.host} answers with {kind} that is no JSON: is {at.base} the address of its API?"
        ) from None


def _check_redirect(url: str, target: str, status: int, posting: bool) -> None:
    if address.origin(target) != address.origin(url):
        raise EndpointError(
            f"{_host(url)} redirects to {address.origin(target)}: nothing was sent there. If you trust it, use that"
            " address in its place."
        )
    if posting and status not in (307, 308):
        raise EndpointError(f"{_host(url)} redirects a request so that it is lost ({status}): check its address.")


def _host(url: str) -> str:
    return address.origin(url).partition("://")[2]


@functools.lru_cache(4)
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The certificates trusted here. Made once: reading them takes longer than a request."""
    import certifi

    context = ssl.create_default_context(cafile=file or None, capath=folder or None)
    if not file and not folder:
        context.load_verify_locations(certifi.where())
    return context


def _certificates() -> ssl.SSLContext:
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def _understood(error: BaseException, url: str, patience: Patience) -> BaseException:
    """An error of the network as a sentence. Headers stay out of it: they hold the key."""
    import httpx

    host = _host(url)
    if certificates.untrusted(error):
        return EndpointError(
            f"The certificate of {host} is not trusted: nothing was sent. For a server with a certificate of its own,"
            " name it in SSL_CERT_FILE."
        )
    if isinstance(error, httpx.ConnectTimeout):
        return TemporaryFault(f"{host} has not answered for {patience.connect:.0f} s: is it switched on?")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return TemporaryFault(f"{host} cannot be reached: is the server running there?")
    nonsense = isinstance(error, httpx.RemoteProtocolError) and not re.search("disconnected|closed", str(error))
    if isinstance(error, httpx.TransportError) and not nonsense and not isinstance(error, httpx.UnsupportedProtocol):
        return TemporaryFault(f"The connection to {host} was cut: try again.")
    if isinstance(error, OSError):
        return TemporaryFault(f"The connection to {host} was cut ({error.strerror or 'no reason given'}): try again.")
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL | ValueError):
        return EndpointError(f"{host} answers with something that is no HTTP: check its address.")
    return error
