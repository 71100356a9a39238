"""The entry point: `python -m worker --model M`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from typing import NoReturn

from jobs.contract.catalog import ModelCard
from jobs.contract.catalog_file.reading import read_catalog
from jobs.contract.settings import BadSetting, WorkerSettings
from jobs.storage.files.rights import keep_private
from worker.engines import create_engine
from worker.engines.base import Engine, ModelNotLoaded, Prepared, Seen
from worker.life import Environment, Worker
from worker.ops.cores import share_cores
from worker.ops.logs import set_up_logging
from worker.summary import report

#: The exit code of a worker that could not start.
_COULD_NOT_START = 2
#: Looks at other servers in a check: a worker looks until one is there.
_LOOKS = 3


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve one model until told to stop; with `--check` only say what that would be. Ends the process.

    Exits with 0 when it was told to stop, or the model can be served; 1 when a part of it broke, 2 when it
    could not start.
    """
    began_s = perf_counter()
    given = _parser().parse_args(arguments)
    model = given.model
    try:
        if not model.strip():
            raise BadSetting("The name of the model is empty. Give a model's name, hub address or folder.")
        environment = Environment.read()
        set_up_logging(environment.shared.log)
        share_cores()
        if said := keep_private(environment.shared):
            logging.getLogger(__name__).warning("%s", said)
        catalog = read_catalog(environment.shared.catalog)
        card = catalog.card_for(model, environment.worker.model_name)
        environment = replace(environment, worker=catalog.settle(card, environment.worker))
        engine = create_engine(card, environment.worker)
        if given.check:
            _check(card, environment.worker, engine)
        serve(card, environment, engine, began_s)
    except (BadSetting, ModelNotLoaded) as error:
        print(error, file=sys.stderr)  # noqa: T201
        _leave(_COULD_NOT_START)


def serve(
    card: ModelCard, environment: Environment, engine: Engine[Seen, Prepared], began_s: float | None = None
) -> NoReturn:
    """Serve `card`'s model with `engine` until told to stop; ends the process.

    `began_s` is when the process began, by `perf_counter`; else it begins now. Raises BadSetting or
    ModelNotLoaded when it cannot start.
    """
    worker = Worker(card, environment, engine, began_s or perf_counter())
    code = worker.live()
    if worker.is_stuck:
        _leave(code)
    sys.exit(code)


def _check(card: ModelCard, settings: WorkerSettings, engine: Engine[Seen, Prepared]) -> NoReturn:
    """Load the model, say what a worker would do with it, and end the process; raises ModelNotLoaded."""
    look_s = settings.openai_connect_s + settings.openai_look_s
    most_s = _LOOKS * look_s if engine.is_elsewhere else None
    loading = ThreadPoolExecutor(1).submit(engine.load)
    try:
        loading.result(most_s)
    except TimeoutError as error:
        tried = f"the servers at EVA01_OPENAI_URL: none has answered within {most_s:.3g} s"
        raise ModelNotLoaded(card.name, tried, "start one, or check the address") from error
    print(*report(card, engine, settings), sep="\n")  # noqa: T201
    sys.stdout.flush()
    _leave(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Answer the jobs of one model.")
    parser.add_argument(
        "--model",
        required=True,
        help="ocr, nano, a name in EVA01_CATALOG, the short name of MODEL_NAME, or an address on the hub",
    )
    parser.add_argument(
        "--check", action="store_true", help="load it, say how it would be served, and end: 0 if it would"
    )
    return parser


def _leave(code: int) -> NoReturn:
    """End the process without waiting for threads that may be deep in a model."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)
