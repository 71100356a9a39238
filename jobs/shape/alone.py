"""The process that jobs.shape.apart starts: reads a schema, and perhaps an answer, and says what is wrong.

python -m jobs.shape.alone SECONDS BYTES      of CPU and of memory; more ends it
"""

import json
import resource
import sys

from jobs.shape.grammar import fault_in
from jobs.shape.satisfied import mismatch, unreadable


def main() -> None:
    """Read `{"schema": …, "answer": …}`, both of them texts, and write a text or null."""
    seconds, size_bytes = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said = json.load(sys.stdin)
    schema = said["schema"]
    if "answer" in said:
        fault = mismatch(schema, json.loads(said["answer"]))
    else:
        fault = fault_in(json.loads(schema)) or unreadable(schema)
    json.dump(fault, sys.stdout)


if __name__ == "__main__":
    main()
