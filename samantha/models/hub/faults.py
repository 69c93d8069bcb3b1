"""What can go wrong between two computers, how patient the program is, and what the hub's refusals mean."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time

import msgspec

from samantha.errors import DownloadError

TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which asking again makes sense."""


class Patience(msgspec.Struct, frozen=True):
    """How long to wait, in seconds, and how often to try.

    `attempts` counts faults in a row without a mebibyte won between them; waits double from `first_wait` up to
    `longest_wait`; a server that asks for more than `longest_request` is not waited for. `silence` is how long a
    connection may bring nothing, `answer` how long a whole answer about a model may take.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 30.0
    longest_request: float = 120.0
    connect: float = 10.0
    silence: float = 30.0
    answer: float = 60.0

    def wait(self, fault: int, asked: float | None) -> float:
        """Seconds to wait after fault number `fault` (from 1), where the server `asked` for so many."""
        return max(min(self.first_wait * 2.0 ** (fault - 1), self.longest_wait), asked or 0.0)


class TemporaryFault(DownloadError):
    """Something that may be over in a moment. `retry_after` is what the server asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number or a date; None where it says nothing that can be read."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time()) if value else None
    except (ValueError, OverflowError):
        return None


def refusal(
    status: int, headers: Mapping[str, str], what: str, repository: str, page: str, token: bool
) -> DownloadError:
    """What a status other than success means for `what`, in a sentence, with what to do next."""
    code = headers.get("x-error-code", "")
    said = headers.get("x-error-message", "").lower()
    if status in TEMPORARY:
        return TemporaryFault(_busy(status, what), retry_after(headers))
    if "disabled" in said:
        return DownloadError(f"The hub has disabled {repository}: choose another repository.")
    if code == "GatedRepo":
        return DownloadError(_gated(repository, page, token))
    if "invalid" in said and token and status == 401:
        return DownloadError(
            "The hub does not accept your token (it may have been revoked or have run out): make a new one with"
            f" `hf auth login`, or remove HF_TOKEN if {repository} is public."
        )
    if status in (401, 403) or code == "RepoNotFound":
        return DownloadError(_hidden(repository or what, token))
    if code == "RevisionNotFound":
        return DownloadError(f"{repository} has no such revision as {what} asks for: leave it out, or correct it.")
    if status in (404, 410):
        return DownloadError(f"{what} does not exist: check its spelling, or choose another file on {page}.")
    return DownloadError(f"{what} cannot be fetched: its server answered with status {status}. Try another link.")


def _busy(status: int, what: str) -> str:
    if status == 429:
        return f"The server of {what} has had too many requests from here (status 429): try again later."
    return f"The server of {what} has a problem of its own (status {status}): try again later."


def _gated(repository: str, page: str, token: bool) -> str:
    if token:
        return (
            f"{repository} is gated and your account has not been let in yet: accept its terms on {page},"
            " wait for them to be granted where that is done by hand, and try again."
        )
    return f"{repository} is gated: accept its terms on {page}, then sign in with `hf auth login` (or set HF_TOKEN)."


def _hidden(repository: str, token: bool) -> str:
    if token:
        return f"{repository} does not exist, or is private and not open to your token: check its name or the token."
    return f"{repository} does not exist, or is private: check its name, or sign in with `hf auth login`."
