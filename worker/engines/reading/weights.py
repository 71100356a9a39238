"""The weights of detector and recognizer, which come inside RapidOCR's wheel: nothing is downloaded."""

from importlib.resources import files
from pathlib import Path

from onnxruntime import InferenceSession, SessionOptions

from worker.engines.reading.detector import Detector
from worker.engines.reading.page import PageReader
from worker.engines.reading.recognizer import Recognizer


def open_reader(threads: int) -> PageReader:
    """A reader of pages that works with so many threads.

    Raises FileNotFoundError where the wheel brings other files.
    """
    detector = Detector(_session("*_det_small.onnx", threads))
    return PageReader(detector, Recognizer(_session("*_rec_small.onnx", 1)), threads)


def _session(pattern: str, threads: int) -> InferenceSession:
    folder = Path(str(files("rapidocr"))) / "models"
    path = next(iter(sorted(folder.glob(pattern))), None)
    if path is None:
        raise FileNotFoundError(f"there is no {pattern} in {folder}")
    options = SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that wait for work would else keep their cores busy with waiting.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # What one picture took is there for the next. To ask the system for it each time, a gigabyte for a large
    # page, takes as long as to look at it, and no less memory is needed at the most.
    options.enable_cpu_mem_arena = True
    # Plans of memory are kept for each size of the input, and hardly two are the same.
    options.enable_mem_pattern = False
    return InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
