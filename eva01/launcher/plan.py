"""What `eva01 up` runs: which models, on which ports, with which settings."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from eva01.cli.errors import CommandError
from eva01.client.tls import NOBODY
from eva01.launcher import environment, ports
from eva01.launcher.child import Program
from eva01.launcher.memory import Free, check_fit
from jobs.contract.catalog import NANO, OCR, ModelCard, name_of
from jobs.contract.catalog_file.catalog import NOTHING_LISTED, Catalog
from jobs.contract.catalog_file.reading import read_catalog
from jobs.contract.hosts import address_of
from jobs.contract.settings import Settings, UpSettings, WebSettings, WorkerSettings
from jobs.storage.connection.address import Address

#: Seconds web may take to finish the requests it is answering.
_WEB_STOP_S = 40.0
#: Seconds a worker may take to end after its drain.
_AFTER_DRAIN_S = 15.0
_HOME = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first program starts."""

    data: Path
    #: The first is the server's default, and the one that answers the folder.
    cards: tuple[ModelCard, ...]
    host: str
    port: int
    worker_ports: tuple[int, ...]
    #: What all our programs are told by their environment.
    env: Mapping[str, str]
    #: True when other machines may ask web, and by no name.
    is_nameless: bool = False
    #: The models that people have listed.
    catalog: Catalog = NOTHING_LISTED
    #: What is to be said before anything starts.
    notes: Sequence[str] = ()

    @property
    def logs(self) -> Path:
        """The folder of the programs' logs."""
        return self.data / "logs"

    @property
    def page(self) -> str:
        """Where the page is, from this machine."""
        return f"http://{ports.reachable(self.host)}:{self.port}"


def make_plan(chosen_model: str | None, models: Sequence[str] = (), *, can_use_gpu: bool) -> Plan:
    """Read the environment and decide; of `models`, where some are named, all are served, and no others.

    Raises BadSetting, and CommandError when web's port is taken, or those models do not fit into memory.
    """
    settings, web, worker = Settings.read(), WebSettings.read(), WorkerSettings.read()
    Address.parse(settings.redis_url)
    catalog = read_catalog(settings.catalog)
    cards = cards_to_serve(chosen_model, worker, models, catalog, can_use_gpu=can_use_gpu)
    notes: list[str] = []
    if models:
        free = Free.now(worker.device, can_use_gpu=can_use_gpu)
        notes = check_fit(cards, worker, free, can_use_gpu=can_use_gpu)
    port = _web_port(web)
    taken = {port}
    for number in range(len(cards)):
        wished = worker.worker_port + number if worker.worker_port else 0
        taken.add(ports.next_free(worker.worker_host, wished, taken))
    data = settings.data.resolve()
    env = {"EVA01_DATA": str(data), "EVA01_PORT": str(port), "EVA01_MODELS": _offered(cards, web.models)}
    if settings.catalog:
        env["EVA01_CATALOG"] = str(settings.catalog.resolve())
    listens_on = address_of(web.host)
    is_nameless = listens_on is not None and not listens_on.is_loopback and not web.hosts
    worker_ports = tuple(sorted(taken - {port}))
    return Plan(data, cards, web.host, port, worker_ports, env, is_nameless, catalog, notes)


def cards_to_serve(
    chosen: str | None,
    settings: WorkerSettings,
    models: Sequence[str] = (),
    catalog: Catalog = NOTHING_LISTED,
    *,
    can_use_gpu: bool,
) -> tuple[ModelCard, ...]:
    """The models to run, the default first.

    That is the one chosen, then `models`. Where none are named it is the one of MODEL_NAME, when there is a
    GPU or it was set on purpose, and then those that any machine can run. Of those that are called alike, the
    first is run; CommandError is raised where two of `models` are.
    """
    model_name = settings.model_name
    wanted = [chosen] if chosen else []
    wanted += models or _usual(settings, can_use_gpu=can_use_gpu)
    cards: dict[str, ModelCard] = {}
    for model in wanted:
        card = catalog.card_for(model, model_name)
        cards.setdefault(card.name, card)
    _check_names([catalog.card_for(model, model_name) for model in models])
    return tuple(cards.values())


def _check_names(cards: Sequence[ModelCard]) -> None:
    firsts: dict[str, ModelCard] = {}
    for card in cards:
        first = firsts.setdefault(card.name, card)
        if first.source != card.source:
            raise CommandError(
                "names_alike",
                f"--models: {first.source} and {card.source} are both called {card.name}, and one alone would"
                " be served. Give them names of their own in a file of models (EVA01_CATALOG).",
            )


def _usual(settings: WorkerSettings, *, can_use_gpu: bool) -> list[str]:
    has_own = can_use_gpu or settings.is_given("model_name")
    own = [name_of(settings.model_name)] if has_own else []
    return [*own, OCR.name] if can_use_gpu else [*own, OCR.name, NANO.name]


def programs(plan: Plan, redis_url: str) -> list[Program]:
    """Web, and one worker a model."""
    settings, up = Settings.read(), UpSettings.read()
    more = {**module_env(), **plan.env, "REDIS_URL": redis_url}
    web = Program(
        name="web",
        command=tuple(module_command("web")),
        log=plan.logs / "web.log",
        env={**environment.for_web(os.environ, settings, up), **more},
        is_ready=partial(is_ready, f"{plan.page}/ready"),
        stop_s=_WEB_STOP_S,
    )
    env = {**environment.for_worker(os.environ, settings, up), **more}
    served = zip(plan.cards, plan.worker_ports, strict=True)
    return [web, *(_worker(plan, card, port, env) for card, port in served)]


def module_command(module: str, *arguments: str) -> list[str]:
    """The command for one of our modules; -P ignores a folder of that name in the working directory."""
    return [sys.executable, "-P", "-m", module, *arguments]


def module_env() -> dict[str, str]:
    """What makes our modules importable when they are run from a checkout that is not installed."""
    if _HOME.name == "site-packages":
        return {}
    earlier = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(_HOME), *([earlier] if earlier else [])])}


def is_ready(url: str) -> bool:
    """True when `url` answers 200 now."""
    try:
        return httpx.get(url, timeout=1, trust_env=False, verify=NOBODY).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _worker(plan: Plan, card: ModelCard, port: int, env: Mapping[str, str]) -> Program:
    settings = WorkerSettings.read()
    is_known = plan.catalog.card_for(card.name, settings.model_name) == card
    return Program(
        name=f"worker {card.name}",
        command=tuple(module_command("worker", "--model", card.name if is_known else card.source)),
        log=plan.logs / f"worker-{card.name}.log",
        env={**env, "EVA01_WORKER_PORT": str(port)},
        is_ready=partial(is_ready, f"http://{ports.reachable(settings.worker_host)}:{port}/ready"),
        stop_s=settings.drain_s + _AFTER_DRAIN_S,
    )


def _web_port(web: WebSettings) -> int:
    if web.port == 0:
        return ports.any_free()
    if ports.is_free(web.host, web.port):
        return web.port
    other = ports.next_free(web.host, web.port + 1, ())
    raise CommandError(
        "port_taken",
        f"Port {web.port} on {web.host} is taken by another program."
        f" Choose another, such as EVA01_PORT={other}, or stop that program.",
    )


def _offered(cards: Sequence[ModelCard], more: Sequence[str]) -> str:
    return ",".join(dict.fromkeys([*(card.name for card in cards), *more]))
