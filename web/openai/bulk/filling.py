"""One batch that is made of a file: its lines become jobs, some at a time.

A line that cannot be used is a refused file, which is counted, listed and told like any other. Whoever begins
with the same file again makes no second job of a line: each is known by its name and its images.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256

from flask_openapi3 import FileStorage

from jobs import flow
from jobs.contract.asking.order import Order
from jobs.contract.catalog import ModelCard
from jobs.contract.errors import BadInput, Eva01Error, NotFound, QuotaExceeded
from jobs.contract.models import Batch, Job, JobError, JobState, Options, utc_now
from jobs.contract.settings import MIB
from jobs.flow.accept import Accepting
from web.intake.asking import check_images, check_options, check_room, choose_model
from web.intake.forms import Address
from web.intake.grouping import about_image
from web.intake.names.paths import shortened
from web.intake.single import of_images
from web.intake.spool import Part, Spool
from web.intake.uploads import Image, checked_image, kept_images
from web.openai.bulk.lines import Line, custom_id_in, lines_in, request_in, said_in
from web.openai.content import images_of, shown_question, turns_of
from web.openai.endpoints import ENDPOINTS
from web.openai.request import BadField, Request
from web.services import Services

#: Lines that become jobs at a time, and bytes of them after which no further one is read.
LINES_AT_A_TIME, _BYTES_AT_A_TIME = 250, 16 * MIB
_Made = tuple[Job, Sequence[Image]]


class Filling:
    """Makes jobs of the lines of an order's file; to be begun anew after an error."""

    def __init__(self, serving: Services, order: Order, lines_at_a_time: int = LINES_AT_A_TIME) -> None:
        self._serving, self._order, self._lines_at_a_time = serving, order, lines_at_a_time
        read = partial(serving.sent_files.piece, order.file)
        self._lines = lines_in(read, serving.limits.max_chat_bytes)
        self._names: set[str] = set()
        #: The options of the line before, and by what they are known: mostly all lines have the same.
        self._options: tuple[str, Options] = ("", Options())
        self._last = 0

    def step(self) -> bool:
        """Make jobs of some lines; False when there are none left.

        Raises Overloaded when as much waits as may, Conflict when the batch takes no more, and what accepting
        files raises.
        """
        serving = self._serving
        batch = serving.store.get_batch(self._order.batch_id)
        card = choose_model(serving, batch.model)
        check_room(serving, batch.model, batch.owner)
        try:
            lines = [*self._some()]
        except NotFound as error:
            return self._end(batch, error)
        with closing(Spool(serving.spool_folder, serving.limits.min_free_bytes)) as spool:
            made = [self._made(batch, card, line, spool) for line in lines]
            images = [image for _, of_job in made for image in of_job]
            with (
                kept_images(serving, images),
                flow.accepting(serving, batch, self._order.quotas) as accepting,
            ):
                self._accept(accepting, [job for job, _ in made])
        return bool(lines)

    def _some(self) -> Iterator[Line]:
        size_bytes = 0
        for count, line in enumerate(self._lines, 1):
            yield line
            self._last = line.number
            size_bytes += len(line.text or b"")
            if count == self._lines_at_a_time or size_bytes >= _BYTES_AT_A_TIME:
                return

    def _end(self, batch: Batch, error: Eva01Error) -> bool:
        """Say in the batch that the rest of the file is gone."""
        with flow.accepting(self._serving, batch) as accepting:
            accepting.add([self._refused(batch, f"line-{self._last + 1}", self._last + 1, error)])
        return False

    def _accept(self, accepting: Accepting, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        try:
            accepting.add(jobs)
        except QuotaExceeded as error:
            rest = jobs[len(error.made) :]
            told = JobError(code=error.code, message=error.message)
            # By its images: it takes this job where the file is read again, and a quota has renewed.
            accepting.add([_without_images(job, told, ",".join(job.images)) for job in rest])

    def _made(self, batch: Batch, card: ModelCard, line: Line, spool: Spool) -> _Made:
        name = f"line-{line.number}"
        try:
            said = said_in(line, self._serving.limits)
            own, most = custom_id_in(said), self._serving.limits.max_path_chars
            name = shortened(own, most) or name
            asked = request_in(said, self._order.endpoint)
            if name != own:
                # Answers would come under another name than was sent.
                raise BadField(
                    f"`custom_id` has {len(own):,} characters; the limit is {most:,} (EVA01_MAX_PATH_CHARS).",
                    "custom_id",
                )
            return self._job(batch, card, name, asked.body, spool)
        except BadInput as error:
            return self._refused(batch, name, line.number, error), ()

    def _job(self, batch: Batch, card: ModelCard, name: str, body: object, spool: Spool) -> _Made:
        if name in self._names:
            raise BadField(f"`custom_id` is {name[:100]!r}, as that of a line before.", "custom_id")
        self._names.add(name)
        asked = ENDPOINTS[self._order.endpoint].request.read(body)
        if asked.stream:
            raise BadField(
                "`stream` is true, and answers of a batch come in its files. Leave it out.", "stream"
            )
        if asked.model != batch.model:
            raise BadField(
                f"`model` is {asked.model[:100]!r}, and the batch's {batch.model}. Make a batch a model.",
                "model",
            )
        chat = turns_of(asked, self._serving.limits)
        options = self._checked(card, asked).model_copy(update={"chat": chat})
        images = self._images(asked, spool, options)
        return Job(
            batch_id=batch.id,
            owner=batch.owner,
            file=name,
            question=shown_question(chat),
            model=batch.model,
            options=options,
            files=tuple(f"image-{place}" for place in range(1, len(images) + 1)) if images[1:] else (),
            **of_images(self._serving, card, options, name, images),
        ), images

    def _checked(self, card: ModelCard, asked: Request) -> Options:
        key = asked.model_dump_json(exclude={asked.MESSAGES})
        if key != self._options[0]:
            self._options = key, check_options(self._serving, card, asked.wishes)
        return self._options[1]

    def _images(self, asked: Request, spool: Spool, options: Options) -> list[Image]:
        limits = self._serving.limits
        parts: list[Part] = []

        def keep(data: bytes, name: str) -> FileStorage:
            parts.append(spool.new_part(limits.max_image_bytes))
            parts[-1].write(data)
            return FileStorage(parts[-1], name)

        files = images_of(asked, keep)
        check_images("The chat", len(files), limits)
        if any(isinstance(file, Address) for file in files):
            raise BadField(
                "An image of the chat is at an address, from which none is fetched for a batch. Send it as a"
                " data URL.",
                asked.MESSAGES,
            )
        names = [file.filename or "" for file in files]
        images = []
        for place, part in enumerate(parts):
            with about_image(place, names):
                images.append(checked_image(self._serving, part, options.dpi, lambda _: None))
        return images

    def _refused(self, batch: Batch, name: str, number: int, error: Eva01Error) -> Job:
        job = Job(batch_id=batch.id, owner=batch.owner, file=name, question=batch.question, model=batch.model)
        told = JobError(code=error.code, message=error.message)
        return _without_images(job, told, self._digest(str(number)))

    def _digest(self, line: str) -> str:
        """What a refused line is known by when its file is read again."""
        return sha256(f"{self._order.file.id} {line}".encode()).hexdigest()


def _without_images(job: Job, error: JobError, digest: str) -> Job:
    """A job that is refused: it keeps neither images nor what was said of them."""
    return Job(
        **job.model_dump(include={"batch_id", "owner", "file", "question", "model", "options"}),
        state=JobState.FAILED,
        is_refused=True,
        refused_sha256=digest,
        error=error,
        finished_at=utc_now(),
    )
