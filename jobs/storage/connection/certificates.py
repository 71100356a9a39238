"""The files of certificates that an address names, tried before anything is connected."""

import ssl
from pathlib import Path


def readable(path: str) -> str:
    """The path of a file that can be read.

    Raises ValueError.
    """
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    return path


def authorities(path: str) -> str:
    """The path of a file of certificates to believe in.

    Raises ValueError.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(readable(path))
    except ssl.SSLError as error:
        raise ValueError("is no file of certificates (PEM)") from error
    return path


def check_own(certificate: str | None, key: str | None) -> None:
    """Raises ValueError unless the files of our own certificate and of its key belong together."""
    if key and not certificate:
        raise ValueError("it has the option ssl_keyfile, and no ssl_certfile")
    if not certificate:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError):
        raise ValueError(
            f"its options ssl_certfile ({certificate!r}) and ssl_keyfile ({key!r}) are no certificate and its"
            " key without a password (PEM)"
        ) from None


def _no_password() -> str:
    """Called by OpenSSL, which would else ask on the terminal."""
    return ""
