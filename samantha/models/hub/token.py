"""The user's token for gated and private repositories, from where Hugging Face's own tools keep it."""

from samantha.errors import DownloadError


def token() -> str | None:
    """`HF_TOKEN`, or what `hf auth login` stored; None where there is neither.

    Raises:
        DownloadError: it is stored, but cannot be read.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    try:
        found = huggingface_hub.get_token()
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise DownloadError(
            f"The stored Hugging Face token cannot be read ({type(error).__name__}): run `hf auth login`."
        ) from None
    if found and not (found.isascii() and found.isprintable() and " " not in found):
        raise DownloadError("HF_TOKEN holds spaces or special characters: it cannot be a token, copy it again.")
    return found or None
