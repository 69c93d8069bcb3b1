"""Models on servers, behind the same port as model files: OpenAI-compatible APIs and KoboldCpp's own.

A chain names one by address (`http://127.0.0.1:8080/v1#model`, `kobold+http://127.0.0.1:5001`) or by a name of the
user's settings (`lab`, `lab#model`). What is not here: finding servers, and starting them.
"""

from samantha.models.endpoints import address, known
from samantha.models.endpoints.faults import Patience
from samantha.models.endpoints.model import EndpointModel, Slots
from samantha.models.endpoints.servers import Servers

__all__ = ["EndpointModel", "Servers", "Slots", "find", "is_endpoint"]


def is_endpoint(name: str) -> bool:
    """Whether `name` is written like the address of a server, or is the name of one; nothing is asked."""
    return address.is_address(name) or known.is_named(name)


def find(name: str, slots: Slots | None = None, patience: Patience | None = None) -> EndpointModel:
    """The model of that address or name; `open` it before use.

    Args:
        slots: shared by all models of a program, so that its sessions together keep to each server's limit.

    Raises:
        EndpointError: the address cannot be used, is not confirmed, or its key is missing.
        ModelNotFound: no server has that name.
    """
    found, entry = known.resolve(name)
    return EndpointModel(name, found, entry, slots, patience)
