"""Code and responses from a file or from standard input."""

import sys
from pathlib import Path

from samantha.chain.text_files import read_text
from samantha.cli.reading import standard_input
from samantha.code import numbered

STANDARD_INPUT = "-"


def code_of(name: str) -> str:
    """Python code, in the encoding that it declares.

    Raises:
        CodeError: it cannot be read, or is no Python text.
    """
    if name == STANDARD_INPUT:
        return numbered.decoded(sys.stdin.buffer.read(), "Standard input")
    return numbered.source(Path(name))


def response_of(name: str) -> str:
    """The text of a response.

    Raises:
        ChainError: it cannot be read, or is no text.
    """
    return standard_input() if name == STANDARD_INPUT else read_text(Path(name))
