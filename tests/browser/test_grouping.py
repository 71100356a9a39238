"""Asking about several images in one job: the choice, what it says beforehand, and what is sent."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jobs.contract.asking.groups import GroupBy, grouped
from tests.browser.given import images_of
from tests.browser.images import RED_CIRCLE
from tests.browser.pages import AskPage, BatchPage, press
from tests.browser.test_upload import Sent, only_first, wait_on_page
from tests.files.hostile import zipped

#: Few letters, so that many paths have something in common; some are beyond the first 65,536.
LETTERS = "ab/.-_ (01)29\ue000\U0001f600"
_GROUPED = """async ([lists, way]) => {
  const { grouped } = await import("/static/js/upload/groups.js");
  return lists.map((paths) => grouped(paths, way).map(({ name, places }) => [name, places]));
}"""


def product(first_width: int, folder: str = "shop") -> dict[str, bytes]:
    """Two folders of three views each; no two images in all tests have the same width."""
    files = ("oak/view_1.png", "oak/view_2.png", "oak/view_10.png", "elm/a.png", "elm/b.png", "elm/c.png")
    return {
        f"{folder}/{file}": RED_CIRCLE.encode(width=first_width + place) for place, file in enumerate(files)
    }


def write(files: dict[str, bytes], folder: Path) -> list[Path]:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return [folder / path for path in files]


def choose_way(page: Page, name: str) -> None:
    page.get_by_test_id("grouping").get_by_label(name, exact=True).check()


OAK = ["shop/oak/view_1.png", "shop/oak/view_2.png", "shop/oak/view_10.png"]
ELM = [f"shop/elm/{letter}.png" for letter in "abc"]


def test_a_folder_is_one_job_which_is_said_before_anything_is_sent(page, stack, tmp_path):
    write(product(400), tmp_path)
    (tmp_path / "shop/oak/prices.txt").write_text("none of the images")
    ask = AskPage(page).open().choose_folder(tmp_path / "shop").expect_count(6)
    expect(page.locator("#grouping-note")).to_have_text("6 images, 6 jobs")
    choose_way(page, "a folder")
    expect(page.locator("#grouping-note")).to_have_text("6 images, 2 jobs")
    page.locator("#grouping-jobs summary").click()
    oak = page.locator("#grouping-list li", has_text="shop/oak")
    expect(oak).to_have_text("shop/oak3 images: view_1.png, view_2.png, view_10.png")
    expect(page.locator("#checks")).to_contain_text("6 images, 2 jobs")
    expect(page.get_by_test_id("send")).to_have_text("Ask 6 images, 2 jobs")
    batch = ask.ask("What differs?").wait_until_done().expect_found("2 jobs, 6 images")
    assert images_of(stack, batch.batch_id) == {"shop/oak": OAK, "shop/elm": ELM}
    expect(batch.tile("shop/oak").locator(".pager")).to_have_text("1 / 3")


def test_files_whose_names_begin_alike_are_one_job_and_the_others_one_each(page, stack, tmp_path):
    paths = write(product(410), tmp_path)
    ask = AskPage(page).open().choose(paths).expect_count(6)
    choose_way(page, "files whose names begin alike")
    expect(page.locator("#grouping-note")).to_have_text("6 images, 4 jobs")
    batch = ask.ask().wait_until_done().expect_found("4 jobs, 6 images")
    names = {"view": ["view_1.png", "view_2.png", "view_10.png"], "a.png": [], "b.png": [], "c.png": []}
    assert images_of(stack, batch.batch_id) == names


def test_there_is_no_choice_where_it_makes_no_difference(page, tmp_path):
    files = {f"{folder}/{folder}.png": RED_CIRCLE.encode(width=420 + n) for n, folder in enumerate("ab")}
    ask = AskPage(page).open()
    expect(page.get_by_test_id("grouping")).to_be_hidden()
    first, second = write(files, tmp_path)
    ask.choose([first]).expect_count(1)
    expect(page.get_by_test_id("grouping")).to_be_hidden()
    ask.choose([second]).expect_count(2)
    expect(page.get_by_test_id("grouping")).to_be_visible()
    choose_way(page, "a folder")
    page.locator("#clear").click()
    expect(page.get_by_test_id("grouping")).to_be_hidden()


def test_a_job_of_too_many_images_is_refused_before_anything_is_sent(page, tmp_path):
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    write({f"many/{n}.png": RED_CIRCLE.encode(width=430 + n) for n in range(17)}, tmp_path)
    AskPage(page).open().choose_folder(tmp_path / "many").expect_count(17)
    choose_way(page, "a folder")
    page.get_by_test_id("question").fill("What differs?")
    press(page.get_by_test_id("send"), "Enter")
    expect(page.locator("#send-problem")).to_have_text("many has 17 images; one job may have 16")
    expect(page.locator("#grouping-folder")).to_be_focused()
    assert posts == []


def test_an_upload_of_jobs_goes_on_after_a_reload_and_none_is_torn_or_sent_twice(page, stack, tmp_path):
    folders = [f"many/{number:02}" for number in range(12)]
    files = {
        f"{folder}/{view}.png": RED_CIRCLE.encode(width=460 + 5 * place + view)
        for place, folder in enumerate(folders)
        for view in range(5)
    }
    write(files, tmp_path)
    page.on("dialog", lambda dialog: dialog.accept())
    sent = Sent(page)
    with only_first(page, 1) as held:
        ask = AskPage(page).open().choose_folder(tmp_path / "many").expect_count(60)
        choose_way(page, "a folder")
        batch = ask.ask()
        wait_on_page(page, lambda: sent.names and held, "some jobs are there, and others on their way")
        before = list(sent.names)
        page.reload()
    expect(batch.dock).to_have_attribute("data-state", "interrupted")
    page.get_by_test_id("dock-folder").set_input_files(tmp_path / "many")
    batch.wait_until_done().expect_found("12 jobs, 60 images")
    sent.wait_for(len(folders))
    assert set(before).isdisjoint(sent.names[len(before) :])
    assert sorted(sent.names) == folders
    whole = {folder: [f"{folder}/{view}.png" for view in range(5)] for folder in folders}
    assert images_of(stack, batch.batch_id) == whole
    # The same again is known, job by job.
    again = Sent(page)
    ask = AskPage(page).open().choose_folder(tmp_path / "many").expect_count(60)
    choose_way(page, "a folder")
    batch = ask.ask().wait_until_done().expect_found("12 jobs, 60 images")
    assert again.names == []
    assert images_of(stack, batch.batch_id) == whole


def test_a_job_is_left_out_when_one_of_its_files_cannot_be_read_any_more(page, stack, tmp_path):
    paths = write(product(540), tmp_path)
    ask = AskPage(page).open().choose_folder(tmp_path / "shop").expect_count(6)
    choose_way(page, "a folder")
    paths[1].unlink()
    batch = ask.ask().wait_until_done()
    said = page.get_by_test_id("dock-state")
    expect(said).to_contain_text("1 file could not be read any more.")
    expect(said).to_contain_text("2 files were left out, as another of their job was not read.")
    assert images_of(stack, batch.batch_id) == {"shop/elm": ELM}


def test_what_is_in_a_zip_is_grouped_in_the_same_way(page, stack, tmp_path):
    (tmp_path / "some.zip").write_bytes(zipped(product(550)))
    ask = AskPage(page).open().choose([tmp_path / "some.zip"]).expect_count(1)
    choose_way(page, "a folder")
    expect(page.locator("#grouping-note")).to_contain_text("what is in the zips comes on top")
    batch = ask.ask().wait_until_done().expect_found("2 jobs, 6 images")
    assert images_of(stack, batch.batch_id) == {"shop/oak": OAK, "shop/elm": ELM}


def test_a_folder_chosen_twice_makes_each_job_once_whatever_its_files_are_called(page, stack, tmp_path):
    # Names that a form has to write otherwise, and one that looks as if it had been.
    odd = [f"shop/odd/{name}.png" for name in ('a"b', "a%22c", "a%0Ad", "茶 é")]
    write(product(560), tmp_path)
    write({path: RED_CIRCLE.encode(width=580 + place) for place, path in enumerate(odd)}, tmp_path)
    ask = AskPage(page).open().choose_folder(tmp_path / "shop").expect_count(10)
    ask.choose_folder(tmp_path / "shop").expect_count(10)
    choose_way(page, "a folder")
    expect(page.locator("#grouping-note")).to_have_text("10 images, 3 jobs")
    batch = ask.ask().wait_until_done().expect_found("3 jobs, 10 images")
    found = images_of(stack, batch.batch_id)
    assert len(found.pop("shop/odd")) == len(odd)
    assert found == {"shop/oak": OAK, "shop/elm": ELM}


@pytest.mark.parametrize("way", GroupBy)
def test_the_page_makes_the_same_jobs_of_files_as_the_server(page, way):
    rng = random.Random(5)
    lists = [
        ["".join(rng.choices(LETTERS, k=rng.randint(1, 10))) for _ in range(rng.randint(0, 9))]
        for _ in range(1500)
    ]
    page.goto("/")
    theirs = page.evaluate(_GROUPED, [lists, way.value])
    assert theirs == [[[group.name, [*group.places]] for group in grouped(paths, way)] for paths in lists]


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_the_plain_form_groups_what_is_in_a_zip(page, stack, tmp_path):
    (tmp_path / "plain.zip").write_bytes(zipped(product(570)))
    page.goto("/")
    page.get_by_test_id("files").set_input_files([tmp_path / "plain.zip"])
    page.get_by_test_id("question").fill("What differs?")
    choose_way(page, "a folder")
    page.get_by_role("radio", name="nano").check()
    page.get_by_test_id("send").click()
    expect(BatchPage(page).root).to_be_attached()
    row = page.get_by_role("row").filter(has_text="shop/oak")
    expect(row).to_contain_text("3 images")
    assert images_of(stack, BatchPage(page).batch_id) == {"shop/oak": OAK, "shop/elm": ELM}
