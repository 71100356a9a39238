"""What is said of OpenAI's parameters, against its own client's types: a later one shows what is missing."""

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from scripts.openai_parameters import PAGE, table
from web.openai.chat.request import ChatRequest
from web.openai.parameters import CHAT, Support

#: Parameters of our own.
OURS = {"max_pixels"}
NAMES = [parameter.name for parameter in CHAT]


def test_each_parameter_of_the_client_has_its_line_and_there_are_no_others():
    theirs = {
        *CompletionCreateParamsNonStreaming.__annotations__,
        *CompletionCreateParamsStreaming.__annotations__,
    }
    assert set(NAMES) == theirs | OURS
    assert len(NAMES) == len(set(NAMES))


def test_each_that_is_supported_is_read_and_no_other_is():
    supported = {one.name for one in CHAT if one.support in (Support.SUPPORTED, Support.DIFFERENT)}
    assert supported == set(ChatRequest.model_fields)


def test_only_what_is_refused_has_values_that_change_nothing():
    assert {one.support for one in CHAT if one.neutral} == {Support.REFUSED}


def test_the_table_in_the_docs_is_that_of_the_code():
    assert table() in PAGE.read_text(encoding="utf-8")
