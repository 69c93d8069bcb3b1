"""Where things are: the user's data folder, the project's own material, and the user's settings file.

What is not here: the content of the store, of chains and of prompt collections.
"""

import os
from pathlib import Path

import msgspec

from samantha.errors import SettingsError

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
"""The checkout, when the program runs from one."""


def data_folder() -> Path:
    """The user's data folder: `SAMANTHA_HOME`, or the platform's place; made when missing.

    Raises:
        SettingsError: it cannot be made.
    """
    home = os.environ.get("SAMANTHA_HOME")
    folder = Path(home).expanduser() if home else _platform_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The data folder {folder} cannot be made ({error.strerror}): set SAMANTHA_HOME to one you may write to."
        ) from error
    return folder


def _platform_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_path("samantha"))


def material(name: str) -> Path:
    """The path of shipped material (`prompts`, `user_prompts.txt`, ...): the checkout's, else the installed copy."""
    own = ROOT / name
    return own if own.exists() else PACKAGE / "material" / name


def downloads_folder() -> Path:
    """The user's downloads folder, where model files are looked for by default."""
    import platformdirs

    return Path(platformdirs.user_downloads_path())


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server that the user gave a name. Keys are never here: `key_variable` names an environment variable.

    `parallel` is how many answers are asked for at the same time, `n_ctx` its context window where it does not say
    that itself; 0 leaves both to the program.
    """

    address: str
    key_variable: str = ""
    parallel: int = 0
    n_ctx: int = 0


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the user chose to keep."""

    language: str = ""
    model_folders: tuple[str, ...] = ()
    model_caches: tuple[str, ...] = ()
    """Other programs whose models are listed too, by the names in `models.library.PROGRAMS`."""
    n_threads: int = 0
    """CPU threads that `samantha doctor --tune` found best on this computer; 0 leaves one core free."""
    presets: dict[str, dict[str, object]] = {}
    full_access: bool = False
    """Whether sessions begin with full access for generated code."""
    download_hosts: tuple[str, ...] = ()
    """Hosts beside the Hugging Face hub that the user confirmed for downloads."""
    endpoints: dict[str, Endpoint] = {}
    """Servers by the name that chains use."""
    endpoint_origins: tuple[str, ...] = ()
    """Other computers to which the user agreed to send prompts without https."""
    memory_budget: float = 0.0
    """How much memory the loaded models may hold together, in GB (10^9 bytes); 0 keeps one model at a time."""


def load() -> Settings:
    """The settings file, or the defaults when there is none.

    Raises:
        SettingsError: the file is there but cannot be read.
    """
    path = data_folder() / "settings.json"
    if not path.exists():
        return Settings()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read ({error}): mend it or delete it.") from error


def save(settings: Settings) -> None:
    """Write the settings file, whole or not at all.

    Raises:
        SettingsError: it cannot be written.
    """
    path = data_folder() / "settings.json"
    try:
        partial = path.with_suffix(".part")
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(settings)))
        partial.replace(path)
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be written ({error.strerror}).") from error
