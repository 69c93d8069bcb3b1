"""Chat templates that strangers could put into a model file, and a few odd ones that must go on working."""

TURNS = "{% for m in messages %}{{ m.content }}{% endfor %}"
"""Shows every turn, so that what stands around it decides."""

ENDLESS = {
    "two long loops": "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "long loops that show nothing": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "a generator without end": "{% for i in range(99999) %}{{ range(99999)|map('string')|join|length }}{% endfor %}",
    "sorting again and again": "{% for i in range(99999) %}{{ range(99999)|map('string')|sort|first }}{% endfor %}",
    "much random text": "{{ lipsum(n=1000000) }}",
    "macros that call each other twice": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    ),
    "one endless addition of lists": "{{ ([[1] * 100] * 100000)|sum(start=[])|length }}",
    "many templates in one": "{{ messages|length }}" * 9000 + "{% for i in range(99999) %}" * 15 + "{% endfor %}" * 15,
}

GREEDY = {
    "a text a billion times": "{{ 'a' * 10**9 }}",
    "a list a billion times": "{{ [1] * 10**9 }}",
    "a text that doubles": (
        "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}"
    ),
    "a list that doubles": (
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x|length }}"
    ),
    "a number that squares": (
        "{% set n = namespace(x=10**9) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}{{ n.x }}"
    ),
    "a tower of powers": "{{ ((2**1000)**1000)**1000 }}",
    "joins in joins": "{% set a = (['x' * 90000] * 90000)|join %}{{ ([a] * 90000)|join }}",
    "a replacement that grows": "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "a wide centre": "{{ 'a'|center(10**9) }}",
    "a wide method": "{{ 'a'.ljust(1000000000) }}",
    "a wide format": "{{ '%1000000000d' % 1 }}",
    "a wide format from outside": "{{ '%*d' % (1000000000, 1) }}",
    "a wide format method": "{{ '{:1000000000}'.format(1) }}",
    "a wide indentation": "{{ 'a\nb'|indent(10**9) }}",
    "text without end": TURNS + "{% for i in range(30) %}{{ 'x' * 100000 }}{% endfor %}",
    "ten million characters": "{# " + "x" * 10_000_000 + " #}" + TURNS,
}

ESCAPING = {
    "the classes of Python": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "the globals of a function": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "the globals of a built-in": "{{ lipsum.__globals__['os'].system('id') }}",
    "attributes by filter": "{{ ((''|attr('__class__'))|attr('__mro__'))[1] }}",
    "attributes by map": "{{ [lipsum]|map(attribute='__globals__')|first }}{{ 1 / 0 }}",
    "attributes by format": "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
    "attributes by format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "its own frame": "{{ self.__init__.__globals__ }}{{ self._TemplateReference__context.environment.x.y }}",
    "changing what it is given": "{{ messages.append(1) }}{{ messages.clear() }}",
    "a file of this computer": "{% include '/etc/passwd' %}",
    "another template": "{% extends 'layout' %}",
    "an import": "{% import 'os' as os %}{{ os.system('id') }}",
}

FAILING = {
    "itself without end": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "ten thousand brackets": "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
    "five hundred blocks deep": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "an end that is missing": "{% for m in messages %}{{ m.content }",
    "an unknown filter": "{{ messages|no_such_filter }}",
    "an unknown test": "{% if messages is no_such_test %}{% endif %}",
    "an unknown function": "{{ no_such_function() }}",
    "an unknown tag": "{% no_such_tag %}" + TURNS + "{% end_no_such_tag %}",
    "a division by zero": "{{ 1 / 0 }}",
    "a refusal of many words": "{{ raise_exception('no! ' * 20000) }}",
    "a refusal of many lines": "{{ raise_exception('no\n' * 200) }}",
    "a refusal that is no text": "{{ raise_exception(messages) }}",
    "nothing at all but blanks": "   \n",
}

ODD = {
    "the tokens of the template": "<|im_start|><|im_end|>" * 50 + TURNS + "<|im_start|>",
    "markup of a page": "<script>alert(1)</script>" + TURNS,
    "bytes beyond the alphabet": "\u202e😀\u0301" + TURNS,
    "a mark of what was generated, for training": "{% generation %}" + TURNS + "{% endgeneration %}",
    "a long but honest one": "{# " + "x" * 100_000 + " #}" + TURNS,
}

REFUSED = ENDLESS | GREEDY | ESCAPING | FAILING
