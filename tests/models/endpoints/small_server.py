"""A small server on loopback whose answers a test writes: it misbehaves, or speaks as a program that is not here."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Exchange:
    """One request and the ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        self._handler = handler
        self.seen = seen

    @property
    def body(self) -> Any:
        return self.seen.body

    def head(self, status: int = 200, media: str = "text/event-stream", **headers: str) -> None:
        self._handler.send_response(status)
        if media:
            self._handler.send_header("Content-Type", media)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def json(self, answer: Any, status: int = 200, **headers: str) -> None:
        content = json.dumps(answer).encode()
        self.head(status, "application/json", Content_Length=str(len(content)), **headers)
        self._handler.wfile.write(content)

    def write(self, content: bytes) -> None:
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def event(self, data: Any, name: str = "") -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.write((f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode())

    def text(self, *pieces: str, end: str | None = "stop", usage: dict[str, int] | None = None) -> None:
        """A streamed answer of chat completions."""
        self.head()
        for piece in pieces:
            self.event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        if end:
            self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": end}]})
        if usage:
            self.event({"choices": [], "usage": usage})
        self.event("[DONE]")

    def left(self) -> bool:
        """Waits until the client has closed the connection; whether it did within 10 s."""
        self._handler.connection.settimeout(10)
        try:
            return self._handler.connection.recv(1) == b""
        except (TimeoutError, OSError) as error:
            return not isinstance(error, TimeoutError)

    def cut(self) -> None:
        """Break the connection off."""
        import socket
        import struct

        linger = struct.pack("ii", 1, 0)  # a reset instead of an orderly end
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.connection.close()


Answering = Callable[[Exchange], None]

MODELS = {"object": "list", "data": [{"id": "small", "object": "model", "owned_by": "someone"}]}


class SmallServer:
    """Answers by path; `seen` holds what was asked."""

    def __init__(self, certificate: Path | None = None) -> None:
        """With a certificate (a file that holds its key too) it speaks https."""
        self.routes: dict[str, Answering] = {"/v1/models": lambda exchange: exchange.json(MODELS)}
        self.seen: list[Seen] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                content = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, json.loads(content) if content else None)
                outer.seen.append(seen)
                exchange = Exchange(self, seen)
                route = outer.routes.get(self.path)
                if route is None:
                    exchange.json({"error": {"message": f"no route {self.path}"}}, 404)
                else:
                    route(exchange)

            do_GET = _answer  # noqa: N815
            do_POST = _answer  # noqa: N815

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # the client went away, which is what many tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.origin = f"https://localhost:{self._server.server_port}"
        self.host = self.origin.partition("://")[2]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def base(self) -> str:
        return f"{self.origin}/v1"

    def chat(self, *answers: Answering) -> None:
        """Answers chat completions one after the other; the last one again and again."""
        self.routes["/v1/chat/completions"] = in_turn(answers)

    def asked(self, path: str = "/v1/chat/completions") -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def in_turn(answers: tuple[Answering, ...]) -> Answering:
    lock = threading.Lock()
    left = list(answers)

    def answer(exchange: Exchange) -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(exchange)

    return answer


@contextmanager
def small_server() -> Iterator[SmallServer]:
    server = SmallServer()
    try:
        yield server
    finally:
        server.close()
