"""One line of a file of requests as a job of its batch, or as a refused file where it cannot be used."""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256

from flask_openapi3 import FileStorage

from jobs.contract.asking.order import Order
from jobs.contract.catalog import ModelCard
from jobs.contract.errors import BadInput, Eva01Error
from jobs.contract.models import Batch, Job, JobError, JobState, Options, utc_now
from web.intake.asking import check_images, check_options
from web.intake.budget import Budget
from web.intake.forms import Address
from web.intake.grouping import about_image
from web.intake.names.paths import shortened
from web.intake.single import of_images
from web.intake.spool import Part, Spool
from web.intake.uploads import Image, checked_image
from web.openai.bulk.lines import Line, custom_id_in, request_in, said_in
from web.openai.content import images_of, shown_question, turns_of
from web.openai.endpoints import ENDPOINTS
from web.openai.request import BadField, Request
from web.services import Services

#: Bytes of a name's digest that are remembered: nobody finds two names with the same.
_DIGEST_BYTES = 16
#: A job, and its images in the spool.
Made = tuple[Job, Sequence[Image]]


class Making:
    """Makes jobs of the lines of an order's file; it remembers what lines before have said."""

    def __init__(self, serving: Services, order: Order) -> None:
        self._serving, self._order = serving, order
        #: Which line has a name first, by its digest: names may be long. One that is read again has its own.
        self._names: dict[bytes, int] = {}
        #: What options are known by, and what came of them: mostly all lines have those of the line before.
        self._options: tuple[str, Options | BadInput] = ("", Options())

    def made(self, batch: Batch, card: ModelCard, line: Line, spool: Spool) -> Made:
        """The job of a line; raises Unavailable (`too_many_schemas`)."""
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
            digest = sha256(name.encode()).digest()[:_DIGEST_BYTES]
            if self._names.setdefault(digest, line.number) != line.number:
                raise BadField(f"`custom_id` is {name[:100]!r}, as that of a line before.", "custom_id")
            return self._job(batch, card, name, asked.body, spool, len(line.text or b""))
        except BadInput as error:
            return self.refused(batch, name, line.number, error), ()

    def refused(self, batch: Batch, name: str, number: int, error: Eva01Error) -> Job:
        """The refused file that stands for the line of a number, also when it is read again."""
        job = Job(batch_id=batch.id, owner=batch.owner, file=name, question=batch.question, model=batch.model)
        told = JobError(code=error.code, message=error.message)
        digest = sha256(f"{self._order.file.id} {number}".encode()).hexdigest()
        return without_images(job, told, digest)

    def _job(
        self, batch: Batch, card: ModelCard, name: str, body: object, spool: Spool, size_bytes: int
    ) -> Made:
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
        images = self._images(asked, spool, options, size_bytes)
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
            self._options = key, _came_of(partial(check_options, self._serving, card, asked.wishes))
        found = self._options[1]
        if isinstance(found, BadInput):
            raise found.with_traceback(None)
        return found

    def _images(self, asked: Request, spool: Spool, options: Options, size_bytes: int) -> list[Image]:
        limits, budget = self._serving.limits, Budget()
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
                budget.check(size_bytes, limits)
                images.append(checked_image(self._serving, part, options.dpi, budget.spend))
        return images


def without_images(job: Job, error: JobError, digest: str) -> Job:
    """A job that is refused: it keeps neither images nor what was said of them."""
    return Job(
        **job.model_dump(include={"batch_id", "owner", "file", "question", "model", "options"}),
        state=JobState.FAILED,
        is_refused=True,
        refused_sha256=digest,
        error=error,
        finished_at=utc_now(),
    )


def _came_of(check: Callable[[], Options]) -> Options | BadInput:
    """Options, or why they are refused, to be remembered: to find out may take all its time each time."""
    try:
        return check()
    except BadInput as error:
        return error
