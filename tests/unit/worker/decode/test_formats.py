"""Every line of docs/formats.md: what it says of a variant is what happens to one."""

import io
import re
from functools import cache
from pathlib import Path

import pytest

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from jobs.formats.images import check_bytes
from tests.variants.picture import HEIGHT, WIDTH, distance
from tests.variants.table import VARIANTS, Variant
from web.intake.headers import inspect
from worker.job.decode.decoder import Decoded, Decoder

DOCS = (Path(__file__).parents[4] / "docs/formats.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL))
LINES = [
    (section, *(cell.strip() for cell in row.split("|")[1:3]))
    for section, text in SECTIONS.items()
    for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)[2:]
]


READ = [line[:2] for line in LINES if line[2].startswith("read")]
NOT_READ = [line[1:] for line in LINES if line[0] == "Known, and not read"]


@cache
def made(section: str, name: str) -> bytes:
    return VARIANTS[section][name].make()


def decode(data: bytes, page: int = 1) -> Decoded:
    return Decoder(Limits(), enough_pixels=1_000_000).decode(data, page)


def looked_at(decoded: Decoded, variant: Variant) -> float:
    """How far the picture is from the right one, in the rows that are there."""
    first, end = variant.rows or (0, HEIGHT)
    box = (0, first, WIDTH, end)
    return distance(decoded.image.crop(box), variant.shows.convert("RGB").crop(box))


def test_the_tables_have_all_variants_and_no_others():
    assert [line[:2] for line in LINES] == [
        (section, name) for section in VARIANTS for name in VARIANTS[section]
    ]


@pytest.mark.parametrize(("section", "name", "said"), LINES, ids=str)
def test_what_is_said_of_a_variant_happens(section, name, said):
    variant = VARIANTS[section][name]
    if code := re.fullmatch(r"refused, `(\w+)`", said):
        with pytest.raises(Eva01Error) as refused:
            decode(made(section, name))
        assert refused.value.code == code[1]
        return
    notes = re.findall(r"note `(\w+)`", said)
    assert said == "read" + "".join(f", note `{note}`" for note in notes)
    decoded = decode(made(section, name), variant.page)
    assert decoded.pages == variant.pages
    assert (decoded.width, decoded.height) == decoded.image.size == (WIDTH, HEIGHT)
    assert list(decoded.notes) == notes
    assert looked_at(decoded, variant) <= variant.within


@pytest.mark.parametrize(
    ("section", "name"),
    [line[:2] for line in LINES if line[2].startswith("read")],
    ids=str,
)
def test_web_takes_what_the_worker_reads(section, name):
    found = inspect(io.BytesIO(made(section, name)), Limits())
    if section != "PDF":
        assert sorted((found.width, found.height)) == sorted((WIDTH, HEIGHT))
    assert (found.pages or 1) == VARIANTS[section][name].pages


@pytest.mark.parametrize(
    ("name", "said"),
    [line[1:] for line in LINES if line[0] == "Known, and not read"],
    ids=str,
)
def test_web_refuses_what_is_known_and_not_read_for_the_same_reason(name, said):
    data = made("Known, and not read", name)
    with pytest.raises(Eva01Error) as refused:
        check_bytes(len(data), Limits())
        inspect(io.BytesIO(data), Limits())
    assert f"`{refused.value.code}`" in said
