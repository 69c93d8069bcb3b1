"""Renders strangers' Jinja: in a sandbox, under a deadline, with limits on what it reads, makes and writes.

Two deadlines: the first raises in the template's own thread, which ends every loop; the second, for processes that may
be ended (`confined`), ends one endless call of native code, and everything else with it. What a template is given, and
what is done with its text, is `templates.py`'s.
"""

import contextlib
import ctypes
import datetime
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from samantha.errors import TemplateError

DEADLINE = 1.5
"""Seconds for all attempts at rendering some messages; ordinary ones take about a millisecond."""

LAST_DEADLINE = 1.9
"""Seconds until a process that may be ended is ended, where native code does not listen."""

MEMORY = 512 << 20
"""Bytes by which a process that may be ended can grow while it renders (Linux)."""

LONGEST_TEMPLATE = 200_000
"""Characters; the longest that is known in the field has some 20,000."""

LONGEST_TEXT = 1_000_000
"""Characters that a template may write beside four times the messages."""

LONGEST_REPEAT = 100_000
MOST_BITS = 100_000
"""Of a whole number that is multiplied or raised; more takes seconds for one multiplication."""

LONGEST_REASON = 200
"""Characters of a template's own words in a message."""

WIDENING = ("center", "ljust", "rjust", "zfill", "expandtabs")
"""Methods of texts that make long ones of short ones; the limit on memory sees to all others."""

WIDE_FORMAT = re.compile(r"\d{6}")
WIDTH_FROM_OUTSIDE = re.compile(r"%[^a-zA-Z%]*\*|:[^{}]*\{")

Result = TypeVar("Result")


class TemplateTooSlow(TemplateError):
    """The template did not end in time."""


def compiled(source: str) -> Any:
    """The template, ready to render.

    Raises:
        TemplateError: it is too long or cannot be read.
    """
    from jinja2 import TemplateSyntaxError

    if len(source) > LONGEST_TEMPLATE:
        raise TemplateError(
            f"The chat template has {len(source):,} characters, and at most {LONGEST_TEMPLATE:,} are read: choose"
            " another."
        )
    try:
        return _environment().from_string(source)
    except TemplateSyntaxError as error:
        raise TemplateError(f"The chat template cannot be read ({short(error.message)}): choose another.") from None


def rendered(template: Any, variables: Mapping[str, Any], given: int) -> str:
    """The text that the template makes.

    Args:
        given: characters of the messages, by which the text is measured.

    Raises:
        TemplateError: it failed or wrote too much.
    """
    text = str(template.render(**variables))
    if len(text) > LONGEST_TEXT + 4 * given:
        raise TemplateError(
            f"The chat template made {len(text):,} characters of messages of {given:,}: choose another."
        )
    return text


def in_words(error: Exception) -> TemplateError:
    """The error of a template, in one sentence."""
    if isinstance(error, TemplateError):
        return error
    if isinstance(error, MemoryError):
        return TemplateError("The chat template wanted too much memory: choose another.")
    said = short(f"{type(error).__name__}: {error}")
    return TemplateError(f"The chat template failed ({said}): choose another.")


def short(text: str | None) -> str:
    """A template's own words on one line, cut where they are long."""
    line = " ".join((text or "").split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """`work()`, ended after so many seconds.

    Raises:
        TemplateTooSlow: it had to be.
    """
    try:
        with _Bell(seconds):
            return work()
    except TemplateTooSlow:
        raise TemplateTooSlow(too_slow()) from None


def too_slow() -> str:
    """The sentence for a template that did not end."""
    return f"The chat template did not end within {DEADLINE:g} s: choose another."


@contextlib.contextmanager
def confined() -> Iterator[None]:
    """For the main thread of a process that may be ended: SIGALRM does so at the last deadline, and memory is limited.

    Nothing else may need much memory meanwhile. Windows has neither; whoever waits for the process ends it there.
    """
    if sys.platform == "win32":
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, LAST_DEADLINE)
    try:
        with _little_memory():
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    if sys.platform != "linux":  # elsewhere the limit is there but not kept
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    within_before = limit if before[0] == resource.RLIM_INFINITY else min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (within_before, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class _Bell:
    """Raises TemplateTooSlow in the thread that entered it, again and again, until it is left."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = ctypes.c_ulong(threading.get_ident())

    def __enter__(self) -> None:
        threading.Thread(target=self._ring, name="template deadline", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over.set()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, None)  # what was raised but not delivered yet

    def _ring(self) -> None:
        wait = self._seconds
        while not self._over.wait(wait):
            with self._lock:
                if not self._over.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(TemplateTooSlow))
            wait = 0.2


def _environment() -> Any:
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        """Refuses the single operations that could fill the memory or never end."""

        intercepted_binops = frozenset({"*", "**", "%"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            """Only on short texts and numbers of a sensible size."""
            _check_operands(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, function: Any, /, *arguments: Any, **named: Any) -> Any:
            """A method of a text gets no huge width, and neither does its format."""
            if isinstance(getattr(function, "__self__", None), str):
                _check_method(function.__self__, function.__name__, arguments)
            return super().call(context, function, *arguments, **named)

    class Generation(Extension):
        """`{% generation %}` marks answers for training; here what stands in it is shown."""

        tags = {"generation"}  # noqa: RUF012  (as Jinja declares it)

        def parse(self, parser: Any) -> Any:
            """The statements inside."""
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    extensions = ["jinja2.ext.loopcontrols", Generation]
    environment = Environment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    for name in ("center", "indent"):
        environment.filters[name] = _narrow(environment.filters[name])
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return environment


def _narrow(work: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes no huge width."""

    def checked(value: Any, *arguments: Any, **named: Any) -> Any:
        _check_width(*arguments, *named.values())
        return work(value, *arguments, **named)

    return checked


def _check_operands(operator: str, left: Any, right: Any) -> None:
    if operator == "*" and max(_repeated(left, right), _repeated(right, left)) > LONGEST_REPEAT:
        raise OverflowError("a text or list repeated too often")
    if operator == "%" and isinstance(left, str):
        _check_method(left, "format", right if isinstance(right, tuple) else (right,))
    if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
        if bits > MOST_BITS:
            raise OverflowError("a number that is too large")


def _check_method(text: str, method: str, arguments: Sequence[Any]) -> None:
    if method in WIDENING:
        _check_width(*arguments)
    elif method in ("format", "format_map"):
        if WIDE_FORMAT.search(text):
            raise OverflowError("a format that is too wide")
        if WIDTH_FROM_OUTSIDE.search(text):
            _check_width(*arguments)


def _check_width(*widths: Any) -> None:
    if any(isinstance(width, int) and width > LONGEST_REPEAT for width in widths):
        raise OverflowError("a text that is too wide")


def _repeated(repeated: Any, times: Any) -> int:
    """How long a text or list becomes that is multiplied; 0 for numbers."""
    return len(repeated) * times if isinstance(repeated, str | list | tuple) and isinstance(times, int) else 0


def _refuse(message: object) -> NoReturn:
    raise TemplateError(f"The chat template refused the messages: {short(str(message))}")
