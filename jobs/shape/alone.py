"""The process that jobs.shape.apart starts: reads a schema, and perhaps an answer, and says what is wrong.

python -m jobs.shape.alone SECONDS BYTES      of CPU and of memory; more ends it

What it says last holds: where the fault is may take longer to find out than that there is one.
"""

import json
import resource
import sys
from typing import Any

from jobs.shape.ending import endless
from jobs.shape.faults import placed
from jobs.shape.grammar import fault_in
from jobs.shape.satisfied import mismatch, unreadable


def main() -> None:
    """Read `{"schema": …, "answer": …}`, both of them texts, and write a text or null on each line."""
    seconds, size_bytes = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said = json.load(sys.stdin)
    schema = said["schema"]
    if "answer" in said:
        _say(mismatch(schema, json.loads(said["answer"])))
        return
    read = json.loads(schema)
    fault = _fault_in(read)
    _say(f"the schema: {fault}" if fault else endless(read))
    if fault:
        _say(placed(read, fault, _fault_in))


def _fault_in(schema: dict[str, Any]) -> str | None:
    return fault_in(schema) or unreadable(json.dumps(schema))


def _say(fault: str | None) -> None:
    print(json.dumps(fault), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
