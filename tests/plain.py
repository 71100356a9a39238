"""Plain HTTP to servers of this machine: a client for TLS would first read all certificates, for 30 ms."""

from functools import partial

import httpx

from eva01.client.tls import NOBODY

#: Longest wait for an answer, in seconds.
_PATIENCE_S = 60.0

get = partial(httpx.get, timeout=_PATIENCE_S, verify=NOBODY)
put = partial(httpx.put, timeout=_PATIENCE_S, verify=NOBODY)
post = partial(httpx.post, timeout=_PATIENCE_S, verify=NOBODY)
delete = partial(httpx.delete, timeout=_PATIENCE_S, verify=NOBODY)
Client = partial(httpx.Client, timeout=_PATIENCE_S, verify=NOBODY)
