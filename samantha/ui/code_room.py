"""What the program knows of running code, for every tab: what was proven, the code environment, what runs on.

Proving takes time, so it happens on a thread of its own, and pages are told when it is done. What a tab granted is
`grants.py`'s; what runs in a tab is its session's and its desk's.
"""

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from samantha.chain.chain import Chain
from samantha.errors import SamanthaError, SandboxError
from samantha.events import CodeServing, Event
from samantha.sandbox.access import Access
from samantha.ui.controls import FieldError
from samantha.ui.grants import Grants

if TYPE_CHECKING:
    from samantha.code.runner import SandboxRunner

log = logging.getLogger(__name__)


class CodeRoom:
    """One per program. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looking: threading.Thread | None = None
        self._again = False
        self._proof: dict[str, Any] = {"mode": "proving", "failures": []}
        self._environment: dict[str, Any] = {"state": "unknown", "sentence": ""}
        self._serving: list[SandboxRunner] = []
        self.version = 0

    def look(self, again: bool = False) -> None:
        """Find out what holds here, on a thread; `again` attacks the sandbox anew."""
        with self._lock:
            self._again |= again
            if self._looking is not None and self._looking.is_alive():
                return
            self._looking = threading.Thread(target=self._look, name="proof of the sandbox", daemon=True)
            self._looking.start()

    def join(self, timeout: float) -> None:
        """Wait until it is found out."""
        if self._looking is not None:
            self._looking.join(timeout)

    def _look(self) -> None:
        with self._lock:
            again, self._again = self._again, False
        try:
            from samantha.code import proof

            self._tell(environment=environment())
            verdict = proof.proof(again=again)
            found = {"mode": verdict.mode, "failures": list(verdict.failures)}
        except SamanthaError as error:
            found = {"mode": "none", "failures": [str(error)]}
        except Exception:
            log.exception("the sandbox could not be tried by a fault of the program")
            found = {"mode": "none", "failures": ["the sandbox could not be tried: the terminal shows why"]}
        self._tell(proof=found)

    def notice(self) -> None:
        """Look at the code environment again while it is not ready; when it has become so, find out anew what holds."""
        if self._environment["state"] in ("unknown", "ready"):
            return
        now = environment()
        if now != self._environment:
            self._tell(environment=now)
            if now["state"] == "ready":
                self.look(again=True)

    def _tell(self, **changes: Any) -> None:
        with self._lock:
            for name, value in changes.items():
                setattr(self, f"_{name}", value)
            self.version += 1

    def shown(self) -> dict[str, Any]:
        """What the page draws."""
        return {"proof": self._proof, "environment": self._environment}

    def runner(self, grants: Grants) -> "SandboxRunner":
        """A runner with the grants of a tab.

        Raises:
            FieldError: as `allow`.
        """
        from samantha.code.runner import SandboxRunner

        self.allow(grants)
        return SandboxRunner(grants.access, grants.limits)

    def allow(self, grants: Grants) -> None:
        """Check that code may run now.

        Raises:
            FieldError: it may not: the sentence to show beside the switch.
        """
        from samantha.code import proof

        state = environment()
        if state["state"] != "ready":
            self._tell(environment=state)
            raise FieldError("access", str(state["sentence"]))
        refused = proof.refusal(grants.access)
        if refused:
            raise FieldError("access", refused)
        _check(grants.access)

    def keep(self, runner: "SandboxRunner") -> None:
        """Something that this runner ran serves on: it is closed with everything else."""
        with self._lock:
            if runner not in self._serving:
                self._serving.append(runner)

    def kept(self, runner: "SandboxRunner") -> bool:
        """Whether something of the runner serves on."""
        return runner in self._serving

    def watched(self, events: Iterator[Event], runner: "SandboxRunner") -> Iterator[Event]:
        """The events of a run; at their end the runner is closed, unless something serves on."""
        try:
            for event in events:
                if isinstance(event, CodeServing):
                    self.keep(runner)
                yield event
        finally:
            if not self.kept(runner):
                runner.close()

    def close_processes(self) -> int:
        """End all that code left running; how many there were.

        Raises:
            CodeError: something could not be ended.
        """
        from samantha.code import background

        with self._lock:
            serving, self._serving = self._serving, []
        try:
            return background.close_all()
        finally:
            for runner in serving:
                runner.close()

    def close(self) -> None:
        """The program ends: what serves through it ends too."""
        with self._lock:
            serving, self._serving = self._serving, []
        for runner in serving:
            runner.close()


def _check(access: Access) -> None:
    """Check that what was granted can be given now.

    Raises:
        FieldError: something is gone, or would undo the sandbox.
    """
    from samantha.sandbox.grants import grants as checked

    for place in (*access.readable, *access.writable):
        if not place.exists():
            raise FieldError("access", key="problem.path_gone", path=str(place))
    try:
        checked(access, None)
    except SandboxError as error:
        raise FieldError("access", str(error)) from None


def asked_for(chain: Chain, grants: Grants) -> None:
    """Check that the files a chain asks for are granted.

    Raises:
        FieldError: one is not.
    """
    for name in chain.files:
        if not grants.covers(name):
            raise FieldError("access", key="problem.file_not_allowed", name=name)


def environment() -> dict[str, Any]:
    """The state of the code environment: `ready`, or what is wrong and what to do."""
    try:
        from samantha.code.environment import CodeEnvironment

        found = CodeEnvironment()
        return {"state": found.state, "sentence": found.sentence}
    except SamanthaError as error:
        return {"state": "broken", "sentence": str(error)}
