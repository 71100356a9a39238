"""Below a path, behind nginx as docs/proxy.md has it: addresses lead back there, and all comes through."""

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from eva01 import Client
from tests import plain
from tests.asking import IMAGE
from tests.files.forms import but_for_once
from tests.process.conftest import Stack
from tests.processes import free_port, python
from tests.servers.nginx import Behind, serve_below_a_path

pytestmark = pytest.mark.process
EXAMPLES = Path(__file__).parents[2] / "examples/shapes"
#: What a proxy, or somebody who plays one, says of those who ask.
FORWARDED = {
    "X-Forwarded-Prefix": "/eva",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "photos.example",
    "X-Forwarded-For": "10.1.2.3",
    "Script-Name": "/eva",
    "SCRIPT_NAME": "/eva",
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A web with a worker of `nano`, below /eva."""
    with Stack(tmp_path_factory.mktemp("behind")) as stack:
        stack.start_redis()
        behind = serve_below_a_path(stack)
        stack.start_worker("nano")
        yield behind


@pytest.fixture
def http(behind: Behind) -> Iterator[httpx.Client]:
    """Asks nginx, with addresses as the server gives them."""
    with plain.Client(base_url=behind.host, timeout=120) as http:
        yield http


def new_batch(http: httpx.Client) -> str:
    """A new batch's address, as the server says it."""
    made = http.post("/eva/api/batches", json={"question": "Describe this image.", "model": "nano"})
    assert made.status_code == 201, made.text
    return made.headers["Location"]


def test_addresses_of_the_api_lead_back_below_the_path(http: httpx.Client) -> None:
    batch = new_batch(http)
    assert batch.startswith("/eva/api/batches/")
    assert http.get(batch).json()["state"] == "open"
    asked = http.post(
        "/eva/api/jobs", files={"file": ("a.png", IMAGE)}, data={"question": "?", "model": "nano"}
    )
    assert asked.headers["Location"].startswith("/eva/api/jobs/")
    assert http.get(asked.headers["Location"]).json()["id"] == asked.json()["id"]
    assert http.get("/eva").headers["Location"].endswith("/eva/")
    assert http.get("/eva/openapi.json").json()["servers"] == [{"url": "/eva"}]


@pytest.mark.parametrize("page", ["/", "/history", "/docs", "/nowhere"])
def test_everything_a_page_leads_to_is_below_the_path(http: httpx.Client, page: str) -> None:
    html = http.get(f"/eva{page}", headers={"Accept": "text/html"}).text
    addresses = set(re.findall(r'(?:href|src|action)="(/[^"]*)"', html))
    assert addresses
    for address in addresses:
        assert address.startswith("/eva/")
        assert http.get(address).status_code in (200, 405), address


def test_a_shared_batch_is_read_through_its_link(http: httpx.Client) -> None:
    batch = new_batch(http)
    http.post(f"{batch}/files", files=[("files", ("a.png", IMAGE))])
    link = http.post(f"{batch}/share", json={"days": 1}).json()["url"]
    assert link.startswith("/eva/shared/")
    page = http.get(link)
    assert page.status_code == 200
    api = re.search(r'data-api="([^"]*)"', page.text)
    assert api
    assert api[1] == link.replace("/eva/shared/", "/eva/api/shared/")
    for address in re.findall(r'href="(/eva/api/shared/[^"]*)"', page.text):
        assert http.get(address).status_code == 200
    assert http.get(f"{api[1]}/results").json()["jobs"][0]["file"] == "a.png"


def test_fifty_megabytes_come_through_whole(http: httpx.Client) -> None:
    file = io.BytesIO()
    Image.effect_noise((4096, 4096), 50).convert("RGB").save(file, "BMP")
    content = file.getvalue()
    assert len(content) > 50_000_000
    batch = new_batch(http)
    sent = http.post(f"{batch}/files", files=[("files", ("large.bmp", content))])
    assert (sent.status_code, sent.json()["files"][0]["state"]) == (202, "accepted"), sent.text
    job = sent.json()["files"][0]["job_id"]
    digest = hashlib.sha256()
    with http.stream("GET", f"/eva/api/jobs/{job}/image") as response:
        for piece in response.iter_bytes():
            digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()
    http.post(f"{batch}/cancel")


def test_downloads_are_streamed_and_whole(http: httpx.Client, behind: Behind) -> None:
    batch = new_batch(http)
    (sent,) = http.post(f"{batch}/files", files=[("files", ("a.png", IMAGE))]).json()["files"]
    assert sent["state"] == "accepted"
    http.post(f"{batch}/cancel")
    batch = new_batch(http)
    digest = hashlib.sha256(IMAGE).hexdigest()
    for page in range(3):
        files = [{"file": f"{page}/{number}.png", "sha256": digest} for number in range(1000)]
        http.post(f"{batch}/known", json={"files": files})
    http.post(f"{batch}/cancel")
    direct = behind.direct + batch.removeprefix("/eva")
    for kind in ("jsonl", "csv"):
        with http.stream("GET", f"{batch}/results.{kind}") as response:
            assert response.headers["Transfer-Encoding"] == "chunked"
            content = response.read()
        assert content == plain.get(f"{direct}/results.{kind}").content
        assert content.count(b".png") == 3000
    packed = http.get(f"{batch}/results.zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        answers = [name for name in archive.namelist() if name.endswith(".png.txt")]
        assert len(answers) + archive.read("errors.csv").count(b".png,") == 3000


def test_the_client_works_below_the_path(behind: Behind) -> None:
    with Client(behind.url) as client:
        batch = client.create_batch("Describe this image.", model="nano")
        sent = list(client.upload_files(batch.id, sorted(EXAMPLES.iterdir())[:3]))
        assert [upload.error for upload in sent] == [None] * 3
        client.close_batch(batch.id)
        assert client.wait(batch.id).counts["succeeded"] == 3
        link = client.share_batch(batch.id)
        assert link.startswith(f"{behind.url}/shared/")
        assert plain.get(link).status_code == 200


def test_a_client_may_name_a_proxy_that_says_nothing_of_its_path(behind: Behind) -> None:
    """Then the server knows no path, and the client puts its own in front."""
    with Client(behind.direct) as client:
        batch = client.create_batch("?", model="nano")
        link = client.share_batch(batch.id)
        assert link.startswith(f"{behind.direct}/shared/")
        assert plain.get(link).status_code == 200


def test_the_command_works_below_the_path(behind: Behind, tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "eva01", "submit", str(EXAMPLES), "-q", "Describe this image."]
    done = subprocess.run(
        [*command, "-m", "nano", "--out", str(answers)],
        env={**behind.stack.env, "PATH": "", "EVA01_SERVER": f"{behind.url}/"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert answers.read_text("utf-8").count("succeeded") >= 3


def test_without_proxies_nobody_can_play_one(behind: Behind) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    web = behind.stack.start("web-alone", python("web"), EVA01_PORT=str(port), EVA01_PROXIES="0")
    web.wait_until_ready(f"{url}/ready")
    body = {"question": "?", "model": "nano"}
    for address in ("/", "/history", "/docs", "/docs/start.js", "/openapi.json"):
        told, untold = (plain.get(url + address, headers=headers).text for headers in (FORWARDED, {}))
        assert but_for_once(told) == but_for_once(untold)
    made = plain.post(f"{url}/api/batches", json=body, headers=FORWARDED)
    assert made.headers["Location"].startswith("/api/batches/")
    web.end()
