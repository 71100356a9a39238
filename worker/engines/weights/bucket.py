"""A model's files out of a bucket: into a folder of this machine, by many reads at a time.

    s3://bucket/models/Qwen2.5-VL-7B-Instruct ──► list ──► what differs, in parts ──► $HF_HOME/buckets/…

What is there already, as after a restart, is not read again. Each file has the time of its object, so that
weights have one identity on all machines.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import obstore
from huggingface_hub import constants
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from jobs.contract.catalog import name_of
from worker.engines.devices import first_line

logger = logging.getLogger(__name__)

_SCHEMES = ("s3://", "gs://", "az://", "file://")
#: What models are made of. Nothing else is fetched: neither pickles nor code.
_FETCHED = (".safetensors", ".json", ".jinja", ".txt", ".model")
#: Bytes of one read: at a slow megabyte a second it takes less than the store's time limit of 30 s.
_PART_BYTES = 16 * 1024 * 1024
_NEW = ".part"
_EPOCH = datetime.fromtimestamp(0, UTC)

_Files = Mapping[str, "obstore.ObjectMeta"]


class NotFetched(Exception):
    """Raised when a model cannot be had from its bucket."""


def is_in_bucket(source: str) -> bool:
    """True for an address of a bucket, or of a folder that is read as one.

    >>> is_in_bucket("s3://eva01-example/models/any"), is_in_bucket("Qwen/Qwen2.5-VL-7B-Instruct")
    (True, False)
    """
    return source.startswith(_SCHEMES)


def fetch(address: str, streams: int) -> Path:
    """The folder with the files that are at `address` now; `streams` parts are read at a time.

    Raises NotFetched.
    """
    digest = hashlib.sha256(address.encode()).hexdigest()[:12]
    folder = Path(constants.HF_HOME, "buckets", f"{name_of(address)}-{digest}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store = from_url(address)
        with _alone(folder):
            files = _listed(store)
            _remove_others(folder, files)
            differ = {name: about for name, about in files.items() if not _is_same(folder / name, about)}
            if differ:
                gigabytes = sum(about["size"] for about in differ.values()) / 1e9
                logger.info("Reading %d files, %.1f GB, from %s.", len(differ), gigabytes, address)
            _read(store, differ, folder, streams)
    except (BaseError, OSError, ValueError) as error:
        # The library's first line says what happened, its others are its state.
        raise NotFetched(first_line(error)) from error
    return folder


def read_settings(address: str, name: str) -> Any:
    """What a file of JSON at `address` says; None where there is none that can be read."""
    try:
        return json.loads(bytes(obstore.get(from_url(address), name).bytes()))
    except (BaseError, OSError, ValueError):
        return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; another waits, and then finds all there."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _listed(store: ObjectStore) -> _Files:
    """The model's files in the bucket, by name. Raises FileNotFoundError where there is no model."""
    listed = chain.from_iterable(obstore.list(store))
    files = {about["path"]: about for about in listed if _is_wanted(about["path"])}
    if "config.json" not in files or not any(name.endswith(".safetensors") for name in files):
        raise FileNotFoundError("there is no config.json with weights as safetensors beside it")
    return files


def _is_wanted(name: str) -> bool:
    return "/" not in name and name.endswith(_FETCHED)


def _remove_others(folder: Path, files: _Files) -> None:
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()


def _is_same(path: Path, about: "obstore.ObjectMeta") -> bool:
    if not path.exists():
        return False
    there = path.stat()
    return (there.st_size, there.st_mtime_ns) == (about["size"], _time_ns(about))


def _time_ns(about: "obstore.ObjectMeta") -> int:
    return (about["last_modified"] - _EPOCH) // timedelta(microseconds=1) * 1000


def _read(store: ObjectStore, files: _Files, folder: Path, streams: int) -> None:
    """Read files in parts, of all of them at once; each gets its name when all are whole."""
    parts = [(name, start) for name, about in files.items() for start in range(0, about["size"], _PART_BYTES)]
    for name in files:
        (folder / f"{name}{_NEW}").touch()
    with ThreadPoolExecutor(streams, thread_name_prefix="weights") as readers:
        reads = [readers.submit(_read_part, store, files[name], folder, start) for name, start in parts]
        try:
            for read in reads:
                read.result()
        finally:
            readers.shutdown(wait=False, cancel_futures=True)
    for name, about in files.items():
        new = folder / f"{name}{_NEW}"
        os.utime(new, ns=(_time_ns(about), _time_ns(about)))
        new.replace(folder / name)


def _read_part(store: ObjectStore, about: "obstore.ObjectMeta", folder: Path, start: int) -> None:
    """Put one part of a file at its place.

    Raises an error of the store, also where the object has become another one since it was listed.
    """
    end = min(start + _PART_BYTES, about["size"])
    options: obstore.GetOptions = {"range": (start, end)}
    if about["e_tag"]:
        options["if_match"] = about["e_tag"]
    data = memoryview(obstore.get(store, about["path"], options=options).bytes())
    if len(data) != end - start:
        raise OSError(f"of {about['path']} {len(data)} bytes came in place of {end - start}")
    with (folder / f"{about['path']}{_NEW}").open("r+b") as file:
        file.seek(start)
        file.write(data)
