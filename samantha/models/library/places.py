"""Where model files are looked for: the user's folders, and on request those of other programs. It opens no model.

Each program's layout is what it writes by default or was told by the variables and settings that it itself reads:

    Hugging Face   hub/models--USER--REPO/snapshots/COMMIT/FILE.gguf, links to blobs (files where links are not allowed)
    LM Studio      models/PUBLISHER/REPO/FILE.gguf
    Ollama         manifests/HOST/USER/MODEL/TAG, JSON that names blobs/sha256-...
    Jan            llamacpp/models/.../model.gguf beside a model.yml; before version 0.6 models/...
    KoboldCpp      keeps no cache: models lie beside the program, in a folder of its name
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from samantha import settings


class Place(msgspec.Struct, frozen=True):
    """A folder that is looked into; `program` is whose it is, "" for the user's own."""

    folder: Path
    program: str = ""


def folders() -> tuple[Path, ...]:
    """The user's own folders: those of the settings, or the downloads folder."""
    chosen = settings.load().model_folders
    return tuple(Path(folder).expanduser() for folder in chosen) or (settings.downloads_folder(),)


def places() -> tuple[Place, ...]:
    """Every folder that is looked into, there or not: the user's own, then those of the programs in the settings."""
    own = [Place(folder) for folder in folders()]
    asked = settings.load().model_caches
    found = [Place(folder, name) for name in PROGRAMS if name in asked for folder in PROGRAMS[name]()]
    return tuple(dict.fromkeys([*own, *found]))


def hugging_face() -> tuple[Path, ...]:
    """The hub's cache."""
    if chosen := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return (Path(chosen).expanduser(),)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return (Path(os.environ.get("HF_HOME") or cache).expanduser() / "hub",)


def lm_studio() -> tuple[Path, ...]:
    """LM Studio's models: where it was told to keep them, its home, and where versions before 0.3 kept them."""
    pointer = Path.home() / ".lmstudio-home-pointer"
    home = Path(_text(pointer).strip() or Path.home() / ".lmstudio").expanduser()
    chosen = _json(home / "settings.json").get("downloadsFolder")
    own = Path(chosen).expanduser() if isinstance(chosen, str) and chosen else home / "models"
    return own, Path.home() / ".cache" / "lm-studio" / "models"


def ollama() -> tuple[Path, ...]:
    """Ollama's models: the user's, and on Linux those of the service."""
    if chosen := os.environ.get("OLLAMA_MODELS"):
        return (Path(chosen).expanduser(),)
    own = Path.home() / ".ollama" / "models"
    services = ("/usr/share/ollama/.ollama/models", "/var/lib/ollama/.ollama/models", "/var/lib/ollama/models")
    return (own, *map(Path, services)) if sys.platform == "linux" else (own,)


def jan() -> tuple[Path, ...]:
    """Jan's models in its data folder, which its settings may have moved."""
    homes = [base / "Jan" for base in _application_folders()]
    moved = [_json(home / "settings.json").get("data_folder") for home in homes]
    data = [Path(folder).expanduser() for folder in moved if isinstance(folder, str) and folder]
    data += [home / "data" for home in homes] + [Path.home() / "jan"]
    return tuple(folder / inner for folder in data for inner in ("llamacpp/models", "models"))


def kobold_cpp() -> tuple[Path, ...]:
    """Folders that are named after KoboldCpp, in the places where people unpack it."""
    places = [Path.home(), Path.home() / "Documents", Path.home() / "Desktop", settings.downloads_folder()]
    return tuple(place / name for place in places for name in ("koboldcpp", "KoboldCpp", "kobold.cpp"))


PROGRAMS: dict[str, Callable[[], tuple[Path, ...]]] = {
    "Hugging Face": hugging_face, "LM Studio": lm_studio, "Ollama": ollama, "Jan": jan, "KoboldCpp": kobold_cpp,
}  # fmt: skip
"""The programs whose models can be used, and where each keeps them."""


def ollama_models(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and file of each of Ollama's models; a manifest that cannot be read, or names no file, is left out."""
    manifests = folder / "manifests"
    for path in sorted(path for path in manifests.glob("*/*/*/*") if path.is_file()):
        host, user, model, tag = path.relative_to(manifests).parts
        for layer in _json(path).get("layers", ()):
            kind, digest = _string(layer, "mediaType"), _string(layer, "digest")
            blob = folder / "blobs" / digest.replace(":", "-")
            if kind == "application/vnd.ollama.image.model" and digest.startswith("sha256:") and blob.is_file():
                yield _ollama_name(host, user, model, tag), blob
                break


def _ollama_name(host: str, user: str, model: str, tag: str) -> str:
    """As Ollama itself writes it: what is usual is left out."""
    if host != "registry.ollama.ai":
        return f"{host}/{user}/{model}:{tag}"
    return f"{model}:{tag}" if user == "library" else f"{user}/{model}:{tag}"


def _application_folders() -> list[Path]:
    """Where desktop programs keep their data."""
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")]
    if sys.platform == "darwin":
        return [home / "Library" / "Application Support"]
    variables = (("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share"))
    return [Path(os.environ.get(name) or home / place) for name, place in variables]


def _text(path: Path) -> str:
    """A small file of another program; "" where there is none."""
    try:
        return path.read_bytes()[:1_000_000].decode(errors="replace")
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    """A JSON object of another program; empty where there is none."""
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _string(entry: Any, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""
