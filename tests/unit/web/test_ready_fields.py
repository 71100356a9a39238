"""The page's ready fields are in the short form that the server reads, in every language."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import web.pages
from jobs.contract.asking.fields import AnswerField, FieldType, field_from, format_of
from jobs.contract.settings import Limits
from jobs.shape.schemas import check_format

_PAGES = Path(web.pages.__file__).parent
_SCRIPT = (_PAGES / "static/js/ask/field_presets.js").read_text()
_LISTED = re.findall(r"fields: \[\n(.*?)\n    \]", _SCRIPT, re.DOTALL)
READY = [re.findall(r't\("(.*)"\)', listed) for listed in _LISTED]
CATALOGUES = sorted(_PAGES.glob("translations/*/LC_MESSAGES/messages.po"))


def made(shorts: list[str]) -> list[AnswerField]:
    return [AnswerField.model_validate(field_from(short)) for short in shorts]


def test_there_are_ready_fields():
    assert [len(shorts) for shorts in READY] == [7, 8, 5, 6, 6, 5]


@pytest.mark.parametrize("shorts", READY, ids=lambda shorts: shorts[0])
def test_ready_fields_are_fields_that_answers_can_be_held_to(shorts):
    check_format(format_of(made(shorts)), Limits().max_schema_bytes)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_translated_they_have_the_same_types(path):
    with path.open("rb") as file:
        words = {message.id: str(message.string) for message in read_po(file)}
    for shorts in READY:
        translated = made([words[short] for short in shorts])
        check_format(format_of(translated), Limits().max_schema_bytes)
        for ours, theirs in zip(made(shorts), translated, strict=True):
            assert (ours.type, ours.is_list, ours.is_required) == (
                *(theirs.type, theirs.is_list, theirs.is_required),
            )
            assert bool(theirs.choices) == (ours.type is FieldType.CHOICE)
