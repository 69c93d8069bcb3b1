"""The page's door: an ASGI middleware around everything the server answers. It knows no Gradio component and no run.

A request passes only if its Host is one of ours, no proxy header says otherwise, its Origin (where there is one) is
ours, it does not come from another site (Sec-Fetch-Site) unless it is a plain visit, its path is one the page uses, and
it carries the cookie of this launch. `GET /?token=…` is exchanged for that cookie, which no script can read, and the
token leaves the address. Every answer carries headers that let the page load from, and send to, this server alone.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "samantha"
LARGEST_BODY = 8 * 2**20
"""Bytes of a request's body; chain files and prompts are far smaller."""

EXACT_PATHS = frozenset(
    {
        "/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/gradio_api/queue/join",
        "/gradio_api/queue/data", "/gradio_api/upload", "/gradio_api/upload_progress", "/gradio_api/component_server",
        "/gradio_api/component_server/", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/startup-events",
    }
)  # fmt: skip
PATH_BEGINNINGS = ("/assets/", "/static/", "/gradio_api/heartbeat/", "/samantha/")
"""All that the page uses. Whatever else Gradio offers (docs, proxy, files, monitoring, code editing) is not there."""

_PROXIED = (b"x-forwarded-host", b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; manifest-src 'self';"
    " worker-src 'none'; frame-src 'self';"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Gradio compiles its HTML components' templates, which are ours alone, with `Function`: hence 'unsafe-eval'. No inline
script or handler runs but those of Gradio's own page, which are named by their hash."""

FRAMES = "/samantha/code/shown/"
"""Where pages that code made are answered: the only ones that the page may frame."""

FRAME_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:;"
    " style-src 'unsafe-inline'; img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'"
)
"""Scripts run, without an origin: they read nothing of ours, and load from and send to nowhere."""

_FRAME_HEADERS = [
    (b"x-frame-options", b"SAMEORIGIN"),
    # The policy alone leaves look-ups of names and WebRTC open; browsers that know this header close them too.
    (b"connection-allowlist", b"()"),
    (b"x-dns-prefetch-control", b"off"),
]

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]

