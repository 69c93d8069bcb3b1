"""D-Tale on one table: `explore.py TABLE HOST PORT`, run by the code environment's Python beside generated code.

It answers only who brings the token that came as a line of standard input, because D-Tale itself asks nobody and runs
what is typed into its filters. A table that cannot be read is one sentence, the last line of standard error.
"""

import csv
import hmac
import importlib
import sys
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

SAMPLE = 1 << 16
"""Bytes in which the sign between columns is looked for."""

COOKIE = "samantha-table"
Start = Callable[..., Any]


def main() -> None:
    """Serve the table until the process is ended."""
    table, host, port = sys.argv[1:]
    token = sys.stdin.readline().strip()
    try:
        data = read(Path(table))
    except (ValueError, OSError, MemoryError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        sys.exit(f"{Path(table).name} cannot be read as a table ({reason}).")
    serve(data, Path(table).stem, host, int(port), token)


def read(table: Path) -> Any:
    """The DataFrame of a CSV file of any usual encoding and separator.

    Raises:
        ValueError: it is no table; pandas' own errors are ValueErrors.
    """
    pandas = importlib.import_module("pandas")
    with table.open("rb") as stream:
        sample = stream.read(SAMPLE)
    if b"\0" in sample and not sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it holds null bytes, so it is no text")
    encoding = _encoding(table, sample)
    separator = _separator(sample.decode(encoding, "replace"))
    return pandas.read_csv(table, sep=separator, encoding=encoding, on_bad_lines="warn")


def _encoding(table: Path, sample: bytes) -> str:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        with table.open(encoding="utf-8-sig") as stream:
            while stream.read(SAMPLE):
                pass
    except UnicodeDecodeError:
        return "cp1252" if not set(sample) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
    return "utf-8-sig"


def _separator(sample: str) -> str:
    lines = sample.splitlines()[:50]
    try:
        return csv.Sniffer().sniff("\n".join(lines), ",;\t|").delimiter
    except csv.Error:
        return ","


def serve(data: Any, name: str, host: str, port: int, token: str) -> None:
    """D-Tale's application behind the token, at `host` and `port`; a host `unix://…` is a socket."""
    application = importlib.import_module("dtale.app").build_app(reaper_on=False)
    plain = "".join(sign for sign in name if sign.isalnum() or sign == " ") or "table"
    options = {"ignore_duplicate": True, "hide_shutdown": True, "enable_web_uploads": False, "inplace": True}
    importlib.import_module("dtale.views").startup(data=data, name=plain, **options)
    guarded = Guarded(application.wsgi_app, token)
    importlib.import_module("werkzeug.serving").make_server(host, port, guarded, threaded=True).serve_forever()


class Guarded:
    """Lets requests through that have the token in a cookie, and turns the address with the token into that cookie."""

    def __init__(self, application: Any, token: str) -> None:
        self._application = application
        self._token = token

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """One request, as WSGI has it."""
        if self._known(_cookie(environ)):
            return self._application(environ, start)  # type: ignore[no-any-return]
        given = parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])[0]
        if self._known(given):
            # A page that goes on by itself, because a strict cookie is not sent along a redirect from another site.
            cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return _page(start, "200 OK", '<meta http-equiv="refresh" content="0;url=/dtale/main/1">', cookie)
        return _page(start, "403 Forbidden", "Open this table through the address that Samantha gave.")

    def _known(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _cookie(environ: dict[str, Any]) -> str:
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _page(start: Start, status: str, body: str, cookie: str = "") -> list[bytes]:
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
    start(status, headers + ([("Set-Cookie", cookie)] if cookie else []))
    return [f"<!doctype html>{body}".encode()]


if __name__ == "__main__":
    main()
