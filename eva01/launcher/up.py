"""`eva01 up`: Redis, web and a worker a model, in one terminal; and a folder answered, if there is one.

Redis ready ──► web and workers ready ──► the folder's batch, through the public API ──► serve
     ▲                                                                                      │
     └───────────────── what dies is started again, all the while ◄─────────────────────────┘
Ctrl-C, SIGTERM, or the end of the batch with --exit: web and workers finish, Redis last
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from eva01.cli import submission
from eva01.cli.errors import CommandError
from eva01.cli.progress import shown
from eva01.cli.submission import COULD_NOT_RUN, INTERRUPTED, Submission
from eva01.cli.tables import say
from eva01.cli.text import counted, duration, harmless
from eva01.client.client import Client
from eva01.client.errors import ClientError, Stopped
from eva01.client.files import Found, find, name_of
from eva01.client.models import Batch
from eva01.launcher import hardware, ports, private, redis_server
from eva01.launcher.child import Program
from eva01.launcher.interrupts import Interrupts
from eva01.launcher.lock import only_one
from eva01.launcher.own_key import check_own_key
from eva01.launcher.plan import Plan, make_plan, programs
from eva01.launcher.supervisor import Supervisor
from jobs.contract.catalog import ModelCard
from jobs.contract.settings import Settings, WebSettings, WorkerSettings
from jobs.flow.expose import check_exposure
from jobs.storage.access.keys import Keys
from jobs.storage.connection.address import without_password
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.rights import close, private_folder

#: What a folder is asked when the user asks nothing.
DEFAULT_QUESTION = "Describe this image."
#: Seconds between two lines about a model that is still being loaded.
_STILL_LOADING_S = 20.0
#: Longest wait for the folder's thread after it is told to stop, in seconds.
_LEAVE_S = 10.0


@dataclass(frozen=True)
class Wishes:
    """What the user asked of `eva01 up`."""

    folder: Path | None
    question: str
    model: str | None
    #: The models to serve, and no others; none for the usual ones.
    models: Sequence[str]
    #: The longest answer, in tokens; None for the worker's setting.
    max_new_tokens: int | None
    #: Pixels of each image that the model sees at most; None for the worker's setting.
    max_pixels: int | None
    #: What each answer has to be: `fields` or `response_format`; empty for plain text.
    wanted: Mapping[str, Any]
    out: Path
    #: True to stop when the folder is answered.
    is_exiting: bool
    #: Where to start Redis; 0 for any free port. Not used with REDIS_URL.
    redis_port: int


def run(wishes: Wishes, console: Console) -> int:
    """Start everything, answer the folder, serve, stop; gives the exit code.

    Raises CommandError, ClientError and BadSetting when something is wrong before the first program starts.
    """
    found = find([wishes.folder]) if wishes.folder else None
    settings = Settings.read()
    if said := close(settings):
        say(console, said)
    data = private_folder(settings)
    # Before the ports are checked: a second `up` should fail with the lock's message, not a taken port's.
    with only_one(data), Interrupts() as interrupts:
        web, keys = WebSettings.read(), _kept_keys(settings)
        for said in check_exposure(web, keys):
            say(console, said)
        if found:
            check_own_key(web, keys)
        plan = make_plan(wishes.model, wishes.models, can_use_gpu=_can_use_gpu(console))
        plan.logs.mkdir(mode=0o700, exist_ok=True)
        return _run_plan(plan, wishes, found, interrupts, console)


def _run_plan(
    plan: Plan, wishes: Wishes, found: Found | None, interrupts: Interrupts, console: Console
) -> int:
    began_at = time.monotonic()
    supervisor = Supervisor(lambda line: _say_if_anyone_listens(console, line))
    try:
        _start(plan, wishes, supervisor, interrupts, console)
        if interrupts.is_set():
            return INTERRUPTED
        say(console, f"Ready in {time.monotonic() - began_at:.1f} s. The page: {plan.page}")
        if plan.is_nameless:
            say(
                console,
                "Others reach it by this machine's address. By a name it answers once EVA01_HOSTS has it.",
            )
        return _serve(plan, wishes, found, supervisor, interrupts, console)
    except (CommandError, ClientError) as error:
        # Printed before the stop, which may take a while.
        say(console, harmless(error.message))
        return COULD_NOT_RUN
    finally:
        _say_if_anyone_listens(console, "Stopping.")
        supervisor.stop(interrupts.is_hurried)
        _say_if_anyone_listens(console, "Stopped.")


def _kept_keys(settings: Settings) -> Keys:
    """The keys in the blob store; Redis is not running yet."""
    # A folder is made where there is none; our own umask stays the user's, for files of results.
    umask = os.umask(private.OTHERS)
    blobs = BlobStore(settings.blobs_url, settings.blob_patience_s)
    os.umask(umask)
    return Keys(None, blobs)


def _can_use_gpu(console: Console) -> bool:
    if WorkerSettings.read().device == "cpu" or not hardware.has_gpu():
        return False
    if hardware.torch_knows_gpus():
        return True
    say(
        console,
        "There is a GPU, but the torch that is installed cannot use it; going on without."
        " docs/configuration.md says how to install the other build.",
    )
    return False


def _start(
    plan: Plan, wishes: Wishes, supervisor: Supervisor, interrupts: Interrupts, console: Console
) -> None:
    for note in plan.notes:
        say(console, note)
    say(console, f"Data: {plan.data}  Logs: {plan.logs}")
    redis_url = _start_redis(plan, wishes, supervisor, interrupts, console)
    if interrupts.is_set():
        return
    parts = programs(plan, redis_url)
    say(console, f"Starting {', '.join(f'{part.name} ({part.log.name})' for part in parts)}")
    supervisor.start(parts)
    _wait(supervisor, interrupts, console)


def _start_redis(
    plan: Plan, wishes: Wishes, supervisor: Supervisor, interrupts: Interrupts, console: Console
) -> str:
    settings = Settings.read()
    if settings.is_given("redis_url"):
        redis_server.check(settings.redis_url, settings.redis_timeout_s)
        say(console, f"Redis answers: {without_password(settings.redis_url)}")
        return settings.redis_url
    port = ports.next_free("127.0.0.1", wishes.redis_port, {plan.port, *plan.worker_ports})
    program = redis_server.program(plan.data, plan.logs / "redis.log", port)
    supervisor.start([program])
    _wait(supervisor, interrupts, console)
    return redis_server.url(plan.data, port)


def _wait(supervisor: Supervisor, interrupts: Interrupts, console: Console) -> None:
    """Wait for all that was started; on a terminal a spinner says for what, elsewhere a line now and then."""
    said_at = time.monotonic()

    def on_ready(program: Program, spent_s: float) -> None:
        about = f": {program.about}" if program.about else ""
        say(console, f"{program.name} ready in {spent_s:.1f} s{about}")

    def on_wait(waiting: Sequence[Program], spent_s: float) -> None:
        nonlocal said_at
        names = ", ".join(program.name for program in waiting)
        if console.is_terminal:
            spinner.update(f"Loading: {names}, {duration(spent_s)}")
        elif time.monotonic() - said_at > _STILL_LOADING_S:
            said_at = time.monotonic()
            say(console, f"Still loading after {duration(spent_s)}: {names}")

    with console.status("Loading") as spinner:
        supervisor.wait_until_ready(interrupts.is_set, on_ready, on_wait)


def _serve(
    plan: Plan,
    wishes: Wishes,
    found: Found | None,
    supervisor: Supervisor,
    interrupts: Interrupts,
    console: Console,
) -> int:
    if found is None or wishes.folder is None:
        say(console, "Ctrl-C stops everything.")
        supervisor.watch(interrupts.is_set)
        return 0
    card = plan.cards[0]
    name = name_of(wishes.folder.resolve())
    task = Submission(
        found,
        _question(wishes, card),
        card.name,
        name,
        wishes.max_new_tokens,
        wishes.wanted,
        wishes.max_pixels,
    )
    session = _Session(plan.page, task, wishes, console)
    session.start()
    supervisor.watch(
        lambda: (
            interrupts.is_set() or (wishes.is_exiting and (supervisor.has_given_up or not session.is_alive()))
        )
    )
    session.leave()
    # Without a part that is not restarted any more, the folder's batch may never end.
    return COULD_NOT_RUN if supervisor.has_given_up and session.is_unfinished else session.exit_code


def _question(wishes: Wishes, card: ModelCard) -> str:
    if wishes.question or not card.uses_question:
        return wishes.question
    return card.default_question or DEFAULT_QUESTION


class _Session(threading.Thread):
    """Submits the folder and shows the answers, in a thread of its own: the main one watches the parts."""

    def __init__(self, server: str, task: Submission, wishes: Wishes, console: Console) -> None:
        super().__init__(name="folder", daemon=True)
        self.exit_code = INTERRUPTED
        self._client = Client(server)
        self._task = task
        self._wishes = wishes
        self._console = console
        self._batch: Batch | None = None

    def run(self) -> None:
        """Submit, wait, show; `exit_code` tells how it went."""
        try:
            with self._client:
                self.exit_code = self._answer()
            if not self._wishes.is_exiting:
                say(self._console, "Ctrl-C stops everything.")
        except Stopped:
            self._say_what_is_left()
        except (ClientError, OSError) as error:
            self.exit_code = COULD_NOT_RUN
            say(self._console, f"The folder could not be answered: {harmless(str(error))}")

    @property
    def is_unfinished(self) -> bool:
        """True when the thread was stopped before the batch was done."""
        return self.exit_code == INTERRUPTED

    def leave(self) -> None:
        """Stop the thread, and wait for it a few seconds at most."""
        self._client.stop()
        self.join(_LEAVE_S)

    def _answer(self) -> int:
        client, task, console, out = self._client, self._task, self._console, self._wishes.out
        submission.say_what_is_left_out(console, task.found.left_out)
        asked = f": {harmless(task.question)}" if task.question else ""
        say(console, f"Asking {task.model} about {counted(len(task.found.files), 'file')}{asked}")
        self._batch = submission.create_batch(console, client, task)
        if not self._wishes.is_exiting:
            say(console, f"On the page: {client.server}/batches/{self._batch.id}")
        with shown(console) as watcher:
            sent = submission.send(client, self._batch.id, task, watcher)
            self._batch = submission.wait(client, self._batch.id, watcher, sent)
        submission.save(client, self._batch.id, out, sent.unsent)
        submission.show(console, client, self._batch, sent, out)
        if self._wishes.folder:
            again = submission.again([self._wishes.folder], self._batch.id, client.server)
            submission.say_what_comes_later(console, sent, again)
        return submission.exit_code(self._batch, sent.unsent)

    def _say_what_is_left(self) -> None:
        if self._batch is not None and not self._batch.is_done:
            say(
                self._console, f"Batch {self._batch.id} is not finished; it goes on with the next `eva01 up`."
            )


def _say_if_anyone_listens(console: Console, line: str) -> None:
    """Print a line; a terminal that is gone is ignored, so that the stop goes on."""
    try:
        say(console, line)
    except OSError:
        console.quiet = True