_GATE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Samantha</title>
<style>body{{font:16px/1.6 system-ui,sans-serif;max-width:34em;margin:18vh auto;padding:0 1.5em;color:#1d2429}}
@media(prefers-color-scheme:dark){{body{{background:#14191c;color:#dfe6ea}}}}
code{{background:#8882;padding:.1em .4em;border-radius:4px}}</style>
<h1>This page needs its key</h1>
<p>Only the one who started Samantha may use it. Open the address that the terminal shows, the one that ends with
<code>?token=…</code>. To get a new one, end Samantha there with Ctrl-C and start it again.</p>
<p lang="pt">Esta página precisa da sua chave. Abra o endereço mostrado no terminal, o que termina com
<code>?token=…</code>. Para obter outro, encerre a Samantha ali com Ctrl-C e inicie de novo.</p></html>"""


def new_token() -> str:
    """A token for one launch: 256 bits, as text that fits an address."""
    return secrets.token_urlsafe(32)


class Guard:
    """Wraps an ASGI app listening on 127.0.0.1:`port`; `token` is the launch's."""

    def __init__(self, app: App, port: int, token: str) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._cookie = f"{COOKIE}-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, exchange its token, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _Headers(scope["headers"])
        refusal = self._foreign(scope, headers)
        if refusal:
            await _answer(send, 403, refusal)
        elif scope["path"] == "/" and scope["method"] == "GET" and b"token=" in scope["query_string"]:
            await self._exchange(scope, send)
        elif not self._known(headers):
            body = _GATE.format() if scope["path"] == "/" else "This needs the page's key: open the printed address."
            await _answer(send, 401, body, "text/html" if scope["path"] == "/" else "text/plain")
        elif not _served(scope):
            await _answer(send, 404, "There is nothing here.")
        elif headers.length() > LARGEST_BODY:
            await _answer(send, 413, f"At most {LARGEST_BODY // 2**20} MiB may be sent at once.")
        else:
            framed = scope["path"].startswith(FRAMES)
            outgoing = _framed(send) if framed else _Outgoing(send)
            await self._app(_uncompressed(scope), _limited(receive), outgoing)

    def _foreign(self, scope: Scope, headers: "_Headers") -> str:
        """Why the request does not come from our own page, or nothing."""
        if headers.all(b"host") not in [[host] for host in self._hosts]:
            return "This server answers only to its own address."
        if any(name in headers for name in _PROXIED):
            return "This server is not used through a proxy."
        origins = headers.all(b"origin")
        if origins and (len(origins) > 1 or origins[0] not in self._origins):
            return "This request comes from another page."
        sites = headers.all(b"sec-fetch-site")
        visit = scope["method"] == "GET" and scope["path"] == "/" and headers.all(b"sec-fetch-mode") == ["navigate"]
        if sites and sites not in (["same-origin"], ["none"]) and not visit:
            return "This request comes from another site."
        return ""

    def _known(self, headers: "_Headers") -> bool:
        try:
            cookies = SimpleCookie("; ".join(headers.all(b"cookie")))
        except CookieError:
            return False
        morsel = cookies.get(self._cookie)
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self._token.encode())

    async def _exchange(self, scope: Scope, send: Send) -> None:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._token.encode()):
            await _answer(send, 401, _GATE.format(), "text/html")
            return
        cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        await _answer(send, 200, _ENTER, "text/html", [(b"set-cookie", cookie.encode())])


_ENTER = '<!doctype html><meta charset="utf-8"><title>Samantha</title><meta http-equiv="refresh" content="0;url=/">'
"""A page that goes on by itself, not a 303: after a visit that another program or page began, a browser withholds a
SameSite=Strict cookie from the redirect, and sends it with a visit that our own page begins."""


class _Headers:
    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = list(raw)

    def all(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self._raw if key == name]

    def __contains__(self, name: bytes) -> bool:
        return any(key == name for key, _ in self._raw)

    def length(self) -> int:
        lengths = self.all(b"content-length")
        return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _uncompressed(scope: Scope) -> Scope:
    """Nothing is compressed: it would cost the machine that runs the model more than the loopback saves."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]}


def _served(scope: Scope) -> bool:
    path: str = scope["path"]
    if ".." in path or "\\" in path or "\0" in path or "//" in path:
        return False
    return path in EXACT_PATHS or path.startswith(PATH_BEGINNINGS)


def _limited(receive: Receive) -> Receive:
    """`receive` that ends a body without a stated length when it grows too large."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > LARGEST_BODY else message

    return limited


class _Outgoing:
    """Adds the headers to an answer, and to the page itself the hashes of its own inline scripts."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is not None:
            await self._hold(message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers = dict(message.get("headers", []))
        if headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers:
            self._start = message
            return
        await self._send({**message, "headers": _with_policy(message, b"")})

    async def _hold(self, message: Message) -> None:
        self._page += message.get("body", b"")
        if message.get("more_body"):
            return
        assert self._start is not None
        await self._send({**self._start, "headers": _with_policy(self._start, self._page)})
        await self._send({"type": "http.response.body", "body": self._page})


def _framed(send: Send) -> Send:
    """`send` for what the page frames: the same headers, but those that say who may frame it and what it may do."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = dict(_with_policy(message, b""))
            own |= dict(_FRAME_HEADERS) | {b"content-security-policy": FRAME_POLICY.encode()}
            message = {**message, "headers": list(own.items())}
        await send(message)

    return sent


def _with_policy(message: Message, page: bytes) -> list[tuple[bytes, bytes]]:
    replaced = {name for name, _ in _HEADERS} | {b"content-security-policy", b"server"}
    replaced |= {b"access-control-allow-origin", b"access-control-allow-credentials"}
    kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in replaced]
    return [*kept, *_HEADERS, (b"content-security-policy", policy(page).encode())]


def policy(page: bytes = b"") -> str:
    """The Content-Security-Policy for `page`: its inline scripts are allowed by their hash."""
    digests = (hashlib.sha256(_as_parsed(script)).digest() for script in _INLINE_SCRIPT.findall(page))
    return _POLICY.format(hashes="".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests))


def _as_parsed(script: bytes) -> bytes:
    """The script as a browser hashes it: line breaks are single."""
    return script.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


async def _answer(
    send: Send, status: int, body: str, kind: str = "text/plain", extra: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    content = body.encode()
    own = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    start: Message = {"type": "http.response.start", "status": status, "headers": own}
    await send({**start, "headers": _with_policy(start, b"")})
    await send({"type": "http.response.body", "body": content})
