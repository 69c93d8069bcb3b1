"""Whether generated code may run by itself: the verdict of the canary, asked once and kept, and the user's choice."""

import threading

from samantha.code.environment import CodeEnvironment
from samantha.sandbox import canary
from samantha.sandbox.access import Access
from samantha.sandbox.canary import Proof

_lock = threading.Lock()
_proof: Proof | None = None


def proof(again: bool = False) -> Proof:
    """What holds on this computer now, as shown by real attacks; `again` attacks anew. Thread-safe."""
    global _proof
    with _lock:
        if _proof is None or again:
            environment = CodeEnvironment()
            _proof = canary.prove(environment.folder if environment.ready else None)
        return _proof


def forget() -> None:
    """Attack anew before the next code runs: something did not work as it should."""
    global _proof
    with _lock:
        _proof = None


def refusal(access: Access) -> str:
    """Why code may not run by itself now, in one sentence; empty when it may."""
    if access.full:
        return ""
    verdict = proof()
    if verdict.mode != "none":
        return ""
    reason = verdict.failures[0] if verdict.failures else "no sandbox works on this computer"
    return (
        f"Code does not run by itself here, because {reason}: allow full access for this session, or see samantha code "
        "check."
    )
