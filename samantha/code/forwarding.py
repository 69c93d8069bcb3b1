"""A server inside a sandbox made reachable: an address of its own on this computer, each connection passed on.

The sandbox has no network; a connection is lent by the server inside it, one at a time. Nothing is read or changed on
the way.
"""

import contextlib
import secrets
import socket
import sys
import threading
from collections.abc import Callable

Connect = Callable[[int], socket.socket]
"""Gives a connection to a port inside. Raises OSError."""

CHUNK = 1 << 16


class Forwarder:
    """Listens for one port of a sandbox until it is closed.

    Where the system has more loopback addresses than one, each server gets its own: cookies know addresses, not ports,
    and the page's must never be sent to a server that a model wrote.
    """

    def __init__(self, connect: Connect, port: int) -> None:
        """Listen.

        Raises:
            OSError: no address could be had.
        """
        self._connect = connect
        self._port = port
        self._listener = _listener(port)
        host, chosen = self._listener.getsockname()[:2]
        self.url = f"http://{'localhost' if host == '::1' else host}:{chosen}/"
        threading.Thread(target=self._accept, name="server of the code", daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(visitor,), name="visitor", daemon=True).start()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor:
            try:
                inside = self._connect(self._port)
            except OSError:
                return
            with inside:
                back = threading.Thread(target=_pass_on, args=(inside, visitor), name="answers", daemon=True)
                back.start()
                _pass_on(visitor, inside)
                back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Bytes from one to the other until the end, which is passed on too."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _listener(port: int) -> socket.socket:
    """A listening socket, with the same port number where it is free."""
    if sys.platform in ("linux", "win32"):
        address = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"
        try:
            return socket.create_server((address, port if port >= 1024 else 0))
        except OSError:  # somebody has it at every address
            return socket.create_server((address, 0))
    return socket.create_server(("::1", 0), family=socket.AF_INET6)
