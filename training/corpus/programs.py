"""Programs that compute: statistics of given numbers, small functions, and programs mended after a traceback."""

from __future__ import annotations

import statistics as stats
from collections.abc import Callable
from random import Random

from .coding import SYSTEMS, fenced, numbers, sample, spoken, wish
from .conversation import Sample, ask
from .words import any_name, any_word, invented, list_in_words, phrases

STATISTICS: dict[str, tuple[str, Callable[[list[int]], object]]] = {
    "mean": ("statistics.mean(numbers)", stats.mean),
    "average": ("statistics.mean(numbers)", stats.mean),
    "median": ("statistics.median(numbers)", stats.median),
    "maximum": ("max(numbers)", max),
    "largest": ("max(numbers)", max),
    "minimum": ("min(numbers)", min),
    "smallest": ("min(numbers)", min),
    "sum": ("sum(numbers)", sum),
    "standard deviation": ("statistics.stdev(numbers)", stats.stdev),
}
STATISTIC_TASKS = phrases("""
    Calculate the {what} of {numbers} | Print the {what} of {numbers} |
    Compute the {what} of the numbers {numbers} | Find the {what} of these numbers: {numbers} |
    Show the {what} of {numbers} | Write code that prints the {what} of {numbers} |
    Given the numbers {numbers}, print the {what}
""")


def statistics_program(random: Random) -> Sample:
    """One to three statistics of given numbers."""
    values = numbers(random, random.randint(3, 9))
    asked = random.sample(tuple(STATISTICS), random.choice((1, 1, 2, 2, 3)))
    task = random.choice(STATISTIC_TASKS).format(what=list_in_words(asked), numbers=spoken(random, values))
    needs_import = any("statistics." in STATISTICS[name][0] for name in asked)
    lines = ["import statistics", ""] if needs_import else []
    lines += [f"numbers = {values}", *(f'print("{name.capitalize()}:", {STATISTICS[name][0]})' for name in asked)]
    expected = "\n".join(f"{name.capitalize()}: {STATISTICS[name][1](values)}" for name in asked)
    turns = ask(wish(random, task), system=random.choice(SYSTEMS[4:]))
    return sample("statistics", turns, fenced(random, "\n".join(lines)), {"stdout": expected})


# --- small functions ------------------------------------------------------------------------------------------------

# What it does | parameters | the expression it returns
FUNCTIONS: tuple[tuple[str, str, str], ...] = (
    ("adds two numbers", "a, b", "a + b"),
    ("multiplies two numbers", "a, b", "a * b"),
    ("subtracts two numbers", "a, b", "a - b"),
    ("returns the larger of two numbers", "a, b", "max(a, b)"),
    ("returns the smaller of two numbers", "a, b", "min(a, b)"),
    ("doubles a number", "number", "number * 2"),
    ("squares a number", "number", "number ** 2"),
    ("halves a number", "number", "number / 2"),
    ("adds {k} to a number", "number", "number + {k}"),
    ("multiplies a number by {k}", "number", "number * {k}"),
    ("tells whether a number is even", "number", "number % 2 == 0"),
    ("tells whether a number is odd", "number", "number % 2 == 1"),
    ("tells whether a number is greater than {k}", "number", "number > {k}"),
    ("returns the remainder of a number divided by {k}", "number", "number % {k}"),
    ("converts Celsius to Fahrenheit", "celsius", "celsius * 9 / 5 + 32"),
    ("reverses a word", "word", "word[::-1]"),
    ("counts the letters of a word", "word", "len(word)"),
    ("writes a word in capitals", "word", "word.upper()"),
    ("repeats a word {k} times", "word", "word * {k}"),
    ("greets a person", "name", '"Hello, " + name + "!"'),
    ("returns the first letter of a word", "word", "word[0]"),
    ("returns the last letter of a word", "word", "word[-1]"),
    ("returns the sum of a list", "numbers", "sum(numbers)"),
    ("returns the largest number of a list", "numbers", "max(numbers)"),
    ("sorts a list of numbers", "numbers", "sorted(numbers)"),
    ("counts the items of a list", "numbers", "len(numbers)"),
)
FUNCTION_TASKS = phrases("""
    Write a function {name} that {does} and print the result for {args} |
    Write a function called {name} that {does}. Call it with {args} |
    Create a function {name} that {does}, then print {name} of {args} |
    Define a function named {name} that {does} and print it for {args} |
    Make a function {name} that {does} and test it with {args}
""")


