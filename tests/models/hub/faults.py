"""What a store can do wrong with one request. Each is a `Fault` for `HubServer.faults`."""

import contextlib
import gzip
import socket
import threading
import time

from tests.models.hub.hub_server import Fault, Handler

PAGE = b"<!DOCTYPE html><html><body>Please sign in to this network</body></html>"


def cut(count: int) -> Fault:
    """The whole is announced; after `count` bytes the connection ends."""

    def fault(handler: Handler, content: bytes) -> None:
        start = handler.start_of(content)
        handler.begin(content, len(content) - start)
        handler.wfile.write(content[start : start + count])
        handler.hang_up()

    return fault


def cut_head(handler: Handler, content: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    handler.hang_up()


def reset(handler: Handler, content: bytes) -> None:
    """The connection is reset in the middle, not closed."""
    start = handler.begin(content, len(content))
    handler.wfile.write(content[start : start + 1000])
    handler.wfile.flush()
    with contextlib.suppress(OSError):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.close()
    handler.close_connection = True


def status(code: int, **headers: str) -> Fault:
    return lambda handler, content: handler.answer(code, {k.replace("_", "-"): v for k, v in headers.items()}, b"no")


def flipped(at: int) -> Fault:
    """One bit is another; everything else is as it should be."""

    def fault(handler: Handler, content: bytes) -> None:
        other = bytearray(content)
        other[at] ^= 1
        start = handler.begin(content, len(content) - handler.start_of(content))
        handler.wfile.write(bytes(other[start:]))

    return fault


def longer(handler: Handler, content: bytes) -> None:
    handler.begin(content, len(content) + 1000)
    handler.wfile.write(content + bytes(1000))


def shorter(handler: Handler, content: bytes) -> None:
    handler.begin(content, len(content) - 1000)
    handler.wfile.write(content[:-1000])


def no_length(handler: Handler, content: bytes) -> None:
    start = handler.begin(content, None)
    handler.wfile.write(content[start:])


def no_length_cut(handler: Handler, content: bytes) -> None:
    """Without a length, an end looks like the end."""
    start = handler.begin(content, None)
    handler.wfile.write(content[start : (start + len(content)) // 2])


def endless(handler: Handler, content: bytes) -> None:
    handler.begin(content, None)
    handler.wfile.write(content)
    while True:
        handler.wfile.write(bytes(1 << 16))


def whole_again(handler: Handler, content: bytes) -> None:
    """A 200 with everything, whatever range was asked for."""
    handler.begin(content, len(content), status=200)
    handler.wfile.write(content)


def other_range(handler: Handler, content: bytes) -> None:
    """A 206, but from the wrong place."""
    headers = {"Content_Range": f"bytes 0-{len(content) - 1}/{len(content)}"}
    handler.begin(content, len(content), status=206, **headers)
    handler.wfile.write(content)


def rangeless(handler: Handler, content: bytes) -> None:
    """A 206 that does not say which range."""
    handler.begin(content, len(content), status=206)
    handler.wfile.write(content)


def other_total(handler: Handler, content: bytes) -> None:
    start = handler.start_of(content)
    headers = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content) + 5}"}
    handler.begin(content, len(content) - start, status=206, **headers)
    handler.wfile.write(content[start:])


def page(handler: Handler, content: bytes) -> None:
    handler.answer(200, {"Content-Type": "text/html"}, PAGE)


def page_of_that_length(handler: Handler, content: bytes) -> None:
    handler.answer(200, {"Content-Type": "text/html"}, PAGE.ljust(len(content), b" "))


def packed(handler: Handler, content: bytes) -> None:
    handler.answer(200, {"Content-Encoding": "gzip"}, gzip.compress(content))


def garbage(handler: Handler, content: bytes) -> None:
    handler.wfile.write(b"\x16\x03\x01 this is no HTTP \r\n\r\n" * 50)
    handler.hang_up()


def silent(handler: Handler, content: bytes) -> None:
    """Nothing comes any more, and the connection stays open."""
    start = handler.begin(content, len(content) - handler.start_of(content))
    handler.wfile.write(content[start : start + 5000])
    handler.wfile.flush()
    time.sleep(30)


def mute(handler: Handler, content: bytes) -> None:
    """No answer at all."""
    time.sleep(5)
    handler.hang_up()


def moved(url: str) -> Fault:
    return lambda handler, content: handler.answer(302, {"Location": url})


class Slow:
    """Sends a little at a time, until `go` is set: then the rest."""

    def __init__(self, piece: int = 2000) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self._piece = piece

    def __call__(self, handler: Handler, content: bytes) -> None:
        at = handler.begin(content, len(content) - handler.start_of(content))
        while at < len(content):
            handler.wfile.write(content[at : at + self._piece])
            handler.wfile.flush()
            at += self._piece
            self.begun.set()
            if not self.go.is_set():
                self.go.wait(0.05)
