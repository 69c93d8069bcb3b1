"""`samantha runs`: what the run store holds. Replay, comparison and export are not here."""

import sys
from collections.abc import Callable
from typing import Any

import msgspec

from samantha.chain import files
from samantha.chain.chain import Chain
from samantha.cli.parsing import whole_number
from samantha.cli.tables import duration, table
from samantha.errors import ChainError
from samantha.events import encode
from samantha.runs.store import RunStore, RunSummary, StepSummary

DESCRIPTION = """\
What the run store holds. A run is named by its id, by a unique beginning of it, or by `last`.

  samantha runs [list]           the newest runs
  samantha runs search WORDS     runs in whose prompts or answers all the words occur
  samantha runs show RUN         its answers, with their prompts and numbers
  samantha runs events RUN       its events as lines of JSON
  samantha runs chain RUN        its chain as a chain file, to run it again
  samantha runs delete RUN ...   delete runs"""
USAGE = "samantha runs [list | search WORDS | show RUN | events RUN | chain RUN | delete RUN ...] [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("action", nargs="?", choices=tuple(ACTIONS), default="list", help="What to do (default list).")
    parser.add_argument("what", nargs="*", metavar="RUN|WORDS", help="Runs, or words to search for.")
    parser.add_argument("--limit", type=whole_number, default=20, metavar="N", help="Runs to list (default 20).")
    parser.add_argument("--rendered", action="store_true", help="With show: all that the model was given.")
    parser.add_argument("--json", action="store_true", help="With list, search and show: lines of JSON.")
    parser.add_argument("--yes", action="store_true", help="With delete: do not ask.")


def execute(arguments: Any) -> int:
    """Do what was asked of the store."""
    needs_run = arguments.action in ("show", "events", "chain", "delete")
    if needs_run and not arguments.what:
        raise ChainError(f"Which run? Give its id or `last`: samantha runs {arguments.action} RUN.")
    with RunStore() as store:
        return ACTIONS[arguments.action](store, arguments)


def _list(store: RunStore, arguments: Any) -> int:
    search = " ".join(arguments.what) if arguments.action == "search" else None
    runs = store.runs(search, max(0, arguments.limit))
    if arguments.json:
        for run in runs:
            print(msgspec.json.encode(run).decode())
    elif runs:
        head = ("RUN", "STATUS", "STEPS", "TOKENS", "TIME", "MODELS", "PROMPT")
        print(table([head, *map(_row, runs)]))
    else:
        print("No stored run matches." if search else "No run is stored yet.", file=sys.stderr)
    return 0


def _row(run: RunSummary) -> tuple[str, ...]:
    models = ", ".join(dict.fromkeys(run.models))
    title = run.title if len(run.title) <= 50 else run.title[:49] + "…"
    return run.id, run.status, str(run.steps), str(run.tokens), duration(run.seconds), models, title


def _show(store: RunStore, arguments: Any) -> int:
    for name in arguments.what:
        run_id = store.find(name)
        steps = store.steps(run_id)
        if arguments.json:
            for step in steps:
                print(msgspec.json.encode(step).decode())
            continue
        run = store.run(run_id)
        print(f"# {run.id} · {run.status} · {run.started} · seed {run.seed}")
        for step in steps:
            print(_step(step, arguments.rendered))
    return 0


def _step(step: StepSummary, rendered: bool) -> str:
    changed = ", ".join(f"{name} {value}" for name, value in step.changed.items())
    numbers = f"({step.tokens} tokens, {step.seconds:.1f} s, {step.reason.replace('_', ' ')})"
    given = step.rendered if rendered else step.prompt
    lines = [f"\n## {step.number} · {step.model} · prompt {step.prompt_number}", *(_quoted(given)), "", step.text]
    return "\n".join([*lines, numbers, *([changed] if changed else []), *([step.message] if step.message else [])])


def _quoted(text: str) -> list[str]:
    return [f"> {line}" for line in text.splitlines()]


def _events(store: RunStore, arguments: Any) -> int:
    for name in arguments.what:
        for event in store.events(store.find(name)):
            print(encode(event).decode())
    return 0


def _chain(store: RunStore, arguments: Any) -> int:
    for name in arguments.what:
        run_id = store.find(name)
        chain = msgspec.convert(store.chain(run_id), Chain)
        print(files.to_toml(msgspec.structs.replace(chain, seed=store.run(run_id).seed)), end="")
    return 0


def _delete(store: RunStore, arguments: Any) -> int:
    run_ids = [store.find(name) for name in arguments.what]
    if not arguments.yes and not _agreed(f"Delete {len(run_ids)} run{'s' * (len(run_ids) > 1)} for good? [y/N] "):
        print("Nothing was deleted.", file=sys.stderr)
        return 1
    for run_id in run_ids:
        store.delete(run_id)
        print(f"Deleted {run_id}.", file=sys.stderr)
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        print("Nobody can be asked here: --yes deletes without asking.", file=sys.stderr)
        return False
    return input(question).strip().lower() in ("y", "yes")


ACTIONS: dict[str, Callable[[RunStore, Any], int]] = {
    "list": _list, "search": _list, "show": _show, "events": _events, "chain": _chain, "delete": _delete,
}  # fmt: skip
