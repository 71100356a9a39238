"""Which ports are free on this machine."""

import socket
from collections.abc import Container

from eva01.cli.errors import CommandError

#: Ports tried after the one wished for.
_TRIES = 100


def is_free(host: str, port: int) -> bool:
    """True when a server could listen there now."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As servers do: a port with connections in TIME_WAIT counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


def any_free(host: str = "127.0.0.1") -> int:
    """A free port of the system's choice."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def next_free(host: str, wished: int, taken: Container[int]) -> int:
    """The first free port from `wished` on that is not `taken`; any free one for 0.

    Raises CommandError when a hundred in a row are in use.
    """
    if wished == 0:
        # The system may name one twice, as it is held by nobody yet.
        while (port := any_free()) in taken:
            pass
        return port
    for port in range(wished, min(wished + _TRIES, 65536)):
        if port not in taken and is_free(host, port):
            return port
    raise CommandError("no_port", f"No port from {wished} on is free on {host}. Set EVA01_WORKER_PORT.")


def reachable(host: str) -> str:
    """The address at which a server on `host` is reached from this machine."""
    if host in ("0.0.0.0", ""):  # noqa: S104 (compared, not bound)
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
