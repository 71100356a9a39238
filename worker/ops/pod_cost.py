"""Tells the cluster which pods are busy: a fleet that shrinks loses its idle ones first, its full ones last.

A ReplicaSet removes the pods with the lowest `controller.kubernetes.io/pod-deletion-cost`. It knows nothing
of jobs, so each worker keeps that annotation of its own pod. Outside a cluster there is nothing to do.
"""

import http.client
import json
import logging
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
#: The deletion cost of a pod that holds no job, of one that holds some, and of one whose slots are all taken.
IDLE, BUSY, FULL = 0, 100, 200
#: Where a cluster puts what a pod's service account needs.
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: Seconds between two looks at what is held.
_LOOK_S = 0.5
#: Shortest time between two patches, in seconds: each is a write to the cluster's own store.
_PAUSE_S = 10.0
#: Seconds until a patch that failed is tried again.
_PAUSE_AFTER_FAILURE_S = 60.0
#: Seconds to wait for the API server.
_TIMEOUT_S = 5.0
#: Bytes read of what the API server says.
_REPLY_BYTES = 1024 * 1024


class PatchFailed(Exception):
    """Raised when the API server cannot be reached, or refuses; says why."""


@dataclass(frozen=True)
class Pod:
    """This worker's own pod, and how to reach the API server from it."""

    name: str
    host: str
    port: int
    #: The folder with the service account's token, its namespace, and the certificate of the API server.
    account: Path

    @classmethod
    def here(cls, name: str) -> "Pod | None":
        """The pod that this process runs in; None outside a cluster, or when nobody says the pod's name."""
        host = os.environ.get("KUBERNETES_SERVICE_HOST")
        if not (name and host):
            return None
        return cls(name, host, int(os.environ.get("KUBERNETES_SERVICE_PORT", "443")), ACCOUNT)

    def set_cost(self, cost: int) -> None:
        """Write the pod's deletion cost.

        Raises PatchFailed.
        """
        try:
            status, reply = self._patch({"metadata": {"annotations": {ANNOTATION: str(cost)}}})
        except (OSError, http.client.HTTPException) as error:
            raise PatchFailed(f"{self.host}:{self.port}: {str(error) or type(error).__name__}") from error
        if status != http.client.OK:
            raise PatchFailed(f"{status}: {_message(reply)}")

    def _patch(self, change: dict[str, object]) -> tuple[int, bytes]:
        """Send a merge patch; gives the reply's status and body."""
        # All three are read each time: the cluster replaces token and certificate while the pod runs.
        token, namespace = (self._read(name) for name in ("token", "namespace"))
        tls = ssl.create_default_context(cafile=self.account / "ca.crt")
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=_TIMEOUT_S, context=tls)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
        try:
            path = f"/api/v1/namespaces/{namespace}/pods/{self.name}?fieldManager=eva01-worker"
            connection.request("PATCH", path, json.dumps(change), headers)
            response = connection.getresponse()
            return response.status, response.read(_REPLY_BYTES)
        finally:
            connection.close()

    def _read(self, name: str) -> str:
        return (self.account / name).read_text(encoding="ascii").strip()


class PodCost:
    """Keeps the pod's deletion cost in step with what the worker holds, in a thread of its own.

    It writes when the worker turns idle, busy or full, and once at the beginning, because a container that
    was started anew finds what the one before has left. Writes are at least ten seconds apart; what is true
    at the end of that time is written. Full is who was so within ten seconds: a slot is free for a moment,
    until its next job comes. While writes fail, work goes on: one warning, and a try a minute.
    """

    def __init__(
        self,
        set_cost: Callable[[int], None],
        how_many_held: Callable[[], int],
        how_many_slots: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._set_cost = set_cost
        self._how_many_held = how_many_held
        self._how_many_slots = how_many_slots
        self._clock = clock
        self._written: int | None = None
        self._was_full_at_s = float("-inf")
        self._next_write_at_s = clock()
        self._is_failing = False
        self._is_ending = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="pod-cost", daemon=True).start()

    def stop(self) -> None:
        """Look no more; a pod that ends needs no cost."""
        self._is_ending.set()

    def look(self) -> None:
        """Write the cost, if it is another than the one last written and it is time."""
        cost = self._cost()
        if cost == self._written or self._clock() < self._next_write_at_s:
            return
        try:
            self._set_cost(cost)
        except PatchFailed as error:
            self._next_write_at_s = self._clock() + _PAUSE_AFTER_FAILURE_S
            self._note_failure(error)
        else:
            self._next_write_at_s = self._clock() + _PAUSE_S
            self._written = cost
            self._note_success()

    def _cost(self) -> int:
        held = self._how_many_held()
        if not held:
            return IDLE
        if held >= self._how_many_slots():
            self._was_full_at_s = self._clock()
        return FULL if self._clock() - self._was_full_at_s < _PAUSE_S else BUSY

    def _run(self) -> None:
        while not self._is_ending.wait(_LOOK_S):
            self.look()

    def _note_failure(self, error: PatchFailed) -> None:
        if not self._is_failing:
            logger.warning(
                "The pod's deletion cost cannot be written (%s). Work goes on, but a fleet that shrinks may"
                " lose this pod while it is busy. Its service account needs a Role that can patch pods.",
                error,
            )
        self._is_failing = True

    def _note_success(self) -> None:
        if self._is_failing:
            logger.info("The pod's deletion cost can be written again.")
        self._is_failing = False


def _message(reply: bytes) -> str:
    """What the API server says, in its own words if it has any."""
    try:
        return str(json.loads(reply)["message"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
