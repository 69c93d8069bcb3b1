"""`samantha chat`: a conversation at the terminal. What a turn is stands in conversation.py."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from samantha.chain import files
from samantha.chain.chain import Chain
from samantha.cli import options, running
from samantha.cli.conversation import Conversation
from samantha.cli.interruption import INTERRUPTED
from samantha.cli.printing import TextPrinter
from samantha.cli.typing_in import Typist
from samantha.errors import ChainError, SamanthaError
from samantha.events import Event, StepFailed, StepFinished, StepStarted, TokenGenerated
from samantha.hyperparameters import differences
from samantha.models.model import ModelSource
from samantha.runs.store import RunStore

HELP = """\
An empty line lets the model go on with its last answer. Ctrl-C ends an answer and keeps what there is of it.
A line that ends with \\ goes on in the next; \"\"\" begins and ends a text of several lines. // begins a text with /.

  /set NAME VALUE   change a hyperparameter, e.g. /set temperature 0.8; /set alone shows those that are changed
  /system TEXT      set the system prompt; /system "" takes it away
  /undo             forget the last turn
  /reset            begin anew, with the same system prompt and examples
  /show             show the conversation as it stands
  /save FILE        save it as a chain file; `samantha chat FILE` goes on from there
  /help  /exit"""

DESCRIPTION = f"""\
Talk with a model. CHAIN is a chain file whose system prompt, examples and settings the conversation begins with.

{HELP}"""
USAGE = "samantha chat [CHAIN] [OPTIONS]"

NOT_FOR_CHAT = frozenset(
    {
        "prompts", "loops", "responses", "single_response_per_model", "shuffle_models", "feedback_loop",
        "cumulative_response", "run_code", "stop_condition", "feedback_code_output_only", "files", "variables",
        "raw", "parallel",
    }
)  # fmt: skip
"""Settings of chains that have more than one step."""

_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("chain", nargs="?", metavar="CHAIN", help="A chain file to begin with.")
    parser.add_argument("--no-store", action="store_true", help="Do not keep the turns in the run store.")
    options.add(parser, NOT_FOR_CHAT)


def execute(arguments: Any) -> int:
    """Talk until /exit or the end of the input. The status is 1 when the last turn failed."""
    chain = options.applied(files.read(Path(arguments.chain)) if arguments.chain else Chain(), arguments)
    if len(chain.models) != 1:
        raise ChainError(f"A chat has one model, but {len(chain.models)} are given: choose one with --model.")
    with running.run_store(not arguments.no_store) as store, running.model_source() as models:
        return Chat(chain, models, store).talk()


class Chat:
    """The loop: read a line, obey a command or ask the model."""

    def __init__(self, chain: Chain, models: ModelSource, store: RunStore | None) -> None:
        self._conversation = Conversation(chain)
        self._models = models
        self._store = store
        self._status = 0
        self._over = False

    def talk(self) -> int:
        """Until /exit or the end of the input; returns the exit status."""
        typist = Typist()
        if typist.at_terminal:
            _say(f"{self._conversation.chain.models[0]} listens; /help shows what can be done, /exit ends.")
        while not self._over:
            text = typist.text()
            if text is None:
                break
            try:
                self._status = self._take(text)
            except SamanthaError as error:
                _say(str(error))
                self._status = 1
            if self._status == running.BROKEN_PIPE:
                break
        return 0 if self._status == INTERRUPTED else self._status

    def _take(self, text: str) -> int:
        """Obey or ask; returns the status so far."""
        if not text.strip():
            return self._go_on()
        if text.startswith("//"):
            text = text[1:]
        elif (command := _COMMAND.fullmatch(text)) is not None:
            return self._obey(command[1], command[2] or "")
        answer = self._run(self._conversation.asking(text))
        if answer.text or not answer.outcome.failed:
            self._conversation.answered(text, answer.text, answer.rendered)
        elif self._conversation.turns:
            _say("The conversation stays as it was before; /undo, /reset or /set n_ctx make room where it is too long.")
        return answer.outcome.status

    def _go_on(self) -> int:
        chain = self._conversation.continuing()
        if chain is None:
            _say("There is no answer to go on with yet: type something.")
            return 0
        answer = self._run(chain)
        self._conversation.continued(answer.text)
        if not answer.text and not answer.outcome.failed:
            _say("The model has nothing to add.")
        return answer.outcome.status

    def _run(self, chain: Chain) -> "Answer":
        answer = Answer(TextPrinter(sys.stdout, sys.stderr, plain=True))
        answer.outcome = running.carry_out(chain, self._models, self._store, answer)
        return answer

    def _obey(self, name: str, rest: str) -> int:
        command = self._COMMANDS.get(name)
        if command is None:
            raise ChainError(f"There is no command /{name}: /help lists them (a text that begins with / is typed //).")
        command(self, rest.strip())
        return 0

    def _set(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        if value.strip():
            self._conversation.set(name, options.knob_value(name, value.strip()))
        elif name:
            raise ChainError(f"What shall {name} be? Type /set {name} VALUE.")
        else:
            _say(_changed(self._conversation.chain))

    def _system(self, rest: str) -> None:
        if rest:
            self._conversation.instruct("" if rest in ('""', "''") else rest)
        else:
            _say(self._conversation.chain.system or "There is no system prompt.")

    def _undo(self, _rest: str) -> None:
        _say("The last turn is forgotten." if self._conversation.undo() else "There is no turn to forget.")

    def _reset(self, _rest: str) -> None:
        self._conversation.reset()
        _say("The conversation begins anew.")

    def _show(self, _rest: str) -> None:
        chain = self._conversation.chain
        _say(f"model: {chain.models[0]}\nsystem: {chain.system or '(none)'}\n{_changed(chain)}")
        for turn in self._conversation.turns:
            _say(f"\n> {turn.user}\n{turn.assistant}")

    def _save(self, rest: str) -> None:
        if not rest:
            raise ChainError("Save where? Type /save FILE, for example /save talk.toml.")
        path = Path(rest).expanduser()
        if path.suffix.lower() != ".toml":
            path = path.with_name(path.name + ".toml")
        files.write(self._conversation.saved(), path)
        _say(f"Saved as {path}: `samantha chat {path}` goes on from there.")

    def _help(self, _rest: str) -> None:
        _say(HELP)

    def _exit(self, _rest: str) -> None:
        self._over = True

    _COMMANDS: ClassVar[dict[str, Callable[["Chat", str], None]]] = {
        "set": _set, "system": _system, "undo": _undo, "reset": _reset, "show": _show, "save": _save, "help": _help,
        "exit": _exit, "quit": _exit,
    }  # fmt: skip


class Answer:
    """Passes events on to a printer and keeps what the conversation needs: the text so far, and what the model saw."""

    def __init__(self, show: TextPrinter) -> None:
        self.outcome = running.Outcome()
        self.text = ""
        self.rendered = ""
        self._show = show

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, TokenGenerated):
            self.text += event.shown
        elif isinstance(event, StepStarted):
            self.rendered = event.rendered
        elif isinstance(event, StepFinished | StepFailed):
            self.text = event.text
        self._show(event)


def _changed(chain: Chain) -> str:
    values = differences(chain.hyperparameters)
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "All hyperparameters have their defaults."


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
