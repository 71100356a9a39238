"""How sure an answer is, from the probabilities of its tokens."""

from math import inf, isinf, isnan, log, nan

import pytest
import torch

from worker.engines.saying.confidence import confidence_of, field_confidence_of, logprobs_of


def test_a_tokens_probability_is_its_part_of_all():
    logits = torch.tensor([[log(1.0), log(3.0)], [log(8.0), log(2.0)]])
    assert logprobs_of(logits, torch.tensor([1, 0])).tolist() == pytest.approx([log(0.75), log(0.8)])


def test_where_there_was_no_choice_it_is_infinite_and_no_number_where_there_was_none():
    logits = torch.tensor([[-inf, inf, -inf]])
    (value,) = logprobs_of(logits, torch.tensor([1])).tolist()
    assert value == inf
    (value,) = logprobs_of(torch.full((1, 3), nan), torch.tensor([1])).tolist()
    assert isnan(value)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_short_numbers_are_added_up_as_long_ones(kind):
    logits = torch.zeros(1, 1000, dtype=kind)
    assert logprobs_of(logits, torch.tensor([0])).item() == pytest.approx(log(0.001), rel=1e-4)


@pytest.mark.parametrize(
    ("probabilities", "confidence"),
    [((0.9, 0.4), 0.6), ((1.0,), 1.0), ((0.25, 1.0, 0.5), 0.5), ((), None)],
)
def test_an_answers_is_the_geometric_mean(probabilities, confidence):
    assert confidence_of([log(one) for one in probabilities]) == confidence


def test_what_had_to_come_does_not_count():
    assert confidence_of([inf, log(0.5), inf]) == 0.5
    assert confidence_of([inf, inf]) is None


def test_each_field_has_that_of_the_tokens_of_its_value():
    pieces = {
        '{"': inf,
        "名": inf,
        '": "': 0.9,
        "发": 0.5,
        "票": 0.5,
        '", "n": ': inf,
        "1": 0.8,
        "2": 0.2,
        "}": 1.0,
    }
    text = "".join(pieces)
    logprobs = [one if isinf(one) else log(one) for one in pieces.values()]
    sizes = [len(piece.encode()) for piece in pieces]
    whole, fields = field_confidence_of(text, sizes, logprobs)
    # The quote that opens a text stands in the token before it: it was chosen over null.
    assert fields == {"名": round((0.9 * 0.5 * 0.5) ** (1 / 3), 4), "n": 0.4}
    assert whole == round((0.9 * 0.5 * 0.5 * 0.8 * 0.2) ** (1 / 5), 4)


def test_a_value_that_had_to_be_has_none():
    text = '{"a": 1}'
    assert field_confidence_of(text, [len(text)], [inf]) == (None, {})
