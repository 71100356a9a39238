"""Servers of a test's own, each in a thread that ends with them, and that keeps no process."""

import threading
from typing import Protocol, Self

#: Longest wait for a server's thread, in seconds.
_PATIENCE_S = 30.0


class Server(Protocol):
    """As those of socketserver, and Werkzeug's."""

    def serve_forever(self, poll_interval: float = 0.5) -> None: ...

    def shutdown(self) -> None: ...

    def server_close(self) -> None: ...


class Serving:
    """Serves from now until `end`, or until the block of a `with` is left, however that happens."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join(_PATIENCE_S)
        self._server.server_close()
