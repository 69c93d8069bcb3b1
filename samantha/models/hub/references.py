"""What people paste: links and names of models, read without asking anybody. Whether they exist is not known here."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from samantha.errors import DownloadError
from samantha.models.hub import hosts

_REPOSITORY_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_NAME = re.compile(
    r"(?P<repository>[^/:@\s]+/[^/:@\s]+)(@(?P<revision>[^:\s]+?))?(:(?P<quantization>[^/:\s]+)|/(?P<file>[^:]+))?"
)
_EXAMPLES = "`user/repo`, `user/repo:Q4_K_M`, `user/repo/file.gguf` or the link of a page or file on huggingface.co"
_OTHER_KINDS = {"datasets": "a dataset", "spaces": "a space", "collections": "a collection", "papers": "a paper"}
_SHORT_FORMS = tuple(f"{host}/" for host in hosts.HUB_PAGES)


class Reference(msgspec.Struct, frozen=True):
    """A model in a repository of the hub; `file`, or `folder` and `quantization`, choose in it."""

    repository: str
    revision: str = "main"
    file: str = ""
    folder: str = ""
    quantization: str = ""

    def __str__(self) -> str:
        revision = "" if self.revision == "main" else f"@{self.revision}"
        chosen = f"/{self.file or self.folder}" if self.file or self.folder else ""
        return f"{self.repository}{revision}{chosen}" + (f":{self.quantization}" if self.quantization else "")


class Link(msgspec.Struct, frozen=True):
    """A .gguf file on a host that is not the hub."""

    url: str

    def __str__(self) -> str:
        return shown(self.url)


def items(text: str) -> list[str]:
    """The links of a pasted list: one a line or several with spaces or commas between; `---` skips a line."""
    found: list[str] = []
    for line in text.splitlines():
        if not line.strip().startswith("---"):
            found += [item.strip("<>\"'") for item in re.split(r"[\s,]+", line) if item.strip("<>\"'")]
    return found


def is_remote(name: str) -> bool:
    """Whether `name` is written like a link or like something on the hub. A path that exists is the caller's to see."""
    if _is_url(name) or name.lower().startswith(_SHORT_FORMS):
        return True
    match = _NAME.fullmatch(name)
    if not match or name.startswith((".", "~")) or (name.lower().endswith(".gguf") and not match["file"]):
        return False
    return all(_REPOSITORY_PART.fullmatch(part) for part in match["repository"].split("/"))


def parse(text: str) -> Reference | Link:
    """What `text` names.

    Raises:
        DownloadError: none of the known forms; the sentence says what is wrong with it.
    """
    text = text.strip()
    if not text:
        raise DownloadError(f"Nothing was given: write {_EXAMPLES}.")
    if len(text) > 2000 or re.search(r"[\x00-\x20\x7f\\]", text):
        raise DownloadError(f"{shown(text)} holds spaces, backslashes or control characters, or is too long.")
    if text.lower().startswith(_SHORT_FORMS):
        text = f"https://{text}"
    if text.lower().startswith("hf://"):
        return _named(text[5:].removeprefix("models/"))
    return _linked(text) if _is_url(text) else _named(text)


def shown(text: str) -> str:
    """A link as it may be shown and logged: without query, user name and password, which may hold secrets."""
    plain = re.sub(r"[\x00-\x1f\x7f]", "?", text).split("?", 1)[0].split("#", 1)[0]
    plain = re.sub(r"(://)[^/@]*@", r"\1", plain)
    return plain if len(plain) <= 160 else f"{plain[:157]}..."


