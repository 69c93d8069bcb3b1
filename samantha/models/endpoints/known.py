"""Servers that have a name, kept in the user's settings, and the addresses they stand for.

A name may choose a model: `lab#qwen`. What a server is and has is not known here.
"""

import difflib
import re

import msgspec

from samantha import settings
from samantha.errors import EndpointError, ModelNotFound
from samantha.models.endpoints import address
from samantha.models.endpoints.address import Address
from samantha.settings import Endpoint

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def endpoints() -> dict[str, Endpoint]:
    """All named servers, by name."""
    return settings.load().endpoints


def add(name: str, endpoint: Endpoint) -> Address:
    """Give a server a name, in place of what had it; its address.

    Raises:
        EndpointError: a name or an address that cannot be used.
    """
    if not _NAME.fullmatch(name) or name == "tiny" or name.lower().endswith(".gguf"):
        raise EndpointError(
            f"{name!r} cannot name a server: use letters, digits, dots, dashes and underscores, and no name of a file."
        )
    if endpoint.parallel < 0 or endpoint.n_ctx < 0:
        raise EndpointError("parallel and n_ctx of a server are whole numbers from 0 on, where 0 is the program's own.")
    found = address.parse(endpoint.address)
    kept = settings.load()
    entry = msgspec.structs.replace(endpoint, address=str(found))
    settings.save(msgspec.structs.replace(kept, endpoints={**kept.endpoints, name: entry}))
    return found


def remove(name: str) -> Endpoint:
    """Forget a named server; its key stays until it is removed too.

    Raises:
        ModelNotFound: no server has that name.
    """
    kept = settings.load()
    if name not in kept.endpoints:
        raise ModelNotFound(_unknown(name, kept.endpoints))
    left = {other: entry for other, entry in kept.endpoints.items() if other != name}
    settings.save(msgspec.structs.replace(kept, endpoints=left))
    return kept.endpoints[name]


def is_named(text: str) -> bool:
    """Whether `text` is the name of a server, with or without `#model`."""
    name = text.partition("#")[0]
    return bool(_NAME.fullmatch(name)) and name in endpoints()


def resolve(text: str) -> tuple[Address, Endpoint]:
    """The address that a name or an address means, and how it is used.

    Raises:
        EndpointError: it cannot be read.
        ModelNotFound: no server has that name.
    """
    if "://" in text:
        found = address.parse(text)
        return found, _settings_of(found)
    name, chosen, model = text.partition("#")
    known = endpoints()
    if name not in known:
        raise ModelNotFound(_unknown(name, known))
    found = address.parse(known[name].address)
    return (msgspec.structs.replace(found, model=model) if chosen else found), known[name]


def _settings_of(found: Address) -> Endpoint:
    """What was said of a named server at the same address, so that both ways of naming it do the same."""
    same = (entry for entry in endpoints().values() if address.parse(entry.address).base == found.base)
    return next(same, Endpoint(str(found)))


def _unknown(name: str, known: dict[str, Endpoint]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no server {name!r}.{hint} `samantha endpoints list` shows those that have a name."
