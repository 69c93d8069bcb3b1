"""`samantha endpoints`: models on servers, their names and their keys. Starting a server is not here."""

import getpass
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from samantha.cli.parsing import whole_number
from samantha.cli.tables import table
from samantha.errors import ChainError
from samantha.settings import Endpoint

DESCRIPTION = """\
Models on servers. A server is named by its address, as in http://127.0.0.1:8080/v1#model or
kobold+http://127.0.0.1:5001, or by a name that it was given here; --model takes both.

  samantha endpoints [list]            the servers that have a name
  samantha endpoints add NAME ADDRESS  give a server a name
  samantha endpoints remove NAME       forget the name
  samantha endpoints check SERVER      ask what it is, and which models it has
  samantha endpoints key SERVER        keep its key, asked for or read from standard input; an empty one forgets it
  samantha endpoints confirm ADDRESS   let prompts go to another computer without https"""
USAGE = (
    "samantha endpoints [list | add NAME ADDRESS | remove NAME | check SERVER | key SERVER | confirm ADDRESS] [OPTIONS]"
)


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("action", nargs="?", choices=tuple(ACTIONS), default="list", help="What to do (default list).")
    parser.add_argument("what", nargs="*", metavar="NAME|ADDRESS", help="The server.")
    parser.add_argument("--key-variable", default="", metavar="NAME",
                        help="With add: the environment variable that holds the key.")  # fmt: skip
    parser.add_argument("--parallel", type=whole_number, default=0, metavar="N",
                        help="With add: how many answers it is asked for at a time.")  # fmt: skip
    parser.add_argument("--n-ctx", type=whole_number, default=0, metavar="N",
                        help="With add: its context window in tokens, where it does not say that itself.")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="With list and check: lines of JSON.")


def execute(arguments: Any) -> int:
    """Do what was asked."""
    wanted, what = _WANTED[arguments.action]
    if len(arguments.what) != wanted:
        raise ChainError(f"`samantha endpoints {arguments.action}` takes {what}.")
    return ACTIONS[arguments.action](arguments)


def _list(arguments: Any) -> int:
    from samantha.models.endpoints import address, keys, known

    kept, named = keys.origins(), known.endpoints()
    rows = []
    for name, entry in named.items():
        key = f"in {entry.key_variable}" if entry.key_variable else "kept"
        has = entry.key_variable or address.parse(entry.address).origin in kept
        rows.append((name, key if has else "none", str(entry.parallel or "own"), entry.address))
    if arguments.json:
        for name, entry in named.items():
            print(msgspec.json.encode({"name": name, **msgspec.structs.asdict(entry)}).decode())
    elif rows:
        print(table([("NAME", "KEY", "PARALLEL", "ADDRESS"), *rows]))
    else:
        print("No server has a name yet: `samantha endpoints add NAME ADDRESS` gives one.", file=sys.stderr)
    return 0


def _add(arguments: Any) -> int:
    from samantha.models.endpoints import known

    name, text = arguments.what
    entry = Endpoint(text, arguments.key_variable, arguments.parallel, arguments.n_ctx)
    found = known.add(name, entry)
    print(
        f"{name} is {found}: `--model {name}` uses it, `--model {name}#MODEL` another of its models.", file=sys.stderr
    )
    return 0


def _remove(arguments: Any) -> int:
    from samantha.models.endpoints import known

    entry = known.remove(arguments.what[0])
    print(f"{arguments.what[0]} is no name any more: it was {entry.address}.", file=sys.stderr)
    return 0


def _check(arguments: Any) -> int:
    from samantha.models import endpoints
    from samantha.models.endpoints.server import NAMES
    from samantha.models.model import LoadOptions

    model = endpoints.find(arguments.what[0])
    for _ in model.open(LoadOptions(), lambda: False):
        pass
    facts = model.facts
    if arguments.json:
        print(msgspec.json.encode(facts).decode())
        return 0
    window = f"{facts.n_ctx} tokens" if facts.n_ctx else "not told"
    rows = [
        ("server", f"{NAMES[facts.kind]} {facts.version}".strip()), ("model", facts.model), ("context window", window),
        ("tokens counted", "by the server" if model.counts_tokens else "estimated"),
        ("answers at a time", str(facts.parallel)), ("its models", ", ".join(facts.models) or "not told"),
    ]  # fmt: skip
    print(table(rows))
    return 0


def _key(arguments: Any) -> int:
    from samantha.models.endpoints import keys, known

    origin = known.resolve(arguments.what[0])[0].origin
    if sys.stdin.isatty():
        key = getpass.getpass(f"Key for {origin} (nothing is shown; empty: forget it): ")
    else:
        key = sys.stdin.readline()
    keys.save(origin, key)
    print(f"The key of {origin} is {'kept' if key.strip() else 'forgotten'}.", file=sys.stderr)
    return 0


def _confirm(arguments: Any) -> int:
    from samantha.models.endpoints import address

    origin = address.confirm(arguments.what[0])
    print(f"Prompts and keys may go to {origin} without https from now on.", file=sys.stderr)
    return 0


ACTIONS: dict[str, Callable[[Any], int]] = {
    "list": _list, "add": _add, "remove": _remove, "check": _check, "key": _key, "confirm": _confirm,
}  # fmt: skip

_WANTED = {
    "list": (0, "nothing more"), "add": (2, "a name and an address"), "remove": (1, "a name"),
    "check": (1, "a name or an address"), "key": (1, "a name or an address"), "confirm": (1, "an address"),
}  # fmt: skip
