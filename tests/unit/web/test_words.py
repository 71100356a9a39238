"""The page's languages: every sentence is translated, compiled, and keeps its placeholders."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from flask import Flask

from jobs.contract.codes import Code
from web.pages.i18n import LANGUAGES, language, reasons, register_words, script_words

ROOT = Path(__file__).parents[3]
CATALOGUES = sorted((ROOT / "web/pages/translations").glob("*/LC_MESSAGES/messages.po"))
#: `{name}` in scripts, `%(name)s` in templates.
_PLACE = re.compile(r"\{\w+\}|%\(\w+\)s")


def messages() -> Iterator[Message]:
    for path in CATALOGUES:
        with path.open("rb") as file:
            yield from (message for message in read_po(file, locale=path.parts[-3]) if message.id)


def forms(said: str | Sequence[str] | None) -> Sequence[str]:
    """One sentence, or one for each number."""
    assert said is not None
    return (said,) if isinstance(said, str) else said


def test_every_language_but_english_has_a_catalogue() -> None:
    assert {path.parts[-3] for path in CATALOGUES} == set(LANGUAGES) - {"en"}


def test_every_sentence_is_translated_and_compiled() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "scripts.translations", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


def test_a_translation_has_the_same_places_for_values() -> None:
    checked = 0
    for message in messages():
        wanted = {place for sentence in forms(message.id) for place in _PLACE.findall(sentence)}
        for sentence in forms(message.string):
            assert set(_PLACE.findall(sentence)) == wanted, message.id
            checked += 1
    assert checked > 100


def test_every_error_code_says_its_sentences_in_every_language() -> None:
    app = Flask("web")
    register_words(app)
    for tag in set(LANGUAGES) - {"en"}:
        with app.test_request_context(headers={"Cookie": f"language={tag}"}):
            said = reasons()
        assert list(said) == list(Code)
        for code in Code:
            assert said[code]["what"] not in ("", code.sentence), code
            assert bool(said[code]["remedy"]) == bool(code.remedy), code
            assert not code.remedy or said[code]["remedy"] != code.remedy, code


def test_scripts_get_their_own_sentences_and_no_others() -> None:
    words = script_words("zh")
    assert words["All is sent."] == "全部已发送。"
    assert words["{count} image"] == ["{count} 张图片"]
    assert words["{count} job"] == ["{count} 个任务"], "it is said within another sentence"
    assert "Skip to the content" not in words
    assert script_words("en") == {}


@pytest.mark.parametrize(
    ("accepted", "cookie", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.5", None, "zh"),
        ("de,en;q=0.5", None, "en"),
        ("fr", None, "en"),
        ("zh-CN", "en", "en"),
        ("en", "zh", "zh"),
        ("en", "klingon", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(
    accepted: str, cookie: str | None, expected: str
) -> None:
    headers = {"Accept-Language": accepted} | ({"Cookie": f"language={cookie}"} if cookie else {})
    with Flask("web").test_request_context(headers=headers):
        assert language() == expected
