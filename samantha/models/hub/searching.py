"""Search of the hub for models that can be used here: by words, family, quantization and number of parameters."""

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from samantha.errors import DownloadError
from samantha.models.hub import hosts, quantization
from samantha.models.hub.connection import Request
from samantha.models.hub.faults import Patience
from samantha.models.hub.repository import Gguf, Sibling, asked
from samantha.models.hub.resolving import NEVER
from samantha.models.hub.retrying import patiently

FAMILIES = ("llama", "qwen", "gemma", "phi", "mistral", "granite", "smollm", "deepseek", "glm", "falcon")
"""For choosing at a click; any other word works."""

_EXPAND = ("downloads", "likes", "lastModified", "gated", "gguf", "siblings")
_MOST = 100


class Found(msgspec.Struct, frozen=True):
    """A repository. `parameters` is a count (0: not known), `updated` a date (ISO 8601)."""

    repository: str
    url: str
    downloads: int
    likes: int
    updated: str
    gated: bool
    architecture: str
    parameters: int
    n_ctx_train: int
    quantizations: tuple[str, ...]


class _Hit(msgspec.Struct, frozen=True):
    id: str
    downloads: int | None = 0
    likes: int | None = 0
    lastModified: str | None = ""  # noqa: N815 - the hub's own name
    gated: bool | str | None = False
    gguf: Gguf | None = None
    siblings: tuple[Sibling, ...] | None = None


def search(
    words: str = "",
    family: str = "",
    kind: str = "",
    largest: float | None = None,
    limit: int = 20,
    cancelled: Callable[[], bool] = NEVER,
    patience: Patience | None = None,
) -> list[Found]:
    """Repositories with GGUF models, the most downloaded first.

    Args:
        words: in the repository's name. family: e.g. `llama`, in its name or architecture.
        kind: a quantization that it must have, e.g. `Q4_K_M`. largest: billions of parameters at most.
        limit: how many at most, up to 100.

    Raises:
        DownloadError: the hub cannot be asked, or its answer makes no sense.
    """
    fields = [("filter", "gguf"), ("sort", "downloads"), ("limit", str(_MOST)), *(("expand", name) for name in _EXPAND)]
    if query := " ".join(f"{words} {family}".split()):
        fields.append(("search", query))
    if largest:
        fields.append(("num_parameters", f"max:{largest:g}B"))
    request = Request(f"{hosts.endpoint()}/api/models?{urlencode(fields)}", headers={"Accept": "application/json"})
    patience = patience or Patience(attempts=4)
    _, body, _ = patiently(lambda: asked(request, "the search", "", cancelled, patience), cancelled, patience)
    try:
        hits = msgspec.json.decode(body, type=list[_Hit])
    except msgspec.DecodeError:
        raise DownloadError(
            "What the hub found cannot be understood: try again later, or search on its page."
        ) from None
    fitting = [found for found in map(_found, hits) if _fits(found, kind, largest)]
    return fitting[: max(1, min(limit, _MOST))]


def _found(hit: _Hit) -> Found:
    paths = [sibling.rfilename for sibling in hit.siblings or ()]
    kinds = {quantization.quantization(files[0]) for files in quantization.models(paths)} - {""}
    gguf = hit.gguf or Gguf()
    return Found(
        hit.id, f"{hosts.endpoint()}/{hit.id}", hit.downloads or 0, hit.likes or 0, hit.lastModified or "",
        bool(hit.gated), gguf.architecture or "", gguf.total or 0, gguf.context_length or 0, tuple(sorted(kinds)),
    )  # fmt: skip


def _fits(found: Found, kind: str, largest: float | None) -> bool:
    if kind and kind.upper() not in found.quantizations:
        return False
    return not largest or not found.parameters or found.parameters <= largest * 1e9
