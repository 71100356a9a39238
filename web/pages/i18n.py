"""The page's languages: which one a visitor reads, and the sentences that the page's scripts use.

A template's `_("…")`, a script's `t("…")` and the sentences of error codes come from the same gettext
catalogues (web/pages/translations), which scripts/translate keeps up to date.
"""

from functools import cache
from pathlib import Path
from typing import cast

from babel.messages.pofile import read_po
from flask import Flask, request
from flask_babel import Babel, gettext

from jobs.contract.codes import Code

#: The languages there are, by the tag that HTML and browsers use, each with its own name.
LANGUAGES = {"en": "English", "zh": "中文"}
#: The cookie that remembers a choice.
LANGUAGE_COOKIE = "language"
_TRANSLATIONS = Path(__file__).parent / "translations"


def register_words(app: Flask) -> None:
    """Translate the templates of `app` into the visitor's language."""
    Babel(app, locale_selector=language, default_translation_directories=str(_TRANSLATIONS))


def language() -> str:
    """The chosen language, or else the best of those the browser asks for, or else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en")


def reasons() -> dict[str, dict[str, str]]:
    """What each error code says in the visitor's language: what happened, and what can be done about it."""
    return {
        code.value: {"what": gettext(code.sentence), "remedy": gettext(code.remedy) if code.remedy else ""}
        for code in Code
    }


@cache
def script_words(language: str) -> dict[str, str | list[str]]:
    """English sentence → its translation, for every sentence of a script; plural ones → a list of forms.

    Empty for a language without a catalogue, such as English itself.
    """
    path = _TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        messages = list(read_po(file, locale=language))
    words: dict[str, str | list[str]] = {}
    for message in messages:
        if not message.id or not any(place.endswith(".js") for place, _ in message.locations):
            continue
        if message.pluralizable:
            words[message.id[0]] = [form for form in cast(tuple[str, ...], message.string) if form]
        elif message.string:
            words[cast(str, message.id)] = cast(str, message.string)
    return words
