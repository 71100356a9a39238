"""Which tokens a row might have said, of logits that are there."""

from typing import Any

import pytest
import torch

from worker.engines.saying.logprobs import Choices, choices_of, noted

LOGITS = torch.tensor([[0.0, 2.0, 1.0, -1.0], [3.0, 3.5, 0.0, 1.0], [9.0, 0.0, 0.0, 0.0]])


class Untouched:
    """Logits at which nobody may look."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"somebody asked for {name}")

    def __getitem__(self, rows: object) -> Any:
        raise AssertionError("somebody looked")


def test_nothing_is_computed_where_no_row_asks():
    untouched: Any = Untouched()
    assert choices_of(untouched, untouched, [None, None]) == [None, None]
    assert noted(None) is None


def test_each_row_has_as_many_as_it_asks_for_and_none_where_it_does_not_ask():
    tokens = torch.tensor([2, 1, 0])
    first, second, third = choices_of(LOGITS, tokens, [2, None, 0])
    assert second is None
    assert first is not None
    assert third is not None
    assert first[0] == [2, 1, 2]
    assert first[1] == pytest.approx(LOGITS[0].log_softmax(-1)[[2, 1, 2]].tolist(), abs=1e-6)
    assert third[0] == [0]
    assert third[1] == pytest.approx([LOGITS[2].log_softmax(-1)[0].item()], abs=1e-6)


def test_choices_are_kept_packed_and_come_back_token_by_token():
    choices = noted(2)
    assert isinstance(choices, Choices)
    for row in LOGITS:
        (choice,) = choices_of(row[None], row.argmax()[None], [2])
        assert choice
        choices.add(choice)
    assert [[*ids] for ids, _ in choices] == [[1, 1, 2], [1, 1, 0], [0, 0, *LOGITS[2].topk(2).indices[1:]]]
    assert all(logprobs[0] == logprobs[1] >= logprobs[2] for _, logprobs in choices)
