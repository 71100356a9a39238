"""What images cost, in the command: of each model, and of what is about to be sent."""

import pytest

from eva01.client.models import Price
from tests.unit.eva01.test_cli import batch, images, page, run, sent  # noqa: F401 - fixtures
from tests.unit.eva01.test_order import SENT, looked_at, state
from tests.unit.scripted_server import BATCH_ID

PRICE = {"amount": 0.4, "currency": "EUR"}


@pytest.mark.parametrize(
    ("images", "said"),
    [(1, "0.0004 EUR"), (3, "0.0012 EUR"), (1000, "0.40 EUR"), (9_000_000, "3,600.00 EUR")],
)
def test_a_cost_has_the_digits_that_mean_something(images, said):  # noqa: F811
    assert Price.model_validate(PRICE).of(images) == said


def test_a_price_that_is_nothing_is_nothing():
    assert Price(amount=0, currency="EUR").of(5) == "0 EUR"


def test_models_say_what_a_thousand_images_cost(run, server):  # noqa: F811
    server.replies = [({"models": [{"name": "ocr"}, {"name": "receipts", "price": PRICE}]}, 200, {})]
    _, out, _ = run("models")
    assert "1,000 images" in out
    assert "0.40 EUR" in out


@pytest.mark.parametrize("file", ["b.png", "b.pdf"])
def test_submit_says_what_it_costs_before_it_sends(run, server, images, file):  # noqa: F811
    (images / "b.png").rename(images / file)
    server.replies = [batch(price=PRICE), sent("a.png", file), batch(), batch(), page()]
    code, out, _ = run("submit", images, "-q", "?", "-m", "receipts")
    assert code == 0
    assert "2 images cost 0.0008 EUR, at 0.40 EUR for 1,000." in out
    assert ("More where files have several" in out) == (file == "b.pdf")


def test_submit_says_what_it_costs_also_where_it_goes_on_with_a_batch(run, server, images):  # noqa: F811
    server.replies = [
        batch(price=PRICE, total=1, state="open"),
        sent("a.png", "b.png"),
        batch(),
        batch(),
        page(),
    ]
    _, out, _ = run("submit", images, "--batch", BATCH_ID)
    assert "2 images cost 0.0008 EUR, at 0.40 EUR for 1,000. Those that the batch has already" in out


def test_a_file_of_requests_says_what_its_model_costs(run, server, tmp_path):  # noqa: F811
    file = tmp_path / "requests.jsonl"
    file.write_text('{"custom_id": "a"}\n')
    server.replies = [SENT, state("completed", 2), state("completed", 2), looked_at(price=PRICE)]
    code, out, _ = run("batch", file)
    assert (code, "Its model costs 0.40 EUR for 1,000 images." in out) == (0, True)


def test_nothing_is_said_of_a_price_that_is_not_known(run, server, images):  # noqa: F811
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), page()]
    _, out, _ = run("submit", images, "-q", "?")
    assert "cost" not in out
