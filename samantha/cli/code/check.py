"""`samantha code check`: the canary's verdict, attack by attack."""

import sys
from typing import Any, Literal

import msgspec

from samantha.cli.tables import table
from samantha.code import proof
from samantha.sandbox.canary import SENTENCES, Proof

DESCRIPTION = """\
Attack the sandbox now, from inside, and say what holds: isolated (a system of its own), reduced (the real one, closed
by rules), or none (code runs only with full access). The exit status is 1 when nothing holds."""
USAGE = "samantha code check [OPTIONS]"

State = Literal["held", "SUCCEEDED", "not tried"]


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("--json", action="store_true", help="Print the verdict as a line of JSON.")


def execute(arguments: Any) -> int:
    """Attack and print the verdict."""
    verdict = proof.proof(again=True)
    states = {name: state(verdict, name) for name in SENTENCES}
    if arguments.json:
        print(msgspec.json.encode({**msgspec.structs.asdict(verdict), "attacks": states}).decode())
    else:
        print(f"{verdict.mode} (proven in {verdict.seconds * 1000:.0f} ms)")
        print(table([("STATE", "ATTACK"), *((states[name], _said(name)) for name in SENTENCES)]))
    for failure in verdict.failures:
        print(f"{failure[0].upper()}{failure[1:]}.", file=sys.stderr)
    return int(verdict.mode == "none")


def _said(attack: str) -> str:
    return SENTENCES[attack].removeprefix("code in the sandbox ").removeprefix("could ")


def state(verdict: Proof, attack: str) -> State:
    """How an attack ended; none is tried where no sandbox starts or its canary stays silent."""
    if any(failure.startswith(SENTENCES[attack]) for failure in verdict.failures):
        return "SUCCEEDED"
    tried = verdict.mode != "none" or any(failure.startswith(tuple(SENTENCES.values())) for failure in verdict.failures)
    return "held" if tried else "not tried"
