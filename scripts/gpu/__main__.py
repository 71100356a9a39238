"""`python -m scripts.gpu [--model DIR|random-7b|random-3b|miniature] [--seconds 480] [--write]`.

Each part prints a line of JSON when it ends, and the table of all comes last.
"""

import argparse
import logging
import sys
import time
from functools import partial

from worker.ops.cores import share_cores

share_cores()

import torch  # noqa: E402
import transformers  # noqa: E402

from scripts import report  # noqa: E402
from scripts.gpu import checks, measures  # noqa: E402
from scripts.gpu.parts import Parts  # noqa: E402
from scripts.gpu.subject import subject_of  # noqa: E402
from scripts.seven_b.checks import lost_device  # noqa: E402


def main() -> None:
    """Measure, print, and write the page if asked to; exits with 1 where a part failed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.gpu", description=__doc__)
    parser.add_argument("--model", default="random-7b", help="a folder, random-7b, random-3b or miniature")
    parser.add_argument("--seconds", type=float, default=480, help="that all parts together may take, about")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    if arguments.write and not torch.cuda.is_available():
        parser.error("torch sees no GPU, and the page has what one gave: leave --write out")
    logging.basicConfig(level=logging.WARNING)
    parts, began_s = Parts(arguments.seconds), time.monotonic()
    subject = subject_of(arguments.model)
    load_s = time.monotonic() - began_s
    parts.run("load", 0.02, lambda _: measures.loaded(subject, load_s))
    parts.run("steps", 0.15, partial(measures.steps, subject))
    parts.run("attending", 0.02, partial(measures.attending, subject))
    parts.run("first token", 0.03, partial(measures.first_token, subject))
    parts.run("rates", 0.2, partial(measures.rates, subject))
    parts.run("prefill", 0.1, partial(measures.prefill, subject))
    parts.run("idle", 0.05, partial(measures.idle, subject))
    parts.run("out of memory", 0.05, partial(checks.out_of_memory, subject))
    parts.run("soak", 0.25, partial(checks.soak, subject))
    if subject.is_on_gpu:
        parts.run("lost device", 0.02, lambda _: lost_device())
    # The last, because the model is in float32 after it.
    parts.run("identity", 0.1, partial(checks.identity, subject))
    where = torch.cuda.get_device_name(0) if subject.is_on_gpu else "a CPU"
    text = f"{parts.table()}\n\n{arguments.model} on {where}, torch {torch.__version__},"
    text += f" transformers {transformers.__version__}, by one run of {time.monotonic() - began_s:.0f} s."
    print(text)
    if arguments.write:
        report.write("gpu", text)
    sys.exit(f"These failed: {', '.join(parts.failed)}" if parts.failed else 0)


main()
