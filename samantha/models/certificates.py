"""Whether a connection failed because a certificate is not trusted: the hub and servers both have to say so."""

import ssl


def untrusted(error: BaseException | None) -> bool:
    """Whether an untrusted certificate is among the causes of an error; libraries wrap it in several layers."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
