"""Sends pictures as a user's program does: a failed upload is repeated until all are accepted."""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from eva01 import Client
from eva01.client.errors import ServerAway
from tests.chaos.pictures import Picture

#: Seconds for which one call is retried; then everything that was not accepted is sent again.
_CALL_PATIENCE_S = 5.0
#: Longest time without any accepted picture, in seconds: longer than any fault lasts.
_PATIENCE_S = 600.0
#: Portions that are sent in parallel.
_AT_A_TIME = 3


class Sender:
    """Sends portions of `pictures` to the batches in turn, several portions at a time."""

    def __init__(self, server: str, batch_ids: Sequence[str], pictures: Sequence[Picture]) -> None:
        self._server = server
        self._batch_ids = itertools.cycle(batch_ids)
        self._unsent = list(pictures)
        self._threads = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="sender")
        self._portions: list[Future[None]] = []
        #: How often an upload was cut off and sent again.
        self.resumed = 0

    @property
    def unsent(self) -> int:
        """Pictures that no portion had yet."""
        return len(self._unsent)

    @property
    def is_busy(self) -> bool:
        """True while a portion is being sent."""
        return not all(portion.done() for portion in self._portions)

    def send(self, count: int) -> None:
        """Begin to send the next `count` pictures."""
        portion, self._unsent = self._unsent[:count], self._unsent[count:]
        if portion:
            self._portions.append(self._threads.submit(self._send, next(self._batch_ids), portion))

    def wait(self) -> None:
        """Send what is left, and wait until all is accepted; raises what went wrong for good."""
        self.send(self.unsent)
        for portion in self._portions:
            portion.result()
        self._threads.shutdown()

    def _send(self, batch_id: str, pictures: Sequence[Picture]) -> None:
        files = {picture.name: picture.file for picture in pictures}
        heard_s = time.monotonic()
        while files:
            assert time.monotonic() < heard_s + _PATIENCE_S, f"for {_PATIENCE_S} s no file was accepted"
            with Client(self._server, patience_s=_CALL_PATIENCE_S) as client:
                try:
                    for sent in client.upload_files(batch_id, list(files.values())):
                        assert sent.job_id and not sent.error, f"{sent.file} was refused: {sent.error}"
                        del files[sent.file]
                        heard_s = time.monotonic()
                except ServerAway:
                    self.resumed += 1
