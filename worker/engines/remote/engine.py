"""A model of another server, which speaks OpenAI's API: vLLM, SGLang, llama.cpp, OpenAI itself."""

import asyncio
import json
import logging
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, final

from PIL import Image

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.catalog import ELSEWHERE, ModelCard
from jobs.contract.models import Options
from jobs.contract.settings import BadSetting, WorkerSettings
from worker.engines.base import Answer, Engine, ModelNotLoaded
from worker.engines.deadline import Deadline
from worker.engines.remote.asking import Asked, asked
from worker.engines.remote.calls import Calls
from worker.engines.remote.errors import ServerError, Shut
from worker.engines.remote.pictures import Picture, as_it_came, drawn
from worker.engines.remote.server import Server
from worker.engines.remote.servers import Servers

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

#: The fewest pixels that make sense, and how many times `MAX_PIXELS` may be asked for if no setting says it.
_LEAST_PIXELS, _TIMES = 28 * 28, 4
#: What a server lists of a model that tells its weights from others. `created` is none of that: to vLLM and
#: llama.cpp it is the time now.
_OF_WEIGHTS = ("id", "root", "parent", "owned_by", "meta")


@final
class RemoteEngine(Engine[Picture, Asked]):
    """Asks one server or several for a model's answers."""

    #: Most only wait.
    default_slots = 64
    max_batch = 1
    is_elsewhere = True

    def __init__(self, card: ModelCard, settings: WorkerSettings) -> None:
        """Raises BadSetting where no server is named."""
        if not settings.openai_url:
            raise BadSetting(
                f"EVA01_OPENAI_URL is empty, and {card.source} is a model of another server. Set it to where"
                " that answers, such as http://127.0.0.1:8000/v1."
            )
        self._card, self._settings = card, settings
        self._wanted = settings.openai_model or card.source.removeprefix(ELSEWHERE)
        self._loop = asyncio.new_event_loop()
        self._model = self._identity = ""
        self._there: Servers
        self._rolling: Calls

    @property
    def device(self) -> str:
        """How many servers there are: not where, because everybody sees it."""
        count = len(self._settings.openai_url)
        return "another server" if count == 1 else f"{count} other servers"

    @property
    def identity(self) -> str:
        """The model as servers list it, wherever they are, and what every request says."""
        return self._identity

    @property
    def enough_pixels(self) -> int:
        """For images whose files are not sent as they are."""
        return self._settings.max_pixels

    @property
    def max_pixels(self) -> PixelRange:
        """What may be asked for; a file that is sent as it came has the pixels it has."""
        most = self._settings.most_pixels or _TIMES * self._settings.max_pixels
        return PixelRange(least=min(_LEAST_PIXELS, most), default=most, most=most)

    @property
    def rolling(self) -> Calls:
        """The requests under way."""
        return self._rolling

    @property
    def trouble(self) -> str:
        """Why none of the servers can be asked."""
        return self._there.trouble

    def load(self) -> None:
        """Wait until a server is there, and find the model.

        Raises ModelNotLoaded where it lets nobody in, or has another.
        """
        threading.Thread(target=self._loop.run_forever, name="requests", daemon=True).start()
        self._do(self._load())

    def see(self, image: Image.Image, max_pixels: int | None = None) -> Picture:
        """Its pixels as PNG; raises TooLarge (`image_too_thin`)."""
        return drawn(image, max_pixels or self.max_pixels.default)

    def see_file(self, file: bytes) -> Picture | None:
        """The file, where every server reads its format."""
        return as_it_came(file)

    def prepare(self, seen: Sequence[Picture], question: str, options: Options) -> Asked:
        """The request."""
        return asked(self._model, seen, question, options, self._settings)

    def generate(self, batch: Sequence[Asked], deadline: Deadline) -> Sequence[Answer]:
        """Not used: jobs come and go by themselves."""
        raise NotImplementedError

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _load(self) -> None:
        settings = self._settings
        servers = [Server(_base(url), settings) for url in dict.fromkeys(settings.openai_url)]
        listed = await self._first_list(servers)
        about = self._chosen(listed)
        self._model = str(about["id"])
        weights = {name: about[name] for name in _OF_WEIGHTS if about.get(name) is not None}
        said = json.dumps([weights, settings.openai_revision, settings.openai_extra], sort_keys=True)
        self._identity = f"openai {said}, {self.max_pixels.default} pixels"
        self._there = Servers(servers, self._model, settings.openai_look_s)
        self._rolling = Calls(self._loop, self._there, settings)

    async def _first_list(self, servers: Sequence[Server]) -> list[dict[str, Any]]:
        """The models of the first server that tells them; waits until one does.

        Raises ModelNotLoaded where one lets nobody in.
        """
        is_said = False
        while True:
            for server in servers:
                try:
                    return await server.models()
                except Shut as error:
                    raise self._not_loaded(f"{server.name}, which says {error}", error.remedy) from error
                except ServerError as error:
                    reason = f"{server.name}: {error}"
            level = logging.DEBUG if is_said else logging.WARNING
            logger.log(level, "No server answers for %s yet (%s): waiting.", self._card.name, reason)
            is_said = True
            await asyncio.sleep(self._settings.openai_look_s)

    def _chosen(self, listed: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """What is listed of the model that is wanted, or of the only one; raises ModelNotLoaded."""
        named = [one for one in listed if one.get("id") == self._wanted]
        if not named and len(listed) == 1 and not self._settings.openai_model and listed[0].get("id"):
            logger.info(
                "The server calls its one model %s: it answers for %s.", listed[0]["id"], self._wanted
            )
            named = [*listed]
        if not named:
            names = ", ".join(str(one.get("id")) for one in listed[:20]) or "nothing"
            raise self._not_loaded(
                f"the server's models: it lists {names}, and not {self._wanted}",
                "set EVA01_OPENAI_MODEL to what the model is called there",
            )
        return named[0]

    def _not_loaded(self, tried: str, remedy: str) -> ModelNotLoaded:
        return ModelNotLoaded(self._card.name, tried, remedy)


def _base(url: str) -> str:
    """An address as clients take it; one without a path has all below /v1."""
    url = url.rstrip("/")
    return url if url.count("/") > 2 else f"{url}/v1"
