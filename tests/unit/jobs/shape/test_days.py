"""Days and times in answers: those that there are can be said, and no others."""

import json
from datetime import date
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from jobs.shape.grammar import grammar_of
from jobs.shape.satisfied import mismatch

#: Years of each kind, and those around which calendars differ.
YEARS = (0, 1, 4, 100, 400, 1900, 2000, 2023, 2024, 9999)
DAY: dict[str, Any] = {"type": "string", "format": "date"}


@pytest.fixture(scope="module")
def tokenizer() -> LLTokenizer:
    return LLTokenizer("byte")


def can_say(tokenizer: LLTokenizer, grammar: str, value: Any) -> bool:
    matcher = LLMatcher(tokenizer, grammar)
    said = tokenizer.tokenize_str(json.dumps(value))
    return matcher.try_consume_tokens(said) == len(said) and matcher.is_accepting()


def test_every_day_that_there_is_can_be_said_and_no_other(tokenizer):
    grammar = grammar_of(DAY)
    for year in YEARS:
        for month in range(14):
            for day in (0, 1, 19, *range(28, 33)):
                said = f"{year:04}-{month:02}-{day:02}"
                try:
                    is_one = bool(date(year, month, day))
                except ValueError:
                    is_one = False
                assert can_say(tokenizer, grammar, said) == is_one, said


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("date", "2024-2-29"),
        ("date", "2024-02-29 "),
        ("date", "20240229"),
        ("date-time", "2023-02-29T12:00:00Z"),
        ("date-time", "2024-02-29T24:00:00Z"),
        ("date-time", "2024-02-29T12:00:60Z"),
        ("date-time", "2024-02-29T12:00:00+1:00"),
        ("date-time", "2024-02-29T12:00:00"),
        ("time", "12:60:00Z"),
        ("time", "12:00:00+24:00"),
    ],
)
def test_what_does_not_satisfy_its_format_cannot_be_said(tokenizer, kind, said):
    schema = {"type": "string", "format": kind}
    assert mismatch(json.dumps(schema), said)
    assert not can_say(tokenizer, grammar_of(schema), said)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("date-time", "2024-02-29T23:59:59Z"),
        ("date-time", "2024-02-29t00:00:00.125+23:59"),
        ("time", "08:30:00z"),
    ],
)
def test_times_can_be_said(tokenizer, kind, said):
    schema = {"type": "string", "format": kind}
    assert can_say(tokenizer, grammar_of(schema), said)
    assert mismatch(json.dumps(schema), said) is None


@pytest.mark.parametrize(
    ("more", "can", "cannot"),
    [
        ({"type": ["string", "null"]}, None, "2023-02-29"),
        ({"pattern": "^2024"}, "2024-02-29", "2025-01-01"),
        ({"pattern": "^2024", "allOf": [{"pattern": "29$"}]}, "2024-02-29", "2024-02-28"),
    ],
)
def test_what_else_is_asked_of_a_day_holds_as_well(tokenizer, more, can, cannot):
    items = {"type": "array", "items": DAY | more, "minItems": 1, "maxItems": 1}
    assert can_say(tokenizer, grammar_of(items), [can])
    assert not can_say(tokenizer, grammar_of(items), [cannot])
