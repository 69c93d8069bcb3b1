"""The door in front of the page: real requests to the real server, each of which must fail or succeed as said."""

import base64
import hashlib
import itertools
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from samantha.ui.guard import LARGEST_BODY, policy
from tests.ui.conftest import Served, launched


def routes(found: Sequence[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path that the app knows, mounted ones included, with the blanks of a path filled."""
    for route in found:
        path = getattr(route, "path", None)
        inner = next(
            (
                inner.routes
                for inner in (route, getattr(route, "app", None), getattr(route, "original_router", None))
                if getattr(inner, "routes", None)
            ),
            None,
        )
        if inner:
            yield from routes(inner, prefix + (path or ""))
        elif path is not None:
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                yield method, re.sub(r"\{[^}]*\}", "x", prefix + path)


@pytest.fixture
def outside(served: Served) -> Iterator[httpx.Client]:
    """A client without the cookie."""
    with httpx.Client(base_url=served.base, timeout=20) as client:
        yield client


@pytest.fixture
def inside(served: Served) -> Iterator[httpx.Client]:
    """A client with the cookie."""
    cookies = {f"samantha-{served.page.port}": served.page.token}
    with httpx.Client(base_url=served.base, cookies=cookies, timeout=20) as client:
        yield client


def foreign(port: int) -> list[dict[str, str]]:
    """Headers that no page of ours sends, with everything else right."""
    ours = f"127.0.0.1:{port}"
    hosts = ["evil.test", f"evil.test:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1.evil.test:{port}",
             f"0.0.0.0:{port}", f"[::1]:{port}", f"{ours}@evil.test",
             f"user@{ours}", ours.upper() + ".", "localhost"]  # fmt: skip
    origins = ["null", "http://evil.test", f"https://{ours}", f"http://127.0.0.1:{port + 1}",
               f"http://{ours}.evil.test", f"http://{ours}/", "file://", f"http://localhost:{port}, null"]  # fmt: skip
    sites = ["cross-site", "same-site", "nonsense", "same-origin, cross-site"]
    proxied = ["X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"]
    return [
        *({"Host": host} for host in hosts), *({"Origin": origin} for origin in origins),
        *({"Sec-Fetch-Site": site} for site in sites), *({name: "evil.test"} for name in proxied),
        {"Origin": "http://evil.test", "Sec-Fetch-Site": "same-origin"},
        {"Origin": f"http://{ours}", "Sec-Fetch-Site": "cross-site"},
    ]  # fmt: skip


def test_no_route_answers_a_foreign_request_even_with_the_cookie(served: Served, inside: httpx.Client) -> None:
    tried = 0
    for (method, path), headers in itertools.product(set(routes(served.page.app.routes)), foreign(served.page.port)):
        answer = inside.request(method, path, headers=headers)
        assert answer.status_code == 403, (method, path, headers)
        assert "access-control-allow-origin" not in answer.headers
        tried += 1
    assert tried > 1000


def test_no_route_answers_without_the_cookie(served: Served, outside: httpx.Client) -> None:
    known = set(routes(served.page.app.routes))
    assert len(known) > 50
    for method, path in known:
        assert outside.request(method, path).status_code == 401, (method, path)
    for cookie in ("", served.page.token[:-1], served.page.token + "x", "x", '"'):
        headers = {"Cookie": f"samantha-{served.page.port}={cookie}"}
        assert outside.get("/config", headers=headers).status_code == 401


def test_only_what_the_page_uses_is_there(served: Served, inside: httpx.Client) -> None:
    closed = [
        "/docs", "/redoc", "/openapi.json", "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/runs",
        "/monitoring", "/monitoring/summary", "/gradio_api/proxy=http://evil.test/", "/gradio_api/file=/etc/passwd",
        "/gradio_api/token", "/gradio_api/dev/reload", "/gradio_api/vibe-code", "/gradio_api/deep_link",
        "/gradio_api/mcp", "/gradio_api/mcp/sse", "/gradio_api/call/on_start", "/gradio_api/queue/status", "/login",
    ]  # fmt: skip
    for path, method in itertools.product(closed, ("GET", "POST")):
        assert inside.request(method, path).status_code == 404, (method, path)


TRAVERSALS = [
    "../app.py", "..%2fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..\\app.py", "..%5capp.py", "....//app.py",
    "//etc/passwd", "%2fetc%2fpasswd", "..;/app.py", "page.css/../../app.py", "page.css%00.py",
    "%252e%252e/app.py", "..%c0%afapp.py",
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["/samantha/static/", "/assets/", "/static/", "/gradio_api/file="])
def test_no_path_leads_out_of_its_folder(served: Served, prefix: str) -> None:
    for path in TRAVERSALS:
        answer = raw(served, f"GET {prefix}{path} HTTP/1.1", cookie=True)
        assert answer.split()[1] in (b"400", b"403", b"404"), (path, answer[:200])


def raw(served: Served, line: str, *headers: str, cookie: bool = False, body: bytes = b"") -> bytes:
    """What the server answers to exactly these bytes."""
    own = [f"Host: 127.0.0.1:{served.page.port}"] if not any(one.lower().startswith("host") for one in headers) else []
    own += [f"Cookie: samantha-{served.page.port}={served.page.token}"] if cookie else []
    text = "\r\n".join([line, *own, *headers, "Connection: close", "", ""])
    with socket.create_connection(("127.0.0.1", served.page.port), 20) as connection:
        connection.sendall(text.encode("latin-1") + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("GET /config HTTP/1.1", ["Host:"]),
        ("GET /config HTTP/1.1", ["Host: evil.test", "Host: 127.0.0.1:{port}"]),
        ("GET /config HTTP/1.1", ["Host: 127.0.0.1:{port}", "Host: evil.test"]),
        ("GET http://evil.test/config HTTP/1.1", ["Host: evil.test"]),
        (
            "GET /config HTTP/1.1",
            ["Host: 127.0.0.1:{port}", "Origin: http://127.0.0.1:{port}", "Origin: http://evil.test"],
        ),
        (
            "GET /config HTTP/1.1",
            ["Host: 127.0.0.1:{port}", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
        ),
        ("GET /config HTTP/1.0", []),
    ],
)
def test_unusual_requests_are_refused(served: Served, line: str, headers: list[str]) -> None:
    filled = [header.format(port=served.page.port) for header in headers] or ["Host: "]
    assert raw(served, line, *filled, cookie=True).split()[1] in (b"400", b"403")


def test_a_websocket_is_refused(served: Served) -> None:
    upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ]
    assert raw(served, "GET /gradio_api/queue/join HTTP/1.1", *upgrade).split()[1] != b"101"


def test_the_token_becomes_a_cookie_that_no_script_can_read(served: Served, outside: httpx.Client) -> None:
    answer = outside.get("/", params={"token": served.page.token})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert served.page.token not in answer.text
    assert outside.get("/config").status_code == 200


@pytest.mark.parametrize(
    "query", ["token=", "token=x", "token=%00", "token=é", "token", "token[]=x", "token=x&token=x"]
)
def test_a_wrong_token_opens_nothing(outside: httpx.Client, query: str) -> None:
    answer = outside.get(f"/?{query}")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_bare_address_says_how_to_get_in(outside: httpx.Client) -> None:
    answer = outside.get("/")
    assert answer.status_code == 401
    assert "terminal" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_two_tokens_are_refused_even_with_the_right_one_among_them(served: Served, outside: httpx.Client) -> None:
    assert outside.get(f"/?token=x&token={served.page.token}").status_code == 401


def test_a_visit_from_another_site_may_see_the_door_and_nothing_else(served: Served, inside: httpx.Client) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert inside.get("/", headers=visit).status_code == 200
    assert inside.get("/config", headers=visit).status_code == 403
    assert inside.post("/", headers=visit).status_code == 403


def test_every_answer_forbids_what_the_page_does_not_do(
    served: Served, inside: httpx.Client, outside: httpx.Client
) -> None:
    answers = [inside.get(path) for path in ("/", "/config", "/theme.css", "/samantha/static/base.js", "/docs")]
    answers += [outside.get("/"), outside.get("/config"), inside.get("/", headers={"Origin": "http://evil.test"})]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["frame-ancestors"] == "'none'"
        assert rules["connect-src"] == "'self'"
        assert rules["img-src"] == "'self' data:"
        assert "'unsafe-inline'" not in rules["script-src"]
        assert not re.search(r"https?:|\*", answer.headers["content-security-policy"])
        assert "server" not in answer.headers


def test_the_page_names_its_own_scripts_by_their_hash() -> None:
    page = b"<script>one()</script><script src=x></script><script type=module>two()\r\n</script>"
    for script in (b"one()", b"two()\n"):
        assert base64.b64encode(hashlib.sha256(script).digest()).decode() in policy(page)
    assert policy(page).count("sha256") == 2


def test_too_large_a_body_is_refused(served: Served, inside: httpx.Client) -> None:
    big = b"x" * (LARGEST_BODY + 1)
    upload = inside.post("/gradio_api/upload", files={"files": ("chain.toml", big)})
    assert upload.status_code == 413
    stated = raw(served, "POST /gradio_api/upload HTTP/1.1", f"Content-Length: {10**12}", cookie=True)
    assert stated.split()[1] == b"413"

    def chunks() -> Iterator[bytes]:
        for _ in range(12):
            yield b"x" * 2**20

    with pytest.raises(httpx.HTTPError):
        inside.post(
            "/gradio_api/upload", content=chunks(), headers={"Content-Type": "multipart/form-data; boundary=x"}
        ).raise_for_status()


def test_an_upload_lands_nowhere_else_and_cannot_be_fetched(inside: httpx.Client) -> None:
    for name in ("../../evil.toml", "/etc/evil.toml", "..\\evil.toml"):
        answer = inside.post("/gradio_api/upload", files={"files": (name, b"x")})
        for path in answer.json() if answer.status_code == 200 else []:
            assert ".." not in Path(path).parts
            assert "gradio" in path
            assert not path.startswith("/etc")
            assert inside.get(f"/gradio_api/file={path}").status_code == 404


def test_it_listens_on_this_computer_alone(served: Served) -> None:
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"}:
        with socket.socket() as connection:
            connection.settimeout(2)
            assert connection.connect_ex((str(address), served.page.port)) != 0


def test_rebinding_in_a_real_browser_reaches_nothing(served: Served, playwright: Any) -> None:
    """A name that first was the attacker's and now is this computer: the browser sends the page's requests here."""
    browser = launched(playwright, "--host-resolver-rules=MAP evil.test 127.0.0.1")
    page = browser.new_page()
    evil = f"http://evil.test:{served.page.port}"
    for path in ("/", "/config", f"/?token={served.page.token}", "/samantha/texts.json"):
        answer = page.goto(evil + path)
        assert answer is not None
        assert answer.status == 403
    statuses = page.evaluate(
        """async (base) => {
          const found = [];
          const gets = ['/config', '/samantha/texts.json', '/samantha/watch/' + '0'.repeat(32)];
          const posts = ['/gradio_api/queue/join', '/gradio_api/upload', '/gradio_api/component_server'];
          for (const path of [...gets, ...posts]) {
            const options = posts.includes(path) ? { method: 'POST', body: '{}' } : {};
            const answer = await fetch(path, { ...options, credentials: 'include' }).catch(() => ({ status: 0 }));
            found.push(answer.status);
          }
          return found;
        }""",
        evil,
    )
    assert set(statuses) <= {0, 403}
    browser.close()


def test_another_page_of_this_computer_reaches_nothing(served: Served, browser: Any) -> None:
    """A page on another port of this computer counts as the same site: its Origin gives it away."""
    import http.server
    import threading

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>evil</title>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.goto(served.page.address)
        page.wait_for_selector("#prompts textarea")
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        read = page.evaluate(
            """async (base) => {
              const results = [];
              for (const path of ['/config', '/samantha/texts.json', '/gradio_api/queue/join', '/gradio_api/upload']) {
                for (const method of ['GET', 'POST']) {
                  for (const mode of ['cors', 'no-cors']) {
                    const body = method === 'POST' ? '{}' : undefined;
                    const options = { method, mode, credentials: 'include', body };
                    const answer = await fetch(base + path, options).catch(() => null);
                    results.push(answer ? [answer.type, answer.status] : ['failed', 0]);
                  }
                }
              }
              const frame = document.createElement('iframe');
              frame.src = base + '/';
              document.body.append(frame);
              await new Promise((done) => { frame.onload = done; });
              return results;
            }""",
            served.base,
        )
        assert all(kind in ("failed", "opaque") for kind, _ in read)
        context.close()
        server.shutdown()


def test_a_page_that_leaves_is_noticed(served: Served, inside: httpx.Client) -> None:
    tab = "c" * 32
    session = served.page.workbench.sessions.of(tab)
    with inside.stream("GET", f"/samantha/watch/{tab}") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        assert not session.abandoned(-1)
    while not session.abandoned(-1):  # ends within a beat of the stream, or at the test's limit
        time.sleep(0.05)


def test_a_stream_of_no_tab_of_ours_is_refused(inside: httpx.Client) -> None:
    assert inside.get("/samantha/watch/nonsense").status_code == 400
