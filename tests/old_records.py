"""What version 0.1.0 kept (tests/kept/0.1.0): its records in Redis, and its journal."""

import json
import shutil
from pathlib import Path
from typing import Any

from jobs.contract.models import JobState

_KEPT = Path(__file__).parent / "kept" / "0.1.0"
#: The image of all its jobs.
SHA = "ab" * 32
#: The state of each file's job.
STATES = {
    "a/1.jpg": JobState.SUCCEEDED,
    "2 名.jpg": JobState.FAILED,
    "3.jpg": JobState.RUNNING,
    "4.jpg": JobState.CANCELLED,
    "5.jpg": JobState.QUEUED,
    "x.txt": JobState.FAILED,
}


def load_records(client: Any) -> None:
    """Load its records into Redis."""
    write = {
        "string": lambda key, value: client.set(key, value),
        "hash": lambda key, value: client.hset(key, mapping=value),
        "list": lambda key, value: client.rpush(key, *value),
        "set": lambda key, value: client.sadd(key, *value),
        "zset": lambda key, value: client.zadd(key, dict(value)),
    }
    for key, one in json.loads((_KEPT / "redis.json").read_text(encoding="utf-8")).items():
        write[one["type"]](key, one["value"])


def load_journal(blobs: Path) -> None:
    """Copy its journal into the folder of a blob store."""
    shutil.copytree(_KEPT / "blobs", blobs, dirs_exist_ok=True)
