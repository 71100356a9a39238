"""Requests of OpenAI's API, made of whatever JSON: each is read, or refused by the name of a field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from tests.chats import DATA
from web.openai.content import turns_of
from web.openai.endpoints import ENDPOINTS
from web.openai.request import BadField

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS: dict[str, list[dict[str, Any]]] = {
    "/v1/chat/completions": [
        {"type": "image_url", "image_url": {"url": DATA}},
        {"type": "text", "text": "What is this?"},
    ],
    "/v1/responses": [
        {"type": "input_image", "image_url": DATA},
        {"type": "input_text", "text": "What is this?"},
    ],
}
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)


def good(endpoint: str) -> dict[str, Any]:
    request = ENDPOINTS[endpoint].request
    return {"model": "nano", request.MESSAGES: [{"role": "user", "content": PARTS[endpoint]}]}


@each_endpoint
@given(data=st.data())
def test_a_parameter_of_any_value_is_read_or_refused(endpoint, data):
    request = ENDPOINTS[endpoint].request
    name = data.draw(st.sampled_from([parameter.name for parameter in request.PARAMETERS]))
    try:
        asked = request.read(good(endpoint) | {name: data.draw(anything)})
        turns_of(asked, Limits())
    except BadField as error:
        assert error.field
    except BadInput as error:
        assert error.code == "question_too_long"


@each_endpoint
@given(part=anything, role=st.sampled_from(["user", "system", "assistant", "tool"]) | anything)
def test_a_message_of_anything_is_read_or_refused(endpoint, part, role):
    request = ENDPOINTS[endpoint].request
    said = good(endpoint)
    said[request.MESSAGES].insert(0, {"role": role, "content": part})
    try:
        turns_of(request.read(said), Limits())
    except BadField as error:
        assert error.field.startswith(request.MESSAGES)


@each_endpoint
@given(said=anything)
def test_a_body_of_anything_is_refused(endpoint, said):
    with pytest.raises(BadInput):
        ENDPOINTS[endpoint].request.read(said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"tools": [{}]}, "`tools` is not supported. There are no tools. Leave it out."),
        ({"user": None, "tool_choice": "x"}, "`tool_choice` is 'x', which is not supported. There are no"),
        (
            {"input": [{"role": "system", "content": [PARTS["/v1/responses"][0]]}]},
            "`input[0]`: an image can be in a message of the role `user` alone.",
        ),
    ],
)
def test_a_refusal_is_a_sentence(said, message):
    with pytest.raises(BadField) as error:
        ENDPOINTS["/v1/responses"].request.read(good("/v1/responses") | said)
    assert error.value.message.startswith(message)
