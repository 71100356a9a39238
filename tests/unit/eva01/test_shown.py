"""Output for people: safe for any file name and answer, and short for any number of them."""

from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest
from rich.console import Console

from eva01.cli.progress import Bars, Lines, shown
from eva01.cli.submission import Sent, exit_code, say_what_is_otherwise
from eva01.cli.tables import show_batch, show_jobs, show_outcome, show_shares, show_unsent, show_usage
from eva01.cli.text import counted, duration, harmless, shortened
from eva01.client.models import Batch, Job, PassedOver, Problem, Share, Upload


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=100)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def job(file: str, answer: str | None = None, **more: object) -> Job:
    return Job(id="a" * 32, state="succeeded" if answer else "failed", file=file, answer=answer, **more)


def test_control_characters_and_turned_writing_cannot_reach_the_terminal():
    assert harmless("a\x1b[31mred\x07\u202egnp.exe") == "a�[31mred��gnp.exe"
    assert harmless("two\nlines\tand  more") == "two lines and more"
    assert harmless("照片 👩‍🚀 नमस्ते") == "照片 👩‍🚀 नमस्ते"
    assert harmless("\udcff") == "�"


def test_markup_in_names_and_answers_is_shown_as_it_is(console):
    show_jobs(console, [job("[red]a[/red].png", "[bold]yes[/bold] [link=x]")], 1, "")
    assert "[red]a[/red].png" in printed(console)
    assert "[bold]yes[/bold] [link=x]" in printed(console)


def test_a_failed_image_shows_its_reason_and_code(console):
    show_jobs(console, [job("a.png", error=Problem(code="truncated", message="Cut in half."))], 1, "")
    assert "Cut in half. (truncated)" in printed(console)


def test_what_is_to_be_known_of_an_image_stands_behind_its_answer(console):
    notes = ["first_frame", "image_incomplete", "image_damaged", "[bold]later[/bold]"]
    show_jobs(console, [job("a.gif", "yes", notes=notes)], 1, "")
    shown = " ".join(printed(console).split())
    assert "yes [first frame only] [image incomplete] [image damaged] [[bold]later[/bold]]" in shown


def test_a_long_list_shows_forty_rows_and_says_where_the_rest_is(console):
    show_jobs(console, (job(f"file-{n}.png", "yes") for n in range(1000)), 1000, " in results.csv")
    assert printed(console).count("file-") == 40
    assert "… and 960 more in results.csv." in printed(console)


def test_a_long_answer_is_cut():
    assert shortened("word " * 1000, 20) == "word word word word…"


def test_what_could_not_be_sent_is_listed_with_the_reason(console):
    show_unsent(console, [Upload(file="a.png", error=Problem(code="x", message="Gone."))])
    assert printed(console) == "Not sent: a.png: Gone.\n"


def test_what_is_otherwise_than_it_was_sent_is_one_line_each(console):
    say_what_is_otherwise(console, Sent())
    assert printed(console) == ""
    renamed = [Upload(file=f"b/{n}.png", sent_as=f"{n}.png", job_id="a" * 32) for n in range(14)]
    passed_over = PassedOver(count=1, examples=[".x"]) + PassedOver(count=1, examples=["\x1b.y"])
    say_what_is_otherwise(console, Sent(renamed=tuple(renamed), passed_over=passed_over))
    assert printed(console).splitlines() == [
        "Under another name, as the path was taken: 14 files: "
        + ", ".join(f"{n}.png is b/{n}.png" for n in range(12))
        + ", … and 2 more",
        "Passed over 2 hidden files in zips: .x, �.y",
    ]


def test_a_batch_is_one_line(console):
    counts = {"queued": 3, "succeeded": 1200, "failed": 0}
    batch = Batch(id="b" * 32, name="[x]", state="open", counts=counts, rate_per_s=2.5, time_left_s=75)
    show_batch(console, batch)
    line = f"Batch {'b' * 32} ([x]), open: 3 queued, 1,200 succeeded, 2.5/s, 1 min 15 s left.\n"
    assert printed(console) == line


def test_an_answer_that_is_cut_says_so_beside_its_words(console):
    cut, whole = (
        job("a.png", "red and", finish_reason="length"),
        job("b.png", "red and", finish_reason="stop"),
    )
    show_jobs(console, [cut, whole], 2, "")
    lines = printed(console).splitlines()
    assert [line.split() for line in lines if "red" in line] == [
        ["a.png", "red", "and", "(cut", "short)"],
        ["b.png", "red", "and"],
    ]


@pytest.mark.parametrize(
    ("cut", "said"), [(1, "1 answer is cut short."), (1200, "1,200 answers are cut short.")]
)
def test_a_batch_with_cut_answers_says_how_many_and_how_to_ask_again(console, cut, said):
    batch = Batch(
        id="b" * 32, state="closed", is_done=True, total=1300, counts={"succeeded": 1300}, cut_short=cut
    )
    show_outcome(console, batch)
    show_batch(console, batch)
    first, second, third = printed(console).splitlines()
    assert first == "1,300 images answered, 0 not."
    assert second == f"{said} Ask again with more:  eva01 submit … --max-new-tokens NUMBER"
    assert third == f"Batch {'b' * 32}, done: 1,300 succeeded, {cut:,} cut short."


