"""How many pixels of an image are seen, in the command and the client: written, priced, sent."""

import pytest

from eva01.cli.pixels import pixels_in
from tests.unit.eva01.test_cli import batch, images, page, run, sent  # noqa: F401 - fixtures
from tests.unit.eva01.test_client import client  # noqa: F401 - a fixture
from tests.unit.scripted_server import JOB_ID, Reply

TAKES = {"least": 3136, "default": 1_048_576, "most": 4_194_304}
MODELS: Reply = ({"models": [{"name": "ocr"}, {"name": "nano", "max_pixels": TAKES}]}, 200, {})


@pytest.mark.parametrize("text", ["", "0", "0.4", "2G", "1e6", "-3", "1.5.2M", "M", "2 MM", "1_000", "٣"])
def test_what_is_no_number_of_pixels_is_refused_and_the_reason_says_how_to_write_it(text):
    with pytest.raises(ValueError, match="Write 786432, 800k or 1\\.5M"):
        pixels_in(text)


@pytest.mark.parametrize(
    ("written", "pixels", "says"),
    [
        ("2M", 2_000_000, "(smaller text is read): a large one takes about 1.9 × the image tokens"),
        (
            "262144",
            262_144,
            "(faster, and small text is lost): a large one takes about 0.25 × the image tokens",
        ),
        ("1048576", 1_048_576, ""),
    ],
)
def test_submit_says_what_a_resolution_costs_and_sends_it(run, server, images, written, pixels, says):  # noqa: F811
    server.replies = [MODELS, batch(), sent("a.png", "b.png"), batch(), batch(), page()]
    code, out, _ = run("submit", images, "-q", "?", "-m", "nano", "--max-pixels", written)
    assert code == 0
    assert says in " ".join(out.split())
    assert ("instead of 1,048,576" in " ".join(out.split())) is bool(says)
    assert server.bodies[1]["max_pixels"] == pixels


def test_nothing_is_sent_when_the_pixels_cannot_be_understood_or_the_batch_has_its_own(run, server, images):  # noqa: F811
    code, _, err = run("submit", images, "--max-pixels", "many")
    assert (code, "'many' is no number of pixels" in err) == (2, True)
    code, _, err = run("submit", images, "--max-pixels", "2M", "--batch", "a" * 32)
    assert (code, "pixels" in err, server.requests) == (2, True, [])


def test_no_price_is_said_of_pixels_that_the_server_refuses(run, server, images):  # noqa: F811
    refusal = {"code": "resolution_out_of_range", "detail": "nano takes 3,136 to 4,194,304 pixels."}
    server.replies = [MODELS, (refusal, 422, {})]
    code, out, err = run("submit", images, "-q", "?", "-m", "nano", "--max-pixels", "9M")
    assert (code, out) == (2, "")
    assert "nano takes 3,136 to 4,194,304 pixels." in err


def test_models_say_which_pixels_they_take(run, server):  # noqa: F811
    server.replies = [MODELS]
    _, out, _ = run("models")
    assert "3,136 – 4,194,304" in out


def test_the_client_sends_pixels_and_reads_what_a_batch_and_a_model_say(client, server, tmp_path):  # noqa: F811
    path = tmp_path / "a.png"
    path.write_bytes(b"pixels")
    job = {"id": JOB_ID, "state": "succeeded", "usage": {"read_pixels": 784}}
    server.replies = [(job, 200, {}), (job, 202, {}), batch(max_pixels=9000), MODELS]
    assert client.analyze(path, "?", max_pixels=5000).usage == {"read_pixels": 784}
    client.create_job(path, max_pixels=6000)
    assert client.create_batch("?", max_pixels=9000).max_pixels == 9000
    assert [fields["max_pixels"] for fields in server.fields[:2]] == ["5000", "6000"]
    assert server.bodies[2] == {"question": "?", "name": "", "max_pixels": 9000}
    ocr, nano = client.models()
    assert ocr.max_pixels is None
    assert nano.max_pixels
    assert nano.max_pixels.to_json() == TAKES
