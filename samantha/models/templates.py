"""Chat templates: messages to the text a model is given.

It runs where the model lives (a worker), on the template stored in the GGUF, a named built-in one, or the user's own
prefixes and suffixes. It adapts messages to what a template can hold, and says so. It counts and tokenizes nothing;
how a stranger's template is kept within bounds is `rendering.py`'s.
"""

import contextlib
import difflib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from samantha.errors import TemplateError
from samantha.models import rendering
from samantha.models.model import Message, PromptFormat, Rendered

CONTINUE = "Continue."
"""The user turn that introduces a previous response where a template insists on alternation."""

_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
_ALTERNATE = (
    "{% if (m.role == 'user') != (ns.turn % 2 == 0) %}{{ raise_exception('user and assistant must alternate') }}"
    "{% endif %}{% set ns.turn = ns.turn + 1 %}"
)
_LLAMA_2 = (
    "{% set ns = namespace(system='', turn=0) %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}{% else %}" + _ALTERNATE +
    "{% if m.role == 'user' %}"
    "{{ bos_token }}[INST] {{ ns.system }}{{ m.content }} [/INST]{% set ns.system = '' %}"
    "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endif %}{% endfor %}"
)
_MISTRAL = (
    "{{ bos_token }}{% set ns = namespace(system='', turn=0) %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = m.content + '\n\n' %}{% else %}" + _ALTERNATE + "{% if m.role == 'user' %}"
    "[INST] {{ ns.system }}{{ m.content }} [/INST]{% set ns.system = '' %}"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endif %}{% endfor %}"
)
_GEMMA = (
    "{{ bos_token }}{% set ns = namespace(turn=0) %}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + _ALTERNATE +
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_PHI_3 = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_ZEPHYR = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_ALPACA = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n{% elif m.role == 'user' %}"
    "### Instruction:\n{{ m.content }}\n\n{% else %}### Response:\n{{ m.content }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}"
)
_VICUNA = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n{% elif m.role == 'user' %}"
    "USER: {{ m.content }}\n{% else %}ASSISTANT: {{ m.content }}{{ eos_token }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)

BUILT_IN: dict[str, tuple[str, tuple[str, ...]]] = {
    "chatml": (_CHATML, ("<|im_end|>",)),
    "llama-3": (_LLAMA_3, ("<|eot_id|>",)),
    "llama-2": (_LLAMA_2, ("[INST]",)),
    "mistral": (_MISTRAL, ("[INST]",)),
    "gemma": (_GEMMA, ("<end_of_turn>",)),
    "phi-3": (_PHI_3, ("<|end|>",)),
    "zephyr": (_ZEPHYR, ("<|user|>",)),
    "alpaca": (_ALPACA, ("### Instruction:",)),
    "vicuna": (_VICUNA, ("USER:",)),
}
"""Name to (Jinja template, texts that end an answer), as the makers of these models publish them."""


def check_name(template: str | PromptFormat) -> None:
    """Whether a chain may ask for this template.

    Raises:
        TemplateError: an unknown name; the nearest known one is named.
    """
    if isinstance(template, PromptFormat) or not template or template in BUILT_IN:
        return
    near = difflib.get_close_matches(template, BUILT_IN, 1, 0.3)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise TemplateError(f"Unknown chat template {template!r}. {hint}Known: {', '.join(BUILT_IN)}.")


class Templates:
    """The templates one model can use: its own, the built-in ones, a user's."""

    def __init__(
        self, own: str, beginning: str, end: str,
        confined: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:  # fmt: skip
        """`own` is the template in the file ("" when there is none).

        Args:
            beginning, end: the model's special texts.
            confined: what a template is rendered in; `rendering.confined` where the process may be ended.
        """
        self._confined = confined
        self._own = own
        self._beginning = beginning
        self._end = end
        self._compiled: dict[str, Any] = {}

    def render(self, messages: Sequence[Message], template: str | PromptFormat) -> Rendered:
        """The text for `messages`; `prompt_tokens` is left 0.

        Raises:
            TemplateError: unknown, failing, or too slow.
        """
        if isinstance(template, PromptFormat):
            return Rendered(_with_format(messages, template), 0)
        check_name(template)
        source, notices = self._source(template)
        with self._confined():
            text, adapted = rendering.within(
                rendering.DEADLINE, lambda: self._first_that_holds_all(source, messages)
            )
        return Rendered(text, 0, (*notices, *adapted))

    def stops(self, template: str | PromptFormat) -> tuple[str, ...]:
        """Texts that end an answer under this template."""
        if isinstance(template, PromptFormat):
            return template.stop
        if template:
            return BUILT_IN[template][1]
        return () if self._own else BUILT_IN["chatml"][1]

    def _source(self, name: str) -> tuple[str, tuple[str, ...]]:
        if name:
            return BUILT_IN[name][0], ()
        if self._own:
            return self._own, ()
        return _CHATML, ("This model has no chat template: chatml is used. Choose another with `template`, or `raw`.",)

    def _first_that_holds_all(self, source: str, messages: Sequence[Message]) -> tuple[str, tuple[str, ...]]:
        """Render as it is; where the template refuses or drops a turn, adapt the messages."""
        failure: TemplateError | None = None
        for adapted, notices in _variants(messages):
            try:
                text = self._render(source, adapted)
            except rendering.TemplateTooSlow:
                raise
            except TemplateError as error:
                failure = failure or error
                continue
            if all(message.content.strip() in text for message in adapted):
                return text, notices
            failure = failure or TemplateError("The chat template leaves out a part of the messages: choose another.")
        raise failure or TemplateError("The chat template cannot be used: choose another with `template`.")

    def _render(self, source: str, messages: Sequence[Message]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        variables = {"bos_token": self._beginning, "eos_token": self._end, "add_generation_prompt": True}
        given = sum(len(message.content) for message in messages)
        try:
            if source not in self._compiled:
                self._compiled[source] = rendering.compiled(source)
            return rendering.rendered(self._compiled[source], {"messages": turns} | variables, given)
        except Exception as error:  # a template can raise anything
            raise rendering.in_words(error) from error


def _with_format(messages: Sequence[Message], form: PromptFormat) -> str:
    turns = [
        getattr(form, f"{message.role}_prefix") + message.content + getattr(form, f"{message.role}_suffix")
        for message in messages
    ]
    return "".join(turns) + form.assistant_prefix


def _variants(messages: Sequence[Message]) -> list[tuple[Sequence[Message], tuple[str, ...]]]:
    """The messages as they are, then adapted in every way a template may need, the least change first."""
    merged = "This template has no system role: the system prompt was put before the user prompt."
    introduced = f"This template wants turns to alternate: a user turn {CONTINUE!r} was put in."
    return [
        (messages, ()),
        (_introduced(messages), (introduced,)),
        (_merged(messages), (merged,)),
        (_merged(_introduced(messages)), (merged, introduced)),
    ]


def _introduced(messages: Sequence[Message]) -> list[Message]:
    """A short user turn before every assistant turn that does not follow a user turn."""
    turns: list[Message] = []
    for message in messages:
        if message.role == "assistant" and (not turns or turns[-1].role != "user"):
            turns.append(Message("user", CONTINUE))
        turns.append(message)
    return turns


def _merged(messages: Sequence[Message]) -> list[Message]:
    """The system text put before the first user turn."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    turns = [message for message in messages if message.role != "system"]
    first = next((place for place, message in enumerate(turns) if message.role == "user"), None)
    if system and first is not None:
        turns[first] = Message("user", f"{system}\n\n{turns[first].content}")
    return turns