def test_a_batch_of_whole_answers_says_nothing_of_cut_ones(console):
    show_outcome(console, Batch(id="b" * 32, total=2, counts={"succeeded": 2}))
    assert printed(console) == "2 images answered, 0 not.\n"


def test_a_batch_with_jobs_about_several_images_is_counted_in_jobs(console):
    done = Batch(id="b" * 32, total=2, counts={"succeeded": 1, "failed": 1}, has_lists=True, is_done=True)
    Lines(console).answered(done)
    show_outcome(console, done)
    assert printed(console).splitlines() == ["2 of 2 jobs done, 1 failed.", "1 job answered, 1 not."]


def test_without_a_terminal_progress_is_a_line_now_and_then(console):
    now = [0.0]
    lines = Lines(console, lambda: now[0])
    for second in range(25):
        now[0] = float(second)
        lines.answered(Batch(id="b" * 32, total=100, counts={"succeeded": second}))
    lines.answered(Batch(id="b" * 32, total=100, counts={"succeeded": 99, "failed": 1}, is_done=True))
    assert printed(console).splitlines() == [
        "10 of 100 images done.",
        "20 of 100 images done.",
        "100 of 100 images done, 1 failed.",
    ]


def test_on_a_terminal_progress_is_a_bar_with_count_rate_and_time_left():
    console = Console(file=StringIO(), width=100, force_terminal=True)
    with shown(console) as watcher:
        assert isinstance(watcher, Bars)
        watcher.sent(2, 2)
        half = {"succeeded": 1, "queued": 1}
        watcher.answered(Batch(id="b" * 32, total=2, counts=half, rate_per_s=0.5, time_left_s=2.0))
    assert "1/2" in printed(console)
    assert "0.5/s, 2 s left" in printed(console)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_are_for_people(seconds, text):
    assert duration(seconds) == text


AT = datetime(2027, 1, 31, 18, 5, tzinfo=UTC)


def assert_unbroken(text: str, *words: str) -> None:
    """Assert that nothing is cut and no word is broken, in 80 columns."""
    assert max(map(len, text.splitlines())) <= 80
    assert [word for word in words if word not in text] == []


def test_links_are_whole_in_80_columns_with_their_times_in_utc():
    console = Console(file=StringIO(), width=80)
    east = AT.astimezone(timezone(timedelta(hours=8)))
    works = {"state": "works", "expires_at": AT, "last_used_at": east, "note": "for the printer"}
    revoked = {"state": "revoked", "expires_at": AT, "revoked_at": east, "made_by": "openid:a@example.org"}
    shares = [Share(id="c" * 32, made_by="key:eva01_12345678", **works), Share(id="d" * 32, **revoked)]
    show_shares(console, shares)
    assert_unbroken(
        printed(console),
        *("c" * 32, "d" * 32, "made by key:eva01_12345678", "made by openid:a@example.org"),
        *("works until 2027-01-31 18:05 UTC", "last used 2027-01-31 18:05 UTC", "for the printer"),
        *("revoked 2027-01-31 18:05 UTC", "not used"),
    )


def test_usage_is_whole_in_80_columns():
    console = Console(file=StringIO(), width=80)
    taken = {"taken": 1_234_567, "succeeded": 1_200_000, "failed": 30_000, "open": 4567, "device_s": 12345.6}
    owner = "anna@photos.example.org"
    day = {"day": "2027-01-31", "owner": owner, "output_tokens": 98_765_432, **taken}
    quotas = {"requests_per_s": 2.5, "open_jobs": None, "device_s_per_day": 3600.0, "new_ones": 7}
    show_usage(console, {"days": [day], "sum": taken, "owners": [], "quotas": quotas})
    *rows, last = printed(console).splitlines()
    words = (owner, "1,234,567", "98,765,432", "12,345.6 s", "30,000", "failed", "4,567", "open")
    assert_unbroken("\n".join(rows), *words)
    assert last == "Quotas: 2.5 requests/s, 3,600 s of the device/day, 7 new_ones."


def test_nouns_agree_with_their_number():
    assert counted(1, "image") == "1 image"
    assert counted(1200, "image") == "1,200 images"


def test_the_exit_code_is_0_only_if_every_image_has_an_answer():
    def batch(**counts: int) -> Batch:
        return Batch(id="b" * 32, total=sum(counts.values()), counts=counts, is_done="queued" not in counts)

    assert exit_code(batch(succeeded=3)) == 0
    assert exit_code(batch(succeeded=3, failed=1)) == 1
    assert exit_code(batch(succeeded=3, cancelled=1)) == 1
    assert exit_code(batch(succeeded=3, queued=1)) == 1
    assert exit_code(batch(succeeded=3), [Upload(file="gone.png")]) == 1
    assert exit_code(batch()) == 1
