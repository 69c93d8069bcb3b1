"""Text from standard input, whatever the console's encoding is."""

import sys

from samantha.errors import ChainError


def standard_input() -> str:
    """All of standard input.

    Raises:
        ChainError: it is no UTF-8 text.
    """
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChainError(f"Standard input is not UTF-8 text (byte {error.start}): save it as UTF-8 first.") from None
