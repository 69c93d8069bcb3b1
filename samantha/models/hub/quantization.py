"""What the name of a .gguf file tells: its quantization, and whether it is a model or a part of one."""

import re
from collections.abc import Iterable

from samantha.models.hub.naming import own_name

DEFAULT = "Q4_K_M"
"""What a bare repository means."""

_QUANTIZATION = re.compile(
    r"(?:^|[-_./])((?:UD-)?(?:I?Q[1-8](?:_[0-9A-Z]{1,3}){0,3}|TQ[12]_0|BF16|F16|FP16|F32|FP32|MXFP4(?:_MOE)?))(?=$|[-_./])",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE | re.DOTALL)


def quantization(path: str) -> str:
    """E.g. `Q4_K_M`, from the end of the file's name, else from its folder; "" where neither says one."""
    stem = re.sub(r"(-\d{5}-of-\d{5})?\.gguf$", "", path, flags=re.IGNORECASE)
    for text in (stem.rpartition("/")[2], stem):
        if found := _QUANTIZATION.findall(text):
            return str(found[-1]).upper()
    return ""


def is_model(path: str) -> bool:
    """Whether it is a language model: not a vision projector, and no matrix for quantizing."""
    name = own_name(path).lower()
    return name.endswith(".gguf") and "mmproj" not in name and "imatrix" not in name


def split(path: str) -> tuple[str, int, int] | None:
    """Of `dir/x-00002-of-00003.gguf`: (`dir/x`, 2, 3). None for a file that is a whole model."""
    match = _SPLIT.fullmatch(path)
    return (match["stem"], int(match["number"]), int(match["count"])) if match else None


def models(paths: Iterable[str]) -> list[tuple[str, ...]]:
    """The models among the paths of a repository, each as its files in order, a split one by its parts."""
    found: dict[tuple[str, int], list[str]] = {}
    for path in sorted(path for path in paths if is_model(path)):
        part = split(path)
        found.setdefault((part[0], part[2]) if part else (path, 0), []).append(path)
    return [tuple(files) for files in found.values()]


def whole(files: tuple[str, ...]) -> bool:
    """Whether no part is missing."""
    part = split(files[0])
    return part is None or [split(file) for file in files] == [(part[0], n + 1, part[2]) for n in range(part[2])]
