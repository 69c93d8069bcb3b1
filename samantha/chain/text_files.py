"""Text files in any usual encoding: read whole, with a sentence for each way in which that can fail.

What is not here: what the text means.
"""

from pathlib import Path

from samantha.errors import ChainError

MOST_BYTES = 16 * 2**20
"""A larger file is no prompt list: reading it would only fill the memory."""

_WESTERN = frozenset("áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑßœŒ“”‘’–—…«»¿¡ºª°§€·\u00a0")


def read_text(path: Path) -> str:
    """The text of a file of any usual encoding, with line breaks as they are.

    Raises:
        ChainError: missing, a folder, unreadable, too large, or not text.
    """
    try:
        if path.is_dir():
            raise ChainError(f"{path} is a folder: give the path of a file in it.")
        if not path.exists():
            raise ChainError(f"There is no file {path}: check its name and folder.")
        if not path.is_file():
            raise ChainError(f"{path} is not an ordinary file, so it cannot be read.")
        if path.stat().st_size > MOST_BYTES:
            raise ChainError(f"{path} is larger than {MOST_BYTES // 2**20} MiB: split it into smaller files.")
        data = path.read_bytes()
    except OSError as error:
        raise ChainError(f"{path} cannot be read ({error.strerror}): check its name and its permissions.") from error
    return _decoded(data, path)


def _decoded(data: bytes, path: Path) -> str:
    try:
        text: str | None = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _western(data) or _recognised(data)
    if text is None or "\0" in text:
        raise ChainError(f"{path} is not a text file, or its encoding was not recognised: save it as UTF-8.")
    return text


def _western(data: bytes) -> str | None:
    """The text in Windows' western code page, or None where that gives signs that western languages hardly use.

    Asked first, because short Portuguese texts are too little for a statistical guess, which often says cp1250 or big5.
    """
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    foreign = [character for character in text if not character.isascii()]
    few = 2 * sum(map(str.isalpha, foreign)) <= sum(map(str.isalpha, text))
    return text if few and _WESTERN.issuperset(foreign) else None


def _recognised(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return str(best) if best else None


def encoded(text: str, what: str) -> bytes:
    """`text` as UTF-8; `what` names it in the message.

    Raises:
        ChainError: it holds half of a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        code = f"U+{ord(text[error.start]):04X}"
        raise ChainError(f"{what} holds {code}, half of a character, which a file cannot hold: delete it.") from None
