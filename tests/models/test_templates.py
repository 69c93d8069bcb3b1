"""Chat templates: built-in ones, ones without a system role, ones that insist on alternation, hostile ones."""

import pytest

from samantha.errors import TemplateError
from samantha.models.model import Message, PromptFormat
from samantha.models.templates import BUILT_IN, CONTINUE, Templates

TALK = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Bye"))
AFTER_RESPONSE = (Message("system", "Be brief."), Message("assistant", "Before"), Message("user", "Refine it"))

STRICT = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
)
SILENT = "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"


def test_chatml_is_exact() -> None:
    text = Templates("", "<s>", "</s>").render(TALK[:2], "chatml").text
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("messages", [TALK, AFTER_RESPONSE, TALK[1:2]])
def test_every_built_in_template_shows_every_turn(name: str, messages: tuple[Message, ...]) -> None:
    text = Templates("", "<s>", "</s>").render(messages, name).text
    positions = [text.index(message.content) for message in messages]
    assert positions == sorted(positions)


def test_llama_2_is_exact() -> None:
    text = Templates("", "<s>", "</s>").render(TALK, "llama-2").text
    assert text == "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Bye [/INST]"


@pytest.mark.parametrize("template", [SILENT, BUILT_IN["gemma"][0]])
def test_a_template_without_system_role_gets_the_text_before_the_user_prompt_with_a_notice(template: str) -> None:
    rendered = Templates(template, "", "").render(TALK[:2], "")
    assert "Be brief.\n\nHi" in rendered.text
    assert any("system role" in notice for notice in rendered.notices)


def test_a_previous_response_is_introduced_only_where_the_template_wants_alternation() -> None:
    strict = Templates(STRICT, "", "").render(AFTER_RESPONSE, "")
    assert f"{CONTINUE}<assistant>Before" in strict.text
    assert any("alternate" in notice for notice in strict.notices)
    assert CONTINUE not in Templates("", "", "").render(AFTER_RESPONSE, "chatml").text


def test_a_model_without_template_uses_chatml_and_says_so() -> None:
    rendered = Templates("", "", "").render(TALK, "")
    assert "<|im_start|>" in rendered.text
    assert "no chat template" in rendered.notices[0]


def test_own_prefixes_and_suffixes_are_put_as_they_are() -> None:
    form = PromptFormat(user_prefix="U: ", user_suffix="\n", assistant_prefix="A:", stop=("U:",))
    templates = Templates("", "", "")
    assert templates.render((Message("user", "Hi {{ 7*7 }}"),), form).text == "U: Hi {{ 7*7 }}\nA:"
    assert templates.stops(form) == ("U:",)


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(TemplateError, match="Did you mean llama-3"):
        Templates("", "", "").render(TALK, "lama-3")


HOSTILE = [
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ messages[0].content.__class__ }}{{ 1/0 }}",
    "{% include '/etc/passwd' %}",
    "{% for m in messages %}{{ m.content }",
    "{{ undefined_function() }}",
    "{{ namespace(a=1).b.c }}",
    "{{ '%s' | format(messages) | attr('__class__') }}",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_templates_end_with_a_named_error(source: str) -> None:
    with pytest.raises(TemplateError):
        Templates(source, "", "").render(TALK, "")


def test_text_in_messages_is_never_a_template() -> None:
    rendered = Templates("", "", "").render((Message("user", "{{ 7 * 7 }}{% raw %}"),), "chatml")
    assert "{{ 7 * 7 }}{% raw %}" in rendered.text
