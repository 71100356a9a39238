"""What strangers hear of errors names no place of ours."""

import pytest

from jobs.contract.catalog import card_for
from jobs.contract.discreet import discreet


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("[Errno 2] No such file: '/srv/my data/a.png'", "[Errno 2] No such file: '…'"),
        ("cannot open /srv/eva01/a.png: denied", "cannot open …: denied"),
        ("Unable to open file /srv/blobs/ab#1 (os error 13)", "Unable to open file … (os error 13)"),
        ("~/.cache/x is gone", "… is gone"),
        ('error for url "file:///srv/blobs/x y" here', 'error for url "…" here'),
        ("PUT https://bucket.s3.amazonaws.com/a?X-Amz-Signature=1 failed", "PUT … failed"),
        ("redis://:secret@host:6379/0 is away", "… is away"),
        ("shapes [1, 3] and/or 1/2 of N/A, 4 / 2", "shapes [1, 3] and/or 1/2 of N/A, 4 / 2"),
        ("cannot identify image file <_io.BytesIO object at 0x7f00>", "cannot identify image file …"),
        ("broken data stream when reading image file", "broken data stream when reading image file"),
    ],
)
def test_addresses_and_paths_are_left_out_and_all_else_stays(said, heard):
    assert discreet(ValueError(said)) == f"ValueError: {heard}"


def test_an_error_without_words_is_its_kind():
    assert discreet(KeyError()) == "KeyError"


@pytest.mark.parametrize("source", ["/srv/models/My-VL", "./models/My-VL", "tests/unit"])
def test_a_card_does_not_say_where_a_folder_is(source):
    described = card_for(source).description
    assert source not in described
    assert described.startswith(card_for(source).name)
