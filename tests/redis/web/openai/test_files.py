"""Files of requests as OpenAI's own client sends them, on a real Redis."""

import openai
import pytest

from tests.redis.web.openai.ordering import file_of, line

pytestmark = pytest.mark.redis

ONCE = {"Idempotency-Key": "once"}


def test_a_file_sent_twice_under_one_key_is_kept_once_and_not_spoken_of_when_it_is_deleted(client):
    def send() -> str:
        return client.files.create(file=file_of(line("a")), purpose="batch", extra_headers=ONCE).id

    sent = send()
    assert send() == sent
    assert [file.id for file in client.files.list()] == [sent]
    client.files.delete(sent)
    with pytest.raises(openai.APIStatusError) as error:
        send()
    assert (error.value.status_code, error.value.code) == (410, "deleted_since")
    assert [*client.files.list()] == []
