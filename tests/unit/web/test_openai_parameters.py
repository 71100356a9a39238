"""What is said of OpenAI's parameters, against its own client's types: a later one shows what is missing."""

from collections.abc import Sequence

import pytest
from openai.types import batch_create_params, file_create_params
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as response

from scripts.openai_parameters import PAGE, table
from web.openai.bulk.batches import NewBatch
from web.openai.bulk.files import NewFile
from web.openai.chat.request import ChatRequest
from web.openai.parameters import BATCH, CHAT, FILE, RESPONSE, Parameter, Support
from web.openai.request import Request
from web.openai.responses.request import ResponseRequest

#: Parameters of our own.
OURS = {"max_pixels"}
#: Of their kinds of requests, what the client's types have, and the request that is read here.
CHATS = (
    {
        *chat.CompletionCreateParamsNonStreaming.__annotations__,
        *chat.CompletionCreateParamsStreaming.__annotations__,
    },
    CHAT,
    ChatRequest,
)
RESPONSES = (
    {
        *response.ResponseCreateParamsNonStreaming.__annotations__,
        *response.ResponseCreateParamsStreaming.__annotations__,
    },
    RESPONSE,
    ResponseRequest,
)
each_kind = pytest.mark.parametrize(("theirs", "known", "request_type"), [CHATS, RESPONSES])


@each_kind
def test_each_parameter_of_the_client_has_its_line_and_there_are_no_others(
    theirs: set[str], known: Sequence[Parameter], request_type: type[Request]
):
    names = [parameter.name for parameter in known]
    assert set(names) == theirs | OURS
    assert len(names) == len(set(names))
    assert known == request_type.PARAMETERS


@each_kind
def test_each_that_is_supported_is_read_and_no_other_is(
    theirs: set[str], known: Sequence[Parameter], request_type: type[Request]
):
    supported = {one.name for one in known if one.support in (Support.SUPPORTED, Support.DIFFERENT)}
    assert supported == set(request_type.model_fields)


@each_kind
def test_only_what_is_refused_has_values_that_change_nothing(
    theirs: set[str], known: Sequence[Parameter], request_type: type[Request]
):
    assert {one.support for one in known if one.neutral} == {Support.REFUSED}


@each_kind
def test_the_table_in_the_docs_is_that_of_the_code(
    theirs: set[str], known: Sequence[Parameter], request_type: type[Request]
):
    assert table(known) in PAGE.read_text(encoding="utf-8")


#: The same of what makes files, one of which is in the form beside its fields, and batches.
FILES = ({*file_create_params.FileCreateParams.__annotations__}, FILE, {"file", *NewFile.model_fields})
BATCHES = ({*batch_create_params.BatchCreateParams.__annotations__}, BATCH, {*NewBatch.model_fields})


@pytest.mark.parametrize(("theirs", "known", "read"), [FILES, BATCHES])
def test_files_and_batches_take_what_the_client_sends_and_no_more(
    theirs: set[str], known: Sequence[Parameter], read: set[str]
):
    assert {parameter.name for parameter in known} == theirs == read
    assert table(known) in PAGE.read_text(encoding="utf-8")