def draw_arguments(random: Random, parameters: str) -> tuple[str, str, list[object]]:
    """Arguments as said, as written in Python, and as values."""
    if parameters == "a, b":
        a, b = random.randint(0, 99), random.randint(0, 99)
        return f"{a} and {b}", f"{a}, {b}", [a, b]
    if parameters in ("number", "celsius"):
        value = random.randint(0, 199)
        return str(value), str(value), [value]
    if parameters == "numbers":
        values = numbers(random, random.randint(3, 6))
        return ", ".join(map(str, values)), str(values), [values]
    word = any_name(random) if parameters == "name" else any_word(random)
    return word, f'"{word}"', [word]


def function_program(random: Random) -> Sample:
    """A named function of one line, called once."""
    does, parameters, expression = random.choice(FUNCTIONS)
    k = random.randint(2, 20)
    does, expression = does.format(k=k), expression.format(k=k)
    name = random.choice(
        (invented(random), any_word(random), f"{any_word(random)}_{any_word(random)}", f"my_{any_word(random)}")
    )
    said, written, values = draw_arguments(random, parameters)
    task = random.choice(FUNCTION_TASKS).format(name=name, does=does, args=said)
    code = f"def {name}({parameters}):\n    return {expression}\n\n\nprint({name}({written}))"
    result = eval(expression, {}, dict(zip(parameters.split(", "), values, strict=True)))
    turns = ask(wish(random, task), system=random.choice(SYSTEMS))
    return sample("functions", turns, fenced(random, code), {"stdout": str(result)})


# --- mending after a traceback --------------------------------------------------------------------------------------

FIX = phrases("""
    Fix the error | Fix the error. | Correct the code | There is an error, fix it | Mend the code |
    Please fix the error in the code | Correct the error | It does not work, fix it | Fix the code |
    Refine the previous response and fix the error | Solve the error | If there is an error, fix it |
    Correct the errors in your previous response, if any | Correct the errors, if any | Corrige o erro
""")
FILES = phrases("""
    temp.py | step-1.py | step-2.py | step-3.py | main.py | code.py | program.py
""")
Broken = tuple[str, str, int, str, str, str]  # broken code, mended code, wrong line, message, reason, expected output


def misspelt(random: Random) -> Broken:
    """A name that is not the one defined."""
    name = any_word(random)
    wrong = name[:-1] if len(name) > 3 and random.random() < 0.5 else name + random.choice("sexn")
    a, b = random.randint(1, 999), random.randint(1, 999)
    code = f"{name} = {a} + {b}\nprint({{}})"
    message = f"NameError: name '{wrong}' is not defined" + (
        f". Did you mean: '{name}'?" if random.random() < 0.8 else ""
    )
    return code.format(wrong), code.format(name), 2, message, f"The variable is called {name}.", str(a + b)


def missing_import(random: Random) -> Broken:
    """A module used without being imported."""
    module, expression, value = random.choice(
        (
            ("math", "math.sqrt(16)", "4.0"),
            ("math", "math.floor(3.7)", "3"),
            ("math", "math.gcd(12, 18)", "6"),
            ("statistics", "statistics.mean([1, 2, 3])", "2"),
            ("statistics", "statistics.median([4, 7, 9])", "7"),
        )
    )
    name = any_word(random)
    body = f"{name} = {expression}\nprint({name})"
    hint = f". Did you forget to import '{module}'?" if random.random() < 0.8 else ""
    message = f"NameError: name '{module}' is not defined{hint}"
    return body, f"import {module}\n\n{body}", 1, message, f"The module {module} has to be imported.", value


def text_plus_number(random: Random) -> Broken:
    """A text joined with a number."""
    name, word, value = any_word(random), any_word(random).capitalize(), random.randint(1, 999)
    code = f'{name} = {value}\nprint("{word}: " + {{}})'
    message = 'TypeError: can only concatenate str (not "int") to str'
    return (
        code.format(name),
        code.format(f"str({name})"),
        2,
        message,
        "The number has to be turned into text.",
        f"{word}: {value}",
    )


