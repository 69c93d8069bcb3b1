"""*All links of a repository*: every model in it with size, quantization, and whether it fits the memory."""

from collections.abc import Callable
from urllib.parse import quote

import msgspec

from samantha.errors import DownloadError
from samantha.models.hub import hosts, quantization, references, repository
from samantha.models.hub.faults import Patience
from samantha.models.hub.fitting import Fit, fit
from samantha.models.hub.resolving import NEVER


class Listed(msgspec.Struct, frozen=True):
    """A model that can be downloaded. `size` is bytes of all its `parts`; `gated`: the user must accept terms first."""

    url: str
    file: str
    quantization: str
    size: int
    parts: int
    fits: Fit
    gated: bool = False


def listed(text: str, cancelled: Callable[[], bool] = NEVER, patience: Patience | None = None) -> list[Listed]:
    """Every model of the repository that `text` names or lies in, the smallest first.

    Raises:
        DownloadError: there is no such repository, or no model in it.
    """
    named = references.parse(text)
    if isinstance(named, references.Link):
        raise DownloadError(f"{named} is not on the hub, where repositories are listed: download it as it is.")
    whole = references.Reference(named.repository, named.revision)
    found = repository.read(whole, cancelled, patience or Patience(attempts=4))
    models = [
        _described(whole, found, files) for files in quantization.models(found.paths) if quantization.whole(files)
    ]
    if not models:
        raise DownloadError(f"{named.repository} has no .gguf model: look for a repository whose name ends in GGUF.")
    return sorted(models, key=lambda model: (model.size, model.file))


def _described(named: references.Reference, found: repository.Repository, files: tuple[str, ...]) -> Listed:
    size = sum(found.size(file) or 0 for file in files)
    url = f"{hosts.endpoint()}/{named.repository}/resolve/{quote(named.revision, safe='')}/{quote(files[0])}"
    kind = quantization.quantization(files[0])
    return Listed(url, files[0], kind, size, len(files), fit(size), bool(found.gated))
