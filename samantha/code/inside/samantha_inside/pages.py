"""Pages made whole: what a page takes from files beside it, or from addresses that libraries write, is put into it.

Known are the addresses whose files this environment has. Any other stays; whoever shows the page refuses to fetch it.
"""

import base64
import importlib
import importlib.util
import mimetypes
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGEST = 8 << 20
"""Bytes of a file that is put into a page."""

_REFERENCE = re.compile(
    r"""<script\b[^>]*?\bsrc\s*=\s*["']([^"'>]+)["'][^>]*>\s*</script\s*>"""
    r"""|(<link\b[^>]*?\bhref\s*=\s*["']([^"'>]+)["'][^>]*>)"""
    r"""|(<img\b[^>]*?\bsrc\s*=\s*["'])([^"'>]+)(?=["'])""",
    re.IGNORECASE,
)
KNOWN = (
    (re.compile(r"//cdn\.plot\.ly/plotly[\w.-]*\.js$"), "plotly", "package_data/plotly.min.js"),
    (re.compile(r"//cdn\.bokeh\.org/bokeh/release/bokeh(-[a-z]+)?-\d[\w.]*?\.min\.js$"), "bokeh",
     "server/static/js/bokeh{}.min.js"),
    (re.compile(r"/vis-network[/@].*vis-network\.min\.js$"), "pyvis", "lib/vis-9.1.2/vis-network.min.js"),
    (re.compile(r"/vis-network[/@].*vis-network\.min\.css$"), "pyvis", "lib/vis-9.1.2/vis-network.css"),
    (re.compile(r"/tom-select[/@].*\.js$"), "pyvis", "lib/tom-select/tom-select.complete.min.js"),
    (re.compile(r"/tom-select[/@].*\.css$"), "pyvis", "lib/tom-select/tom-select.css"),
)  # fmt: skip
"""Addresses, and the file of a package that stands there."""

_LEFT_OUT = re.compile(r"//cdn\.jsdelivr\.net/npm/bootstrap@")
"""Written into every page by pyvis, which draws without it; nothing here has it."""

_VEGA = re.compile(r"/npm/vega(-lite|-embed)?@[^/]*$")


def self_contained(page: str, folder: Path) -> str:
    """The page with scripts, styles and pictures in it. `folder` is where its relative addresses begin."""
    return _REFERENCE.sub(lambda found: _inlined(found, folder), page)


def _inlined(found: re.Match[str], folder: Path) -> str:
    script, link, style, image, picture = found.groups()
    address = script or style or picture
    if script and _VEGA.search(address):
        return f"<script>{_vega()}</script>" if "vega@" in address else ""
    if _LEFT_OUT.search(address):
        return ""
    file = _file(address, folder)
    if file is None or (link and "stylesheet" not in link.lower()):
        return found[0]
    if image:
        kind = mimetypes.guess_type(file.name)[0] or "image/png"
        return f"{image}data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    content = file.read_text("utf-8", "replace")
    if link:
        return f"<style>{content}</style>"
    closed = content.replace("</script", "<\\/script")
    return f"<script>{closed}</script>"


def _file(address: str, folder: Path) -> Path | None:
    """The file for an address, where there is one of a bearable size."""
    parts = urlsplit(address)
    path = _packaged(address) if parts.scheme in ("http", "https") or parts.netloc else folder / unquote(parts.path)
    if parts.scheme not in ("", "file", "http", "https") or path is None:
        return None
    try:
        return path if path.is_file() and path.stat().st_size <= LARGEST else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def _packaged(address: str) -> Path | None:
    for pattern, package, name in KNOWN:
        found = pattern.search(address)
        if found:
            spec = importlib.util.find_spec(package)
            part = (found.groups() or ("",))[0] or ""
            return Path(spec.origin).parent / name.format(part) if spec and spec.origin else None
    return None


def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script."""
    return str(importlib.import_module("vl_convert").javascript_bundle())
