"""The page `docs/cli.md`, made from the parsers: `python -m samantha.cli.documentation > docs/cli.md`.

A test holds the page to the parsers, and runs its examples.
"""

import sys

from samantha.cli.main import COMMANDS, command, top_level
from samantha.cli.parsing import Parser, options

HEAD = """\
# The command line

<!-- Made by `python -m samantha.cli.documentation > docs/cli.md`; edit samantha/cli/ instead. -->

`samantha` without a command opens the workbench in the browser. Answers go to standard output, and everything else to
standard error: progress, notices, numbers. Dashes and underscores in options are the same: `--top-k` is `--top_k`.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | the run or one of its steps failed, or something necessary is missing |
| 2 | a mistake in the chain or in the options; nothing was run |
| 130 | ended by Ctrl-C: what was generated until then is printed and stored |
| 141 | the output was closed by its reader (`samantha run … \\| head -1`) |

Every run is kept in the run store before it is printed. Where the store cannot be opened, a run does not start and
the message says why; `--no-store` runs without it. Where it can no longer be written in the middle of a run (a full
disk), a notice says so once, the run goes on, and what is missing is stored when that works again before the run ends.

```sh
samantha run --prompts "Write about the sea." --temperature 0.8 --seed 7
samantha run prompts.txt --model tiny --responses 2
echo "Write about the sea." | samantha run --json
samantha complete "Once upon a time" --max_tokens 20
samantha runs show last
samantha tokens "Write about the sea." --top 5
samantha tokens --run last --csv
```
"""


def page() -> str:
    """The whole page."""
    sections = [HEAD, _section("samantha", *_top_level())]
    for name in COMMANDS:
        module, parser = command(name)
        sections.append(_described(f"samantha {name}", parser))
        for action in module.ACTIONS if hasattr(module, "action") else ():
            sections.append(_described(f"samantha {name} {action}", module.action(action)[1]))
    return "\n".join(sections)


def _described(title: str, parser: Parser) -> str:
    return _section(title, parser.usage or "", parser.description or "", options(parser))


def _top_level() -> tuple[str, str, list[tuple[str, str]]]:
    parser = top_level()
    rows = "\n".join(f"- `samantha {name}`: {summary}" for name, (_, summary) in COMMANDS.items())
    return parser.usage or "", rows, [*options(parser), *options(command("serve")[1])]


def _section(title: str, usage: str, description: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"- `{spelled}`: {_markdown(text)}" for spelled, text in rows]
    return "\n".join([f"## {title}", "", f"    {usage}", "", description, "", *lines, ""])


def _markdown(text: str) -> str:
    return text.replace("%%", "%").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(page())
