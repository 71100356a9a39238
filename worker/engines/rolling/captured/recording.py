"""How what is computed on a device is recorded, to be run again with other numbers in the same places."""

from collections.abc import Callable
from typing import Protocol

import torch

from jobs.contract.settings import WorkerSettings
from worker.engines.devices import first_line

#: Runs before one is recorded: libraries make what they need with the first, such as their room to work in.
_WARM_UP = 2

Run = Callable[[], torch.Tensor]


class NotRecorded(Exception):
    """Raised when something cannot be recorded; the device works on."""


class Recorder(Protocol):
    """Records what a function does to tensors, whose places in memory stay the same."""

    def record(self, run: Run) -> Run:
        """A function that does again what `run` did; it gives the same tensor each time, with other numbers.

        Runs it as well. Raises NotRecorded.
        """


class Plain:
    """Records nothing, and runs the function each time: the same without a GPU."""

    def record(self, run: Run) -> Run:
        """See Recorder."""
        said = run()
        return lambda: said.copy_(run())


class CudaGraphs:
    """Records CUDA graphs, which share memory, since one runs after the other."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        with torch.cuda.device(device):
            self._stream = torch.cuda.Stream(device)
            self._memory = torch.cuda.graph_pool_handle()

    def record(self, run: Run) -> Run:
        """See Recorder."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            try:
                said = self._recorded(graph, run)
            except Exception as error:
                # Raises where it is the device that is lost.
                torch.cuda.synchronize(self._device)
                torch.cuda.empty_cache()
                raise NotRecorded(first_line(error)) from error

        def again() -> torch.Tensor:
            graph.replay()
            return said

        return again

    def _recorded(self, graph: torch.cuda.CUDAGraph, run: Run) -> torch.Tensor:
        current = torch.cuda.current_stream()
        # On the stream that records, because what libraries keep is kept for each.
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UP):
                run()
        current.wait_stream(self._stream)
        # Other threads are free to use the device meanwhile.
        mode = "thread_local"
        with torch.cuda.graph(graph, self._memory, self._stream, capture_error_mode=mode):
            return run()


def recorder_for(device: torch.device, settings: WorkerSettings) -> Recorder | None:
    """What records the steps on a device; None where they are not recorded."""
    if device.type != "cuda" or settings.cuda_graphs == "off":
        return None
    return CudaGraphs(device)
