"""A hub on this computer: API, `resolve` with the hub's headers, a store that it redirects to, and faults on demand.

Real sockets, optionally TLS. The hub is reached as `localhost`; what is reached as `127.0.0.1` is another host to the
program. Each request to the store takes the next of `faults` (None: behave), each to the hub the next of `hub_faults`.
"""

import hashlib
import json
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

CERTIFICATE = Path(__file__).with_name("localhost.pem")
COMMIT = "a" * 40
TOKEN = "hf_secretOfTheTests"

Fault = Callable[["Handler", bytes], None]


@dataclass
class Repo:
    files: dict[str, bytes]
    gated: bool = False
    private: bool = False
    disabled: bool = False
    commit: str = COMMIT
    refuses_token: bool = False
    plain_git: bool = False
    """Files lie in git itself and not in its large file storage."""
    extra: dict[str, object] = field(default_factory=dict)


@dataclass
class Seen:
    role: str
    method: str
    path: str
    headers: dict[str, str]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Listener"

    def log_message(self, *args: object) -> None:
        """The tests read `seen` instead."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server.hub
        hub.seen.append(
            Seen(self.server.role, self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        )
        faults = hub.faults if self.server.role == "store" else hub.hub_faults
        fault = faults.popleft() if faults else None
        try:
            if self.server.role == "store":
                self._store(fault)
            elif fault:
                fault(self, b"")
            else:
                self._hub()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    # the hub

    def _hub(self) -> None:
        path = urlsplit(self.path).path
        if path == "/api/models":
            return self.answer_json(self.server.hub.found(parse_qs(urlsplit(self.path).query)))
        if api := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            return self._model(api[1], unquote(api[2] or "main"))
        if file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(file[1], unquote(file[2]), unquote(file[3]))
        return self.answer(404, {"X-Error-Code": "EntryNotFound"})

    def _model(self, name: str, revision: str) -> None:
        name = self.server.hub.renamed.get(name, name)
        repo = self.server.hub.repos.get(name)
        if repo is None or (repo.private and not self._known(repo)):
            return self.answer(401 if not self._known(None) else 404, {"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", repo.commit, "refs/pr/1"):
            return self.answer(404, {"X-Error-Code": "RevisionNotFound"})
        siblings = [self._sibling(repo, path, content) for path, content in repo.files.items()]
        return self.answer_json(
            {"id": name, "sha": repo.commit, "gated": "manual" if repo.gated else False, "private": repo.private,
             "disabled": repo.disabled, "siblings": siblings, "unknown": {"to": "us"}, **repo.extra}
        )  # fmt: skip

    def _sibling(self, repo: Repo, path: str, content: bytes) -> dict[str, object]:
        row: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": "b" * 40}
        if not repo.plain_git and path.endswith(".gguf"):
            row["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 135}
        return row

    def _resolve(self, name: str, revision: str, path: str) -> None:
        hub = self.server.hub
        if name in hub.renamed:
            target = f"/{hub.renamed[name]}/resolve/{revision}/{path}"
            return self.answer(307, {"Location": target})
        repo = hub.repos.get(name)
        if repo is None or (repo.private and not self._known(repo)):
            return self.answer(401, {"X-Error-Code": "RepoNotFound"})
        if path not in repo.files or revision != repo.commit:
            return self.answer(404, {"X-Error-Code": "EntryNotFound"})
        if repo.gated and not self._known(repo):
            return self.answer(403 if self._known(None) else 401, {"X-Error-Code": "GatedRepo"})
        content = repo.files[path]
        head = {"X-Repo-Commit": repo.commit, "Accept-Ranges": "bytes"}
        if repo.plain_git:
            etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            return self.send_file(content, head | {"ETag": f'"{etag}"'})
        head |= {
            "X-Linked-Etag": f'"{hub.linked.get(path) or hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
            "Location": hub.redirect or f"{hub.store_url}/{name}/{path}?Signature=secretOfTheStore",
        }
        return self.answer(302, head, b"Found. Redirecting")

    def _known(self, repo: Repo | None) -> bool:
        given = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        return given and not (repo and repo.refuses_token)

    # the store

    def _store(self, fault: Fault | None) -> None:
        path = unquote(urlsplit(self.path).path)[1:]
        content = self.server.hub.content(path)
        if content is None:
            return self.answer(404)
        if fault:
            return fault(self, content)
        return self.send_file(content, {"ETag": self.server.hub.etag(content), **self.server.hub.store_headers})

    # answers

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, value: object) -> None:
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def start_of(self, content: bytes) -> int:
        """Where the asked range begins; 0 where the whole is asked for, or If-Range names other bytes."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not asked or (condition and condition != self.server.hub.etag(content)):
            return 0
        return int(asked[1])

    def send_file(self, content: bytes, headers: dict[str, str]) -> None:
        start = self.start_of(content)
        if start >= len(content) > 0 and start:
            return self.answer(416, {"Content-Range": f"bytes */{len(content)}"})
        if start:
            headers = headers | {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self.answer(206 if start else 200, headers, content[start:])

    def begin(self, content: bytes, length: int | None, status: int | None = None, **headers: str) -> int:
        """The head of an answer as it should be, but with `length`; gives back where its body begins."""
        start = self.start_of(content)
        self.send_response(status or (206 if start else 200))
        self.send_header("ETag", self.server.hub.etag(content))
        if start and status is None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        return start

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: "HubServer", role: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.role = hub, role
        if hub.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are what the tests are about."""


class HubServer:
    def __init__(self, tls: bool = False) -> None:
        self.tls = tls
        self.repos: dict[str, Repo] = {}
        self.renamed: dict[str, str] = {}
        self.linked: dict[str, str] = {}
        self.redirect = ""
        self.store_headers: dict[str, str] = {}
        self.etag_of: Callable[[bytes], str] | None = None
        self.faults: deque[Fault | None] = deque()
        self.hub_faults: deque[Fault | None] = deque()
        self.seen: list[Seen] = []
        self._listeners = {role: Listener(self, role) for role in ("hub", "store", "foreign")}

    def url(self, role: str, host: str = "localhost") -> str:
        return f"http{'s' if self.tls else ''}://{host}:{self._listeners[role].server_address[1]}"

    @property
    def endpoint(self) -> str:
        return self.url("hub")

    @property
    def store_url(self) -> str:
        return self.url("store")

    def add(self, name: str, files: dict[str, bytes], **settings: object) -> Repo:
        self.repos[name] = Repo(files, **settings)  # type: ignore[arg-type]
        return self.repos[name]

    def content(self, path: str) -> bytes | None:
        user, name, file = path.split("/", 2)
        repo = self.repos.get(f"{user}/{name}")
        return repo.files.get(file) if repo else None

    def etag(self, content: bytes) -> str:
        return self.etag_of(content) if self.etag_of else f'"{hashlib.md5(content).hexdigest()}"'

    def found(self, query: dict[str, list[str]]) -> list[dict[str, object]]:
        words = query.get("search", [""])[0].lower().split()
        return [
            {"id": name, "downloads": 5, "likes": 2, "lastModified": "2026-01-02T03:04:05.000Z", "gated": repo.gated,
             "siblings": [{"rfilename": path} for path in repo.files], **repo.extra}
            for name, repo in self.repos.items() if all(word in name.lower() for word in words)
        ]  # fmt: skip

    def asked(self, role: str, method: str = "GET") -> list[Seen]:
        return [seen for seen in self.seen if seen.role == role and seen.method == method]

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.shutdown()
            listener.server_close()
