"""What a worker takes for a ticket, and what it does not."""

import base64
import json
import pickle
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.broker.tickets import NoTicket, Ticket

MOST_BYTES = 16_384
QUEUE = "eva01:nano:bulk"


def changed(**parts: Any) -> dict[str, Any]:
    """A good ticket as a dict, with other parts; None leaves one out. `headers__eta` is a part of a part."""
    message = json.loads(Ticket("18f.1", is_redelivered=False).message(QUEUE))
    for name, value in parts.items():
        *outer, last = name.replace("content_", "content-").split("__")
        part = message
        for key in outer:
            part = part[key]
        part[last] = value
        if value is None:
            del part[last]
    return message


def read(message: Any) -> Ticket:
    return Ticket.read(json.dumps(message).encode(), MOST_BYTES)


@pytest.mark.parametrize("is_redelivered", [False, True])
def test_a_ticket_is_read_as_it_was_written(is_redelivered):
    ticket = Ticket("18f.1", is_redelivered)
    assert Ticket.read(ticket.message(QUEUE), MOST_BYTES) == ticket


def test_what_another_version_writes_besides_is_passed_over_and_goes_no_further():
    ticket = read(changed(lane="fast", headers__lang="py", headers__retries=3, properties__priority=9))
    assert ticket == Ticket("18f.1", is_redelivered=False)
    assert ticket.message(QUEUE) == Ticket("18f.1", is_redelivered=False).message(QUEUE)


def test_a_body_may_be_packed_as_version_0_1_0_did():
    body = base64.b64encode(b'[[], {}, {"callbacks": null, "chain": null}]').decode()
    assert read(changed(body=body, properties__body_encoding="base64")).number == "18f.1"


NONE_OF_OURS: dict[str, Any] = {
    "a number": 7,
    "a list": [],
    "null": None,
    "an object": {},
    "another task": changed(headers__task="os.system"),
    "no headers": changed(headers={}),
    "headers that are null": {**changed(), "headers": None},
    "no properties": changed(properties={}),
    "a pickle": changed(content_type="application/x-python-serialize", content_encoding="binary"),
    "YAML": changed(content_type="application/x-yaml"),
    "a body that is no JSON": changed(body="{{{"),
    "a body that is a number": changed(body="7"),
    "a body that is no text": changed(body=[[], {}, {}]),
    "no body": changed(body=None),
    "arguments": changed(body="[[1],{},{}]"),
    "named arguments": changed(body='[[],{"x":1},{}]'),
    "something to do afterwards": changed(body='[[],{},{"callbacks":[{"task":"eva01.answer"}]}]'),
    "a body that is not packed as it says": changed(properties__body_encoding="base64"),
    "an unknown packing": changed(properties__body_encoding="zip"),
    "a packed body that would be unpacked": changed(headers__compression="application/x-bz2"),
    "a time in a year": changed(headers__eta="2036-01-01T00:00:00+00:00"),
    "an end": changed(headers__expires="2020-01-01T00:00:00+00:00"),
    "a number as its number": changed(properties__delivery_tag=7),
    "no number": changed(properties__delivery_tag=None),
    "an empty number": changed(properties__delivery_tag=""),
    "a number of two lines": changed(properties__delivery_tag="18f.1\n"),
    "a long number": changed(properties__delivery_tag="1" * 65),
    "no delivery": changed(properties__delivery_info=None),
    "a delivery that may be one": changed(properties__delivery_info={"redelivered": "perhaps"}),
}


@pytest.mark.parametrize("message", NONE_OF_OURS.values(), ids=NONE_OF_OURS)
def test_what_is_no_ticket_is_said_without_its_content(message):
    with pytest.raises(NoTicket) as said:
        read(message)
    assert "os.system" not in str(said.value)


RAW = {
    "nothing": b"",
    "no JSON": b"garbage",
    "no text": b"\x00\x01\xff",
    "half": Ticket("18f.1", is_redelivered=False).message(QUEUE)[:-1],
    "deep": b"[" * MOST_BYTES,
    "a deep body": json.dumps(changed(body="[" * 8000)).encode(),
    "a long number": b"9" * MOST_BYTES,
    "long": Ticket("18f.1", is_redelivered=False).message(QUEUE) + b" " * MOST_BYTES,
}


@pytest.mark.parametrize("message", RAW.values(), ids=RAW)
def test_what_is_no_message_is_no_ticket(message):
    with pytest.raises(NoTicket):
        Ticket.read(message, MOST_BYTES)


# Whatever else may stand in a list

#: Values of any shape, some as deep or as long as a message allows.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "a" * 5000, "__class__", "!!python/object/apply:os.system [x]", 10**400]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
PARTS = (
    *("body", "content_type", "content_encoding", "headers", "properties", "headers__task", "headers__eta"),
    *("headers__expires", "headers__compression", "headers__retries", "properties__delivery_tag", "lane"),
    *("properties__delivery_info", "properties__delivery_info__redelivered", "properties__body_encoding"),
)


def packed(message: Any) -> bytes:
    return json.dumps(message).encode(errors="surrogatepass")


@st.composite
def nearly_tickets(draw: st.DrawFn) -> bytes:
    """A ticket with another value in one of its parts, or bytes of it changed, lost or repeated."""
    message = packed(changed(**{draw(st.sampled_from(PARTS)): draw(ANYTHING)}))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(message))] * 2)))
    other = draw(st.sampled_from([message[start:end], b"", pickle.dumps(message), b"\xff\xfe"]) | st.binary())
    return draw(st.sampled_from([message, message[:start] + other + message[end:]]))


@settings(max_examples=150, derandomize=True, database=None)
@given(nearly_tickets() | st.binary(max_size=200) | ANYTHING.map(packed))
def test_any_message_is_a_ticket_of_ours_or_none(message):
    with suppress(NoTicket):
        ticket = Ticket.read(message, MOST_BYTES)
        assert re.fullmatch("[!-~]{1,64}", ticket.number)
        assert Ticket.read(ticket.message(QUEUE), MOST_BYTES) == ticket
