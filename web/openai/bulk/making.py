"""One line of a file of requests as a job of its batch, or as a refused file where it cannot be used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import IO, cast

from flask_openapi3 import FileStorage

from jobs.contract.asking.order import Order
from jobs.contract.catalog import ModelCard
from jobs.contract.errors import BadInput, Eva01Error, Unavailable
from jobs.contract.models import Batch, Job, JobError, JobState, Options, utc_now
from web.intake.asking import check_images, check_options
from web.intake.budget import Budget
from web.intake.forms import Address, check_sent
from web.intake.grouping import about_image
from web.intake.names.paths import shortened
from web.intake.single import of_images
from web.intake.spool import Part, Spool
from web.intake.uploads import Image, checked_image
from web.openai.bulk.fetches import Fetches
from web.openai.bulk.lines import Line, custom_id_in, request_in, said_in
from web.openai.content import addresses_of, images_of, shown_question, turns_of
from web.openai.endpoints import ENDPOINTS
from web.openai.request import BadField, Request
from web.services import Services

#: Bytes of a name's digest that are remembered: nobody finds two names with the same.
_DIGEST_BYTES = 16
#: A job, and its images, which are in a spool.
Made = tuple[Job, Sequence[Image]]


@dataclass(frozen=True)
class Wanted:
    """What a line asks, as far as it can be used."""

    #: What the line calls itself, and its bytes.
    name: str
    size_bytes: int
    asked: Request
    options: Options


class Making:
    """Makes jobs of the lines of an order's file; it remembers what lines before have said."""

    def __init__(self, serving: Services, order: Order, owner: str | None) -> None:
        self._serving, self._order = serving, order
        self.fetches = Fetches(serving, owner)
        #: Which line has a name first, by its digest: names may be long. One that is read again has its own.
        self._names: dict[bytes, int] = {}
        #: What options are known by, and what came of them: mostly all lines have those of the line before.
        self._options: tuple[str, Options | BadInput] = ("", Options())

    def made(self, batch: Batch, card: ModelCard, line: Line, spool: Spool) -> Made:
        """The job of a line; raises Unavailable (`too_many_schemas`), and StillFetching."""
        self.fetches.check_over(line.number)
        wanted = self._wanted(batch, card, line)
        if isinstance(wanted, Job):
            return wanted, ()
        addresses = addresses_of(wanted.asked)
        if addresses and (known := self._known(batch, wanted.name)):
            return known, ()
        try:
            came = self.fetches.came(line.number, addresses) if addresses else []
            return self._job(batch, card, wanted, self._images(wanted, came, spool))
        except BadInput as error:
            return self.refused(batch, wanted.name, line.number, error), ()

    def fetch_ahead(self, batch: Batch, card: ModelCard, line: Line) -> bool:
        """Begin to fetch the images of a line whose turn has not come; False where no more can be begun."""
        if self.fetches.knows(line.number):
            return True
        try:
            wanted = self._wanted(batch, card, line)
        except Unavailable:
            return False
        if isinstance(wanted, Job):
            return self.fetches.begin(line.number, ())
        addresses = addresses_of(wanted.asked)
        is_known = addresses and self._known(batch, wanted.name)
        return self.fetches.begin(line.number, () if is_known else addresses)

    def _wanted(self, batch: Batch, card: ModelCard, line: Line) -> Wanted | Job:
        """What a line asks, or the refused file that stands for it."""
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
            return Wanted(name, len(line.text or b""), *self._asked(batch, card, asked.body))
        except BadInput as error:
            return self.refused(batch, name, line.number, error)

    def _known(self, batch: Batch, name: str) -> Job | None:
        """The job of a line that was read before: what is at its address may be another image by now."""
        return self._serving.feed.jobs_of_files(batch.id, [name])[0]

    def refused(self, batch: Batch, name: str, number: int, error: Eva01Error) -> Job:
        """The refused file that stands for the line of a number, also when it is read again."""
        job = Job(batch_id=batch.id, owner=batch.owner, file=name, question=batch.question, model=batch.model)
        told = JobError(code=error.code, message=error.message)
        digest = sha256(f"{self._order.file.id} {number}".encode()).hexdigest()
        return without_images(job, told, digest)

    def _asked(self, batch: Batch, card: ModelCard, body: object) -> tuple[Request, Options]:
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
        with asked.in_own_words():
            options = self._checked(card, asked).model_copy(update={"chat": chat})
        check_images("The chat", sum(turn.parts.count(None) for turn in chat), self._serving.limits)
        return asked, options

    def _job(self, batch: Batch, card: ModelCard, wanted: Wanted, images: Sequence[Image]) -> Made:
        return Job(
            batch_id=batch.id,
            owner=batch.owner,
            file=wanted.name,
            question=shown_question(wanted.options.chat or ()),
            model=batch.model,
            options=wanted.options,
            files=tuple(f"image-{place}" for place in range(1, len(images) + 1)) if images[1:] else (),
            **of_images(self._serving, card, wanted.options, wanted.name, images),
        ), images

    def _checked(self, card: ModelCard, asked: Request) -> Options:
        key = asked.model_dump_json(exclude={asked.MESSAGES})
        if key != self._options[0]:
            self._options = key, _came_of(partial(check_options, self._serving, card, asked.wishes))
        found = self._options[1]
        if isinstance(found, BadInput):
            raise found.with_traceback(None)
        return found

    def _images(self, wanted: Wanted, came: Sequence[FileStorage], spool: Spool) -> list[Image]:
        """The images of a line, of which some `came` from addresses."""
        limits, budget = self._serving.limits, Budget()

        def keep(data: bytes, name: str) -> FileStorage:
            part = spool.new_part(limits.max_image_bytes)
            part.write(data)
            return FileStorage(cast(IO[bytes], part), name)

        fetched = iter(came)
        sent = images_of(wanted.asked, keep)
        files = [next(fetched) if isinstance(file, Address) else file for file in sent]
        names = [file.filename or "" for file in files]
        for place, file in enumerate(files):
            with about_image(place, names):
                check_sent(file)
        size_bytes = wanted.size_bytes + sum(cast(Part, file.stream).size_bytes for file in came)
        images = []
        for place, file in enumerate(files):
            with about_image(place, names):
                budget.check(size_bytes, limits)
                part = cast(Part, file.stream)
                images.append(checked_image(self._serving, part, wanted.options.dpi, budget.spend))
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
