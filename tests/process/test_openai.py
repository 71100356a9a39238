"""OpenAI's own client against real processes: web, Redis, and a worker with `nano`."""

import asyncio
import base64
import json
import random
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import playwright
import pytest
import redis
from openai import AsyncOpenAI, OpenAI

from jobs.contract import names
from jobs.contract.saying.pieces import pieces_in
from tests.files.drawing import Scene, random_scene
from tests.process.conftest import Stack
from tests.processes import PATIENCE_S, wait_until
from tests.tools import CURL

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

DESCRIBE = "Describe this image."
ROOT = Path(__file__).parents[2]
#: Node, which Playwright brings.
NODE = Path(playwright.__file__).with_name("driver") / "node"


@pytest.fixture(scope="module")
def nano(tmp_path_factory) -> Iterator[Stack]:
    """A stack with a worker for nano."""
    with Stack(tmp_path_factory.mktemp("openai")) as stack:
        stack.start_redis()
        stack.start_web()
        stack.start_worker("nano")
        yield stack


@pytest.fixture
def client(nano: Stack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{nano.url}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def told_in_pieces(nano: Stack) -> Iterator[Callable[[str], None]]:
    """Waits for the pieces that a job's answer is told in; web sends on together what has come meanwhile."""
    count: Counter[str] = Counter()
    with redis.Redis(port=nano.redis_port, decode_responses=True) as client, client.pubsub() as line:
        line.psubscribe(names.said_channel("*"))
        assert line.get_message(timeout=PATIENCE_S)

        def are_many(job_id: str) -> bool:
            while message := line.get_message():
                count.update(piece.job_id for piece in pieces_in(message["data"]) if piece.text)
            return count[job_id] > 2

        yield lambda job_id: wait_until(lambda: are_many(job_id), "it is told piece by piece")


def shown(scene: Scene) -> dict:
    data = base64.b64encode(scene.encode("PNG", width=300, height=200)).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def asked(*content: dict | str) -> list:
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    return [{"role": "user", "content": parts}]


def test_many_at_once_each_get_their_own_answer(nano):
    rng = random.Random(11)
    scenes = [random_scene(rng, shapes=1) for _ in range(8)]

    async def ask_all() -> list:
        async with AsyncOpenAI(base_url=f"{nano.url}/v1", api_key="any", max_retries=0) as client:
            asking = [
                client.chat.completions.create(model="nano", messages=asked(shown(scene), DESCRIBE))
                for scene in scenes
            ]
            return await asyncio.gather(*asking)

    made = asyncio.run(ask_all())
    assert [one.choices[0].message.content for one in made] == [scene.description for scene in scenes]
    assert all(one.usage.prompt_tokens > one.usage.completion_tokens > 0 for one in made)
    assert all(one.choices[0].finish_reason == "stop" for one in made)


def test_an_answer_that_is_cut_says_so(client):
    scene = Scene("white", (("red", "circle"),))
    made = client.chat.completions.create(
        model="nano", messages=asked(shown(scene), DESCRIBE), max_completion_tokens=2
    )
    assert (made.choices[0].finish_reason, made.usage.completion_tokens) == ("length", 2)


def test_an_answer_has_the_format_that_was_asked_for_and_logprobs(client):
    schema = {
        "type": "object",
        "properties": {"seen": {"type": "string", "enum": ["circle", "square"]}},
        "required": ["seen"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "seen", "schema": schema, "strict": True}}
    made = client.chat.completions.create(
        model="nano",
        messages=asked(shown(Scene("white", (("red", "circle"),))), DESCRIBE),
        response_format=wanted,
        logprobs=True,
        top_logprobs=1,
    )
    assert json.loads(made.choices[0].message.content)["seen"] in ("circle", "square")
    said = made.choices[0].logprobs.content
    assert "".join(token.token for token in said) == made.choices[0].message.content
    assert all(len(token.top_logprobs) <= 1 and token.logprob <= 0 for token in said)


def test_a_second_turn_follows_the_first(client):
    first, second = Scene("white", (("red", "circle"),)), Scene("white", (("blue", "square"),))
    messages = [*asked(shown(first), DESCRIBE)]
    made = client.chat.completions.create(model="nano", messages=messages)
    messages += [made.choices[0].message, *asked(shown(second), DESCRIBE)]
    both = client.chat.completions.create(model="nano", messages=messages)
    said = made.usage.completion_tokens
    assert both.usage.prompt_tokens > 2 * made.usage.prompt_tokens - said, "the set-up is said once"
    assert both.choices[0].message.content


def test_a_stream_says_the_same_as_it_is_made(nano, client, told_in_pieces):
    scenes = [random_scene(random.Random(seed), shapes=2) for seed in range(4)]
    how: dict[str, Any] = {"model": "nano", "stream": True, "stream_options": {"include_usage": True}}

    async def stream(client: AsyncOpenAI, scene: Scene) -> list:
        made = await client.chat.completions.create(messages=asked(shown(scene), DESCRIBE), **how)
        return [chunk async for chunk in made]

    async def stream_all() -> list:
        async with AsyncOpenAI(base_url=f"{nano.url}/v1", api_key="any", max_retries=0) as client:
            return await asyncio.gather(*(stream(client, scene) for scene in scenes))

    for scene, (*chunks, used) in zip(scenes, asyncio.run(stream_all()), strict=True):
        texts = [chunk.choices[0].delta.content for chunk in chunks]
        assert "".join(text for text in texts if text) == scene.description
        told_in_pieces(used.id.removeprefix("chatcmpl-"))
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert used.usage.completion_tokens >= sum(map(bool, texts))
    # The same once more is known, and comes at once.
    said = [*client.chat.completions.create(messages=asked(shown(scenes[0]), DESCRIBE), **how)]
    assert scenes[0].description in [chunk.choices[0].delta.content for chunk in said if chunk.choices]


def test_a_stream_ends_before_its_stop_text(client):
    messages = asked(shown(Scene("white", (("red", "circle"),))), DESCRIBE)
    whole = client.chat.completions.create(model="nano", messages=messages).choices[0].message.content
    stop = whole[len(whole) // 2 :][:4]
    chunks = [*client.chat.completions.create(model="nano", messages=messages, stop=stop, stream=True)]
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said == whole[: whole.find(stop)].strip()
    assert chunks[-1].choices[0].finish_reason == "stop"


def requests_of(scenes: list[Scene]) -> bytes:
    """A file of requests about scenes, and a line that is none."""
    lines = [
        json.dumps(
            {
                "custom_id": f"scene {number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "nano", "messages": asked(shown(scene), DESCRIBE)},
            }
        )
        for number, scene in enumerate(scenes)
    ]
    return "\n".join([*lines, "{"]).encode()


def answers_in(output: str) -> dict[str, str]:
    """What was answered to each request of a file."""
    lines = map(json.loads, output.splitlines())
    return {line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"] for line in lines}


def test_a_file_of_requests_is_answered_line_by_line(nano):
    scenes = [random_scene(random.Random(seed)) for seed in range(12)]

    async def run() -> tuple[str, str, tuple[int, int, int]]:
        async with AsyncOpenAI(base_url=f"{nano.url}/v1", api_key="any", max_retries=0) as client:
            sent = await client.files.create(file=("a.jsonl", requests_of(scenes)), purpose="batch")
            made = await client.batches.create(
                input_file_id=sent.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            while made.status in ("validating", "in_progress"):
                await asyncio.sleep(0.2)
                made = await client.batches.retrieve(made.id)
            counts = made.request_counts
            assert made.status == "completed"
            assert counts
            assert made.output_file_id
            assert made.error_file_id
            answers = await client.files.content(made.output_file_id)
            errors = await client.files.content(made.error_file_id)
            return answers.text, errors.text, (counts.total, counts.completed, counts.failed)

    answers, errors, counts = asyncio.run(asyncio.wait_for(run(), 120))
    assert answers_in(answers) == {f"scene {n}": scene.description for n, scene in enumerate(scenes)}
    assert counts == (13, 12, 1)
    assert len(errors.splitlines()) == 1


def test_the_command_runs_a_file_of_requests(nano, tmp_path):
    scenes = [random_scene(random.Random(seed)) for seed in range(20, 24)]
    (tmp_path / "a.jsonl").write_bytes(requests_of(scenes))
    ran = nano.command("batch", tmp_path / "a.jsonl", "--out", tmp_path / "out.jsonl")
    assert ran.returncode == 1, ran.stderr
    answers = answers_in((tmp_path / "out.jsonl").read_text("utf-8"))
    assert answers == {f"scene {n}": scene.description for n, scene in enumerate(scenes)}


def test_a_response_is_the_same_answer(client, told_in_pieces):
    scene = random_scene(random.Random(31), shapes=2)
    image = {"type": "input_image", "image_url": shown(scene)["image_url"]["url"], "detail": "auto"}
    content = [image, {"type": "input_text", "text": DESCRIBE}]
    how: dict[str, Any] = {"model": "nano", "input": [{"role": "user", "content": content}]}
    with client.responses.stream(**how) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        whole = stream.get_final_response()
    assert "".join(pieces) == whole.output_text == scene.description
    told_in_pieces(whole.id.removeprefix("resp_"))
    assert client.responses.create(**how).output_text == scene.description
    assert client.responses.retrieve(whole.id).output_text == scene.description


@pytest.fixture
def shown_in_the_docs(nano: Stack) -> Callable[..., str]:
    """Runs an example of docs/openai.md, the first one with some text in it; gives what it prints."""
    text = (ROOT / "docs" / "openai.md").read_text("utf-8")

    def run(language: str, having: str, folder: Path = ROOT) -> str:
        examples = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        program = next(one for one in examples if having in one)
        program = program.replace("http://127.0.0.1:8000", nano.url).replace("eva01_…", "any")
        by = ["bash", "-euo", "pipefail", "-c", program.replace("sleep 5", "sleep 0.2")]
        if language == "js":
            by = [str(NODE), "--input-type=module", "--eval", program]
        ran = subprocess.run(by, cwd=folder, capture_output=True, text=True, timeout=120)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    return run


@pytest.fixture
def red_circle(client) -> str:
    """What is said of the image in the examples."""
    data = base64.b64encode((ROOT / "examples/shapes/red-circle.png").read_bytes()).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    made = client.chat.completions.create(model="nano", messages=asked(image, DESCRIBE))
    return made.choices[0].message.content


def test_the_docs_ask_with_curl_and_without_a_package_as_with_the_client(shown_in_the_docs, red_circle):
    CURL.needed()
    made = json.loads(shown_in_the_docs("sh", "Describe this image."))
    assert made["choices"][0]["message"]["content"] == red_circle
    assert shown_in_the_docs("js", "fetch(") == f"{red_circle}\n"


def test_the_docs_stream_with_curl(shown_in_the_docs, red_circle):
    CURL.needed()
    events = re.findall(r"^data: (.*)$", shown_in_the_docs("sh", '"stream": true'), re.MULTILINE)
    assert events.pop() == "[DONE]"
    said = [json.loads(event)["choices"][0]["delta"].get("content") for event in events]
    assert "".join(text or "" for text in said) == red_circle


def test_the_docs_make_a_batch_with_curl(shown_in_the_docs, tmp_path):
    CURL.needed()
    scenes = [random_scene(random.Random(seed)) for seed in range(40, 43)]
    (tmp_path / "requests.jsonl").write_bytes(requests_of(scenes))
    shown_in_the_docs("sh", "requests.jsonl", tmp_path)
    answers = answers_in((tmp_path / "answers.jsonl").read_text("utf-8"))
    assert answers == {f"scene {n}": scene.description for n, scene in enumerate(scenes)}
    assert "malformed_body" in (tmp_path / "errors.jsonl").read_text("utf-8")