def _is_url(text: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def _named(text: str) -> Reference:
    match = _NAME.fullmatch(text)
    if not match:
        raise DownloadError(f"{shown(text)!r} names no model: write {_EXAMPLES}.")
    quantization = match["quantization"] or ""
    return _checked(
        match["repository"], unquote(match["revision"] or "main"), match["file"] or "",
        quantization="" if quantization.lower() == "latest" else quantization,
    )  # fmt: skip


def _linked(text: str) -> Reference | Link:
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise DownloadError(f"{shown(text)} is not a link: its host or port cannot be read.") from None
    if url.username is not None or url.password is not None:
        raise DownloadError(f"{shown(text)} carries a user name or password, which would be stored: leave it out.")
    if not hosts.allowed_scheme(url):
        raise DownloadError(f"{shown(text)} is no https link: only https is used, so that nobody can alter a model.")
    return _page(text, url) if hosts.is_hub_page(url) else _elsewhere(text, url)


def _elsewhere(text: str, url: SplitResult) -> Link:
    if not url.hostname or not url.path.lower().endswith(".gguf"):
        raise DownloadError(f"{shown(text)} is no link to a .gguf file and no page of the hub: write {_EXAMPLES}.")
    return Link(url._replace(fragment="").geturl())


def _page(text: str, url: SplitResult) -> Reference:
    """A page or file of the hub: /user/repo, /user/repo/(blob|resolve|raw|tree)/revision/path."""
    parts = [unquote(part) for part in url.path.split("/") if part]
    if parts and parts[0] in _OTHER_KINDS:
        raise DownloadError(f"{shown(text)} is {_OTHER_KINDS[parts[0]]}, not a model: open a model's page instead.")
    if len(parts) < 2 or parts[0] in ("models", "api", "docs", "blog", "settings"):
        raise DownloadError(f"{shown(text)} is no repository of a model: its link has the form {hosts.HUB}/user/repo.")
    repository, rest = "/".join(parts[:2]), parts[2:]
    if rest and ":" in parts[1]:
        raise DownloadError(f"{shown(text)} names a quantization and a file: give one of them.")
    if not rest:
        return _whole(repository, url.query)
    if rest[0] not in ("blob", "resolve", "raw", "blame", "tree"):
        raise DownloadError(f"{shown(text)} is no page of a repository or of a file in it: write {_EXAMPLES}.")
    revision, path = _revision(rest[1:])
    if rest[0] != "tree" and not path:
        raise DownloadError(f"{shown(text)} names no file: the name of a .gguf file comes after the revision.")
    return _checked(repository, revision, path) if rest[0] != "tree" else _checked(repository, revision, folder=path)


def _whole(repository: str, query: str) -> Reference:
    """A repository's own page; `user/repo:QUANT` and `?show_file_info=file.gguf` (the hub's own pages) choose in it."""
    chosen = re.search(r"(?:^|&)show_file_info=([^&]+)", query)
    if chosen:
        return _checked(repository, file=unquote(chosen[1]))
    return _named(repository)


def _revision(parts: list[str]) -> tuple[str, str]:
    """Revision and path. `refs/pr/3` has slashes of its own, quoted or not."""
    if parts and parts[0] == "refs" and len(parts) >= 3:
        return "/".join(parts[:3]), "/".join(parts[3:])
    return (parts[0], "/".join(parts[1:])) if parts else ("main", "")


def _checked(
    repository: str, revision: str = "main", file: str = "", folder: str = "", quantization: str = ""
) -> Reference:
    named = Reference(repository, revision, file, folder, quantization)
    for part in repository.split("/"):
        if not _REPOSITORY_PART.fullmatch(part) or ".." in part or "--" in part or part.endswith((".git", ".", "-")):
            raise DownloadError(f"{shown(repository)!r} cannot be on the hub: {shown(part)!r} is no name.")
    for kind, path in (("file", file), ("folder", folder), ("revision", revision)):
        impossible = any(part in ("", ".", "..") for part in path.split("/"))
        if path and (impossible or re.search(r"[\x00-\x1f\x7f\\]", path)):
            raise DownloadError(f"{shown(str(named))!r} names a {kind} that cannot exist: {shown(path)!r}.")
    if file and not file.lower().endswith(".gguf"):
        raise DownloadError(f"{shown(str(named))} is not a .gguf file: choose one whose name ends in .gguf.")
    return named
