"""Options that would be ignored, or not be done as they say, are refused before anything is sent."""

import pytest

from tests.unit.eva01.test_cli import batch, images, page, run, sent  # noqa: F401 - fixtures
from tests.unit.scripted_server import BATCH_ID


@pytest.mark.parametrize("ending", [".json", ".xls", ".tsv", ".zip", ".v2"])
@pytest.mark.parametrize("command", ["submit", "results", "up"])
def test_results_are_written_as_their_name_says_or_not_at_all(run, server, images, tmp_path, command, ending):  # noqa: F811
    about = BATCH_ID if command == "results" else images
    code, _, err = run(command, about, "--out", tmp_path / "new" / f"answers{ending}")
    assert (code, server.requests, (tmp_path / "new").exists()) == (2, [], False)
    assert f"not written as {ending}. Name one of .csv, .jsonl, .ndjson, .xlsx, .parquet." in err


def test_a_name_without_an_ending_is_csv_and_a_format_goes_before_any(run, server, tmp_path):  # noqa: F811
    server.replies = [batch(), ("a,b", 200, {}), batch(), ("a,b", 200, {})]
    assert run("results", BATCH_ID, "--out", tmp_path / "answers")[0] == 0
    assert run("results", BATCH_ID, "--out", tmp_path / "answers.txt", "--format", "csv")[0] == 0
    assert [path.rpartition("/")[2] for _, path, _ in server.requests[1::2]] == ["results.csv"] * 2


def test_a_batch_without_an_id_is_no_new_one(run, server, images):  # noqa: F811
    code, _, err = run("submit", images, "--batch", "")
    assert (code, server.requests, "--batch names no batch" in err) == (2, [], True)


@pytest.mark.parametrize(
    "options",
    [
        ("--question", "What is it?"),
        ("--out", "results.csv"),
        ("--field", "total:number"),
        ("--temperature", "1"),
        ("--pages", "each"),
        ("--max-pixels", "2M"),
    ],
)
def test_what_is_asked_about_a_folder_needs_one(run, options):  # noqa: F811
    code, _, err = run("up", *options)
    assert (code, f"{options[0]}: that is asked about a FOLDER" in err) == (2, True)
