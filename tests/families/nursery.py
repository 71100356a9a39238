"""Workers of miniatures: `python -m tests.families.nursery FOLDER` begins with all that they import.

Each line that it reads names a family and the port of its worker. It makes the family's miniature in FOLDER,
forks, and becomes that worker's parent: it says its process id, and once it has ended its exit code.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from scripts.families import makers
from tests.families.miniatures import NANO
from worker.engines import transformers_engine  # noqa: F401 - so that no child imports it anew
from worker.main import main


def serve(folder: Path, port: str) -> NoReturn:
    """Be the worker of the model in a folder; what is bundled has a name of its own."""
    os.environ["EVA01_WORKER_PORT"] = port
    code: object = 1
    try:
        main(["--model", folder.name if folder == NANO else str(folder)])
    except SystemExit as ended:
        code = ended.code
    finally:
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    for line in sys.stdin:
        family, its_port = line.split()
        made = makers()[family](Path(sys.argv[1]) / family)
        child = os.fork()
        if not child:
            serve(made, its_port)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
