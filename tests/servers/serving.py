"""HTTP and TCP servers in a daemon thread of the test's process."""

import threading
from typing import Protocol, Self

#: Longest wait for a server's thread, in seconds.
_PATIENCE_S = 30.0


class Server(Protocol):
    """The methods that servers of socketserver and Werkzeug share."""

    def serve_forever(self, poll_interval: float = 0.5) -> None: ...

    def shutdown(self) -> None: ...

    def server_close(self) -> None: ...


class Serving:
    """Serves from its creation until `end`, or until the `with` block is left."""

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
