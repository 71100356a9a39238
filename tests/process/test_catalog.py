"""A model that people have listed, served under its own name by real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.drawing import Scene
from tests.process.conftest import Stack
from tests.process.test_answers import make_batch, send, wait_until_done

pytestmark = pytest.mark.process

FILE = """\
models:
  - name: shapes
    source: nano
    description: {en: Tells shapes., zh: 说出形状。}
    slots: 3
    max_pixels: 12544
    prompt: "%s"
    fields: ["background", "count:integer", "solid:boolean"]
"""
RED_CIRCLE = Scene("white", (("red", "circle"),)).encode()


class Listing(Stack):
    """A stack of which all parts read one file of models."""

    @property
    def catalog(self) -> Path:
        return self.folder / "models.yaml"

    @property
    def env(self) -> dict[str, str]:
        return super().env | {"EVA01_CATALOG": str(self.catalog), "EVA01_MODELS": ""}


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[Listing]:
    """With Redis alone."""
    with Listing(tmp_path) as stack:
        stack.catalog.write_text(FILE % "Fill in the fields. {question}", encoding="utf-8")
        stack.start_redis()
        yield stack


def asked(stack: Stack, name: str, **more: object) -> dict:
    """The one job of a batch that asks nothing of its own but for this image."""
    with stack.client() as client:
        batch = make_batch(client, "shapes", "What is it?", **more)
        send(client, batch, {name: RED_CIRCLE})
        wait_until_done(client, batch)
        (job,) = client.get(f"/api/batches/{batch}/results").json()["jobs"]
        return job


def test_it_answers_by_its_own_name_prompt_pixels_and_fields(listing):
    listing.start_web()
    first = listing.start_worker("shapes", "first")
    job = asked(listing, "a.png")
    assert (job["state"], job["model"], job["question"]) == ("succeeded", "shapes", "What is it?")
    assert job["data"] == {"background": "white", "count": 1, "solid": False}
    assert 0 < job["usage"]["read_pixels"] <= 12_544
    assert "3 jobs in hand" in first.output()
    assert asked(listing, "b.png")["cached"]
    assert asked(listing, "c.png", response_format={"type": "text"})["data"] is None
    first.end()
    listing.catalog.write_text(FILE % "Fill in all fields. {question}", encoding="utf-8")
    second = listing.start_worker("shapes", "second", EVA01_SLOTS="2")
    assert not asked(listing, "d.png")["cached"], "another prompt is another answer"
    assert "2 jobs in hand" in second.output()


@pytest.mark.parametrize("part", [("web",), ("worker", "--model", "shapes")], ids=lambda part: part[0])
def test_a_part_does_not_start_with_a_file_that_is_wrong(listing, part):
    listing.catalog.write_text(FILE.replace("slots", "slotz"), encoding="utf-8")
    ran = listing.command(*part)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"EVA01_CATALOG={listing.catalog}: line 5: there is no key `slotz` here")
