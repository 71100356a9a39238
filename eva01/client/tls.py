"""Whom a client trusts over TLS. Plain HTTP needs nobody; to read the system's certificates takes 30 ms."""

import ssl

#: Trusts nobody: with it any https address fails.
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusted_for(server: str) -> ssl.SSLContext | bool:
    """What httpx takes as `verify` for a server: nobody for http://, else True, the system's certificates."""
    return NOBODY if server.lower().startswith("http://") else True
