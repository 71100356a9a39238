"""Redis with an append-only file, and web, as real processes; no worker."""

from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from jobs.contract import names
from jobs.contract.settings import Settings
from jobs.storage.stores import Stores
from scripts.benching_store.load import MODEL, OWNER
from tests.chaos.servers import RedisServer
from tests.processes import Process, free_port, python, wait_until

ROOT = Path(__file__).parents[2]
#: Opens what is the owner's, and is used for nothing else.
KEY = "eva01_of-a-server-that-is-there-to-be-measured-alone"
#: Seconds that Redis may take for a copy of a million entries, or to rewrite its file.
_PATIENCE_S = 600.0


class Servers:
    """Both servers, with their files in `folder`; housekeeping is off until `start_housekeeping`.

    `env` goes to web besides its own variables.
    """

    def __init__(self, folder: Path, **env: str) -> None:
        self._redis = RedisServer(folder)
        self.redis_url = self._redis.url
        settings = Settings(redis_url=self.redis_url, data=folder, redis_timeout_s=_PATIENCE_S)
        self.stores = Stores.connect(settings)
        self.redis = self.stores.store.redis
        self.stop_housekeeping()
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        own = {
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self.redis_url,
            "EVA01_DATA": str(folder),
            "EVA01_PORT": str(port),
            "EVA01_MODELS": MODEL,
            "EVA01_ADMIN_KEY": KEY,
            "EVA01_ADMIN_OWNER": OWNER,
            "EVA01_HOUSEKEEPING_S": "1",
        }
        self._web = Process.start("web", python("web"), own | env, folder)
        self.http = self.new_client()

    def __enter__(self) -> Self:
        self._web.wait_until_ready(f"{self.url}/ready")
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._web.end()
        self._redis.stop()

    def new_client(self) -> httpx.Client:
        """A client of web's that has connections of its own."""
        known = {"Authorization": f"Bearer {KEY}"}
        return httpx.Client(base_url=self.url, headers=known, timeout=_PATIENCE_S)

    def start_anew(self) -> None:
        """Empty Redis, and switch housekeeping off."""
        self.redis.flushall(asynchronous=True)
        self.stop_housekeeping()
        self.wait_until_quiet()

    def start_housekeeping(self) -> None:
        """Release the housekeeping lock, which web then takes."""
        self.redis.delete(names.HOUSEKEEPER)

    def stop_housekeeping(self) -> None:
        """Hold the housekeeping lock without expiry, so that web does no housekeeping."""
        self.redis.set(names.HOUSEKEEPER, "nobody")

    def wait_until_quiet(self) -> None:
        """Wait until Redis has no background work: neither rewriting its file nor freeing memory."""
        wait_until(lambda: not self.info("persistence")["aof_rewrite_in_progress"], "quiet", _PATIENCE_S)
        wait_until(lambda: not self.info("memory")["lazyfree_pending_objects"], "all is freed", _PATIENCE_S)

    def info(self, section: str) -> dict[str, Any]:
        """One section of Redis' INFO."""
        return self.redis.info(section)

    def web_process(self) -> psutil.Process:
        """The process that answers requests."""
        (serving,) = psutil.Process(self._web.popen.pid).children()
        return serving

    def web_rss_bytes(self) -> int:
        """Its memory."""
        return int(self.web_process().memory_info().rss)
