"""Who asks: what is kept for one caller is not given to another.

There are no accounts. Until there are, callers are told apart by the credentials that a proxy with a login
has asked them for and passes on; without any, all are one.
"""

from flask import request


def caller() -> str:
    """What tells the request's caller from others; a secret, to be kept as a digest only."""
    return request.headers.get("Authorization", "")