def division_by_zero(random: Random) -> Broken:
    """A division that is not guarded."""
    name, value = any_word(random), random.randint(1, 999)
    head = f"{name} = 0\n"
    broken = head + f"print({value} / {name})"
    mended = head + f'if {name} == 0:\n    print("cannot divide by zero")\nelse:\n    print({value} / {name})'
    return (
        broken,
        mended,
        2,
        "ZeroDivisionError: division by zero",
        "A division by zero has to be avoided.",
        "cannot divide by zero",
    )


def index_too_large(random: Random) -> Broken:
    """An index beyond the end of a list."""
    name, values = any_word(random), numbers(random, random.randint(3, 6))
    code = f"{name} = {values}\nprint({name}[{{}}])"
    wrong = len(values) + random.randint(0, 3)
    return (
        code.format(wrong),
        code.format(-1),
        2,
        "IndexError: list index out of range",
        "The last item has the index -1.",
        str(values[-1]),
    )


def missing_key(random: Random) -> Broken:
    """A key that the dictionary does not have."""
    name, key, value = any_word(random), any_word(random), random.randint(1, 99)
    wrong = key + random.choice("sxnt") if random.random() < 0.6 else key.capitalize()
    code = f'{name} = {{{{"{key}": {value}}}}}\nprint({name}["{{}}"])'
    return code.format(wrong), code.format(key), 2, f"KeyError: '{wrong}'", f"The key is called {key}.", str(value)


def syntax_error(random: Random) -> Broken:
    """A colon or a bracket that is missing."""
    count, word = random.randint(2, 9), any_word(random)
    if random.random() < 0.5:
        mended = f'for number in range({count}):\n    print("{word}", number)'
        broken, line, message, reason = (
            mended.replace(":\n", "\n"),
            1,
            "SyntaxError: expected ':'",
            "A colon was missing.",
        )
    else:
        mended = f'{word} = {count}\nprint({word}, "times")'
        broken, line, message, reason = mended[:-1], 2, "SyntaxError: '(' was never closed", "A bracket was missing."
    expected = "\n".join(f"{word} {number}" for number in range(count)) if "for " in mended else f"{count} times"
    return broken, mended, line, message, reason, expected


BREAKS = (misspelt, missing_import, text_plus_number, division_by_zero, index_too_large, missing_key, syntax_error)


def traceback_of(random: Random, code: str, line: int, message: str) -> str:
    """A traceback as Python prints it."""
    source = code.splitlines()[line - 1]
    file = random.choice(FILES)
    if message.startswith("SyntaxError"):
        mark = " " * 4 + " " * source.find("(") + "^" if "never" in message else " " * (4 + len(source)) + "^"
        return f'  File "{file}", line {line}\n    {source}\n{mark}\n{message}'
    head = "Traceback (most recent call last):\n"
    marks = ""
    if random.random() < 0.5:
        width = random.randint(3, max(4, len(source) - 4))
        marks = "    " + " " * random.randint(0, 8) + random.choice("^~") * width + random.choice(("", "^^^")) + "\n"
    return f'{head}  File "{file}", line {line}, in <module>\n    {source}\n{marks}{message}'


def mend(random: Random) -> Sample:
    """The previous response holds code and its traceback; the answer is the mended code."""
    broken, mended, line, message, reason, expected = random.choice(BREAKS)(random)
    output = traceback_of(random, broken, line, message)
    joint = random.choice(("\n\n", "\n\n", "\n", "\n\nOutput:\n", "\n\nOutput of the code:\n"))
    previous = fenced(random, broken) + joint + output
    system = random.choice(SYSTEMS)
    kind = random.random()
    if kind < 0.75:
        earlier = "" if random.random() < 0.7 else "Write a small Python program"
        turns = ask(random.choice(FIX), system=system, previous=previous, earlier_user=earlier)
    else:
        turns = ask(f"{random.choice(FIX).rstrip('.')}:\n{previous}", system=system)
    answer = f"{reason} Here is the code:\n```python\n{mended}\n```"
    return sample("mend", turns, answer, {"stdout": expected})
