"""One exchange with a server: redirects followed by our own rules, and every wait can be cancelled.

The request runs in a thread of its own, so that whoever reads can look up ten times a second and leave at once. The
user's token goes to the hub alone, on no redirect elsewhere. Nothing is logged. Retries are not here.
"""

import contextlib
import functools
import os
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import msgspec

from samantha import __version__
from samantha.errors import DownloadCancelled, DownloadError
from samantha.models import certificates
from samantha.models.hub import hosts
from samantha.models.hub.faults import Patience, TemporaryFault

if TYPE_CHECKING:
    import httpx

TICK = 0.1
"""Seconds between two looks at whether to go on."""

_HOPS = 6


class Opened(msgspec.Struct, frozen=True):
    """The head of an answer. `headers` are the last hop's, in lower case; `hub` holds those that the hub gave."""

    status: int
    headers: dict[str, str]
    hub: dict[str, str]
    host: str


Exchange = Generator["Opened | bytes | None", None, None]


class Request(msgspec.Struct, frozen=True):
    """What to ask for. With `stay`, a redirect that leaves the first server is an answer and not followed."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    token: str | None = None
    stay: bool = False


def exchange(request: Request, cancelled: Callable[[], bool], patience: Patience) -> Exchange:
    """The head of the answer, then its bytes as they come; None whenever nothing came for a moment.

    Closing the iterator closes the connection.

    Raises:
        TemporaryFault: no answer, or the connection was cut.
        DownloadError: an address that nothing is fetched from, or a certificate that is not valid.
        DownloadCancelled: `cancelled` said so.
    """
    line = _Line(request, patience)
    try:
        while True:
            if cancelled():
                raise cancellation()
            try:
                item = line.arrived.get(timeout=TICK)
            except queue.Empty:
                yield None
                continue
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        line.leave()


def cancellation() -> DownloadCancelled:
    """The error of every wait that was cancelled."""
    return DownloadCancelled("The download was cancelled: what has come is kept for the next time.")


_END = object()


class _Line:
    """The thread that talks to the server. At most 16 pieces wait to be read."""

    def __init__(self, request: Request, patience: Patience) -> None:
        self.arrived: queue.Queue[Any] = queue.Queue(16)
        self._request, self._patience = request, patience
        self._left = threading.Event()
        self._socket: socket.socket | None = None
        threading.Thread(target=self._run, name="download", daemon=True).start()

    def leave(self) -> None:
        """Nobody reads any more: wake the thread up wherever it waits."""
        self._left.set()
        if (connected := self._socket) is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            self._talk()
            self._give(_END)
        except _Left:
            pass
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            self._give(_understood(error, self._request.url, self._patience), last=True)

    def _talk(self) -> None:
        import httpx

        waits = httpx.Timeout(self._patience.silence, connect=self._patience.connect)
        with httpx.Client(verify=_certificates(), timeout=waits, follow_redirects=False) as client:
            response, hub = self._answer(client)
            try:
                head = dict(response.headers.items())
                self._give(Opened(response.status_code, head, hub, hosts.name(urlsplit(str(response.url)))))
                if self._request.method != "HEAD":  # as they come: of a cut connection nothing may be lost
                    for piece in response.iter_raw():
                        self._give(piece)
            finally:
                response.close()

    def _answer(self, client: "httpx.Client") -> "tuple[httpx.Response, dict[str, str]]":
        """The answer behind the redirects, each checked before it is followed."""
        url = self._request.url
        hub: dict[str, str] = {}
        for _ in range(_HOPS):
            response = self._send(client, url)
            if hosts.origin(urlsplit(url)) == hosts.origin(urlsplit(self._request.url)):
                hub.update(response.headers.items())
            if response.status_code not in (301, 302, 303, 307, 308) or "location" not in response.headers:
                return response, hub
            target = urljoin(url, response.headers["location"])
            if self._request.stay and hosts.origin(urlsplit(target)) != hosts.origin(urlsplit(self._request.url)):
                return response, hub
            response.close()
            url = target
        raise DownloadError(f"{hosts.name(urlsplit(url))} redirects in a circle: nothing was fetched from it.")

    def _send(self, client: "httpx.Client", url: str) -> "httpx.Response":
        hosts.check(url)
        headers = {"User-Agent": f"samantha/{__version__}", "Accept-Encoding": "identity", **self._request.headers}
        if self._request.token and hosts.gets_token(url):
            headers["Authorization"] = f"Bearer {self._request.token}"
        response = client.send(client.build_request(self._request.method, url, headers=headers), stream=True)
        stream = response.extensions.get("network_stream")
        self._socket = stream.get_extra_info("socket") if stream is not None else None
        if self._left.is_set():
            response.close()
            raise _Left
        return response

    def _give(self, item: object, last: bool = False) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self.arrived.put(item, timeout=TICK)
                return
        if not last:
            raise _Left


class _Left(Exception):
    """Nobody reads any more."""


@functools.lru_cache(4)
def _context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The certificates trusted here, for these settings. Made once: reading them takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _certificates() -> ssl.SSLContext:
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def _understood(error: BaseException, url: str, patience: Patience) -> BaseException:
    """An error of the network as a sentence. Addresses and headers stay out of it: they may hold secrets."""
    import httpx

    host = hosts.name(urlsplit(url))
    if certificates.untrusted(error):
        return DownloadError(
            f"The certificate of {host} (or of where it leads) is not trusted: nothing was fetched. Behind a company's"
            " proxy, name its certificates in SSL_CERT_FILE."
        )
    if isinstance(error, httpx.TimeoutException):
        return TemporaryFault(f"{host} has not answered for {patience.silence:.0f} s: check the connection, try again.")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return TemporaryFault(f"{host} cannot be reached: check the internet connection and try again.")
    if isinstance(error, httpx.TransportError | OSError) and not isinstance(error, httpx.UnsupportedProtocol):
        return TemporaryFault(f"The connection to {host} was cut: try again, it goes on from there.")
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
        return DownloadError(f"{host} leads to an address that cannot be used: nothing was fetched from it.")
    return error


def collected(
    request: Request, cancelled: Callable[[], bool], patience: Patience, most: int = 1 << 25
) -> tuple[Opened, bytes]:
    """A whole small answer.

    Raises:
        DownloadError: it is longer than `most` bytes; see also `exchange`.
        TemporaryFault: it took too long.
    """
    from time import monotonic

    started, head, body = monotonic(), None, bytearray()
    with contextlib.closing(exchange(request, cancelled, patience)) as answer:
        for item in answer:
            if isinstance(item, Opened):
                head = item
            elif item is not None:
                body += item
            if len(body) > most:
                raise DownloadError(f"{hosts.name(urlsplit(request.url))} answers without end: nothing was fetched.")
            if monotonic() - started > patience.answer:
                raise TemporaryFault(f"{hosts.name(urlsplit(request.url))} answers too slowly: try again later.")
    if head is None:
        raise TemporaryFault(f"{hosts.name(urlsplit(request.url))} gave no answer: try again later.")
    return head, bytes(body)


def header(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a whole number of bytes, or None."""
    value = headers.get(name, "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
