"""`eva01 submit` of a folder of photos while no worker runs: files a second, and web's memory."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image

from scripts.benching_store.load import QUESTION
from scripts.benching_store.options import Options
from scripts.benching_store.servers import KEY, ROOT, Servers
from scripts.report import Line

_FILE_BYTES = 50_000
_FOLDER_FILES = 500
#: Seconds between two samples of web's memory.
_LOOK_S = 0.05
_MIB = 1024 * 1024


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """Different photos in each round, because images that are stored already are not stored again."""
    servers.start_anew()
    rates, rss = [], [servers.web_rss_bytes() / _MIB]
    peak = rss[0]
    for number in range(options.rounds):
        folder = Path(mkdtemp(prefix="eva01-photos-"))
        try:
            _draw(folder, options.files, number)
            took_s, highest = _submit(servers, folder, options.files)
        finally:
            shutil.rmtree(folder)
        rates.append(options.files / took_s)
        rss.append(servers.web_rss_bytes() / _MIB)
        peak = max(peak, highest / _MIB)
    yield f"{options.files:,} JPEGs of 50 kB by `eva01 submit` (files/s)", "≥ 600 (300 before)", rates, ",.0f"
    yield "memory of web: at first, and after each round (MiB)", "flat", rss, ",.0f"
    yield "memory of web: at most (MiB)", "flat", [peak], ",.0f"


def _submit(servers: Servers, folder: Path, count: int) -> tuple[float, int]:
    """How long the command takes, and web's highest memory meanwhile."""
    command = [sys.executable, "-m", "eva01", "submit", str(folder), "-q", QUESTION, "--no-wait", "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "EVA01_SERVER": servers.url, "EVA01_KEY": KEY}
    began_s = time.perf_counter()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as submit:
        highest = 0
        while submit.poll() is None:
            highest = max(highest, servers.web_rss_bytes())
            time.sleep(_LOOK_S)
        took_s = time.perf_counter() - began_s
        said = submit.stdout.read() if submit.stdout else b""
    assert submit.returncode == 0, f"eva01 submit ended with {submit.returncode}"
    batch = servers.stores.store.get_batch(json.loads(said)["id"])
    assert batch.total == count, f"{batch.total:,} files are in the batch, of {count:,}"
    return took_s, highest


def _draw(folder: Path, count: int, seed: int) -> None:
    """Photos of exactly the same size in bytes: the same noise, with a different comment in each file."""
    data = io.BytesIO()
    Image.effect_noise((400, 300), 64).convert("RGB").save(data, "JPEG", quality=50)
    photo = data.getvalue()
    room = _FILE_BYTES - len(photo) - 4
    for number in range(count):
        place = folder / f"{number // _FOLDER_FILES:02}"
        place.mkdir(exist_ok=True)
        comment = b"\xff\xfe" + (room + 2).to_bytes(2, "big") + f"{seed}.{number}".encode().ljust(room)
        (place / f"IMG_{number:05}.jpg").write_bytes(photo[:2] + comment + photo[2:])
