"""Prepare an image for questions, once for all slots that hold it at the same time.

    fetch ──► decode ──► see

A file is fetched once, however many of its pages are decoded while somebody holds it.
"""

from contextlib import AbstractContextManager
from typing import Any, Generic

from jobs.storage.files.blobs import BlobStore
from worker.device.base import Cancelled
from worker.engines.base import Engine, Prepared, Seen
from worker.job.decode.decoder import Decoded, Decoder
from worker.job.decode.room import CheckWanted
from worker.job.in_flight import Held, InFlight
from worker.ops.metrics import ModelMetrics


class Preparation(Generic[Seen]):
    """Makes images ready for the engine; safe to use from many threads.

    A value lives until the last slot lets go of it; an error is raised in all slots that wait for the image.
    """

    def __init__(
        self, blobs: BlobStore, decoder: Decoder, engine: Engine[Seen, Prepared], metrics: ModelMetrics
    ) -> None:
        self._blobs, self._decoder, self._metrics = blobs, decoder, metrics
        self._engine: Engine[Seen, Any] = engine
        self._usual_pixels = engine.enough_pixels
        self._files: InFlight[bytes] = InFlight()
        self._decoded: InFlight[Decoded] = InFlight()
        self._seen: InFlight[Seen] = InFlight()

    def fetched(self, sha256: str) -> AbstractContextManager[Held[bytes]]:
        """Hold an image's file.

        Raises NotFound, Unavailable, or GivenBack when the worker stops first.
        """
        return self._files.hold(sha256, lambda: self._fetch(sha256))

    def decoded(
        self,
        sha256: str,
        page: int = 1,
        check_wanted: CheckWanted = lambda: None,
        max_pixels: int | None = None,
        dpi: int | None = None,
    ) -> AbstractContextManager[Held[Decoded]]:
        """Hold the pixels of an image, or of a page of it, enough of them to be seen at `max_pixels`.

        A page of a PDF is drawn at `dpi`.

        Raises what `fetched` and the decoder raise, and what `check_wanted` raises while it waits for room.
        """
        enough = max(max_pixels or 0, self._usual_pixels)
        return self._decoded.hold(
            (sha256, page, enough, dpi),
            lambda: self._decode(sha256, page, check_wanted, enough, dpi),
            own=(Cancelled,),
        )

    def seen(
        self,
        sha256: str,
        page: int,
        decoded: Decoded,
        max_pixels: int | None = None,
        dpi: int | None = None,
    ) -> AbstractContextManager[Held[Seen]]:
        """Hold what the engine makes of its pixels, at most so many of them, which were drawn at `dpi`.

        It may make that of the file as it came, where nothing else is asked for.

        Raises EngineFailure or ImageRejected.
        """
        return self._seen.hold((sha256, page, max_pixels, dpi), lambda: self._see(decoded, max_pixels))

    def _fetch(self, sha256: str) -> bytes:
        with self._metrics.stage("fetch"):
            return self._blobs.get_image(sha256)

    def _decode(
        self, sha256: str, page: int, check_wanted: CheckWanted, enough_pixels: int, dpi: int | None
    ) -> Decoded:
        with self.fetched(sha256) as file, self._metrics.stage("decode"):
            return self._decoder.decode(file.value, page, check_wanted, enough_pixels, dpi)

    def _see(self, decoded: Decoded, max_pixels: int | None) -> Seen:
        with self._metrics.stage("see"):
            as_it_came = None
            if decoded.file is not None and max_pixels is None:
                as_it_came = self._engine.see_file(decoded.file)
            return as_it_came or self._engine.see(decoded.image, max_pixels)
