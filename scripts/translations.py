"""Collect the page's sentences, merge them into each language's catalogue, compile. See scripts/translate."""

import sys
from collections.abc import Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from jobs.contract.codes import Code
from scripts.sentences import javascript, jinja
from scripts.sentences.unread import UnreadError

WEB = Path(__file__).parents[1] / "web/pages"
TRANSLATIONS = WEB / "translations"
#: Where sentences are said, and who finds them there.
READERS = (
    ("templates/**/*.html", jinja.sentences_in),
    ("static/js/**/*.js", javascript.sentences_in),
)
#: The file with the sentences of error codes.
CODES = "jobs/contract/codes.py"
#: Catalogues name the file only: a sentence that moves within it changes nothing.
NO_LINE = 0


def collect() -> Catalog:
    """Every sentence of templates, scripts and error codes, with the files that use it.

    Raises UnreadError where one stands that cannot be read.
    """
    found = Catalog(project="EVA-01", charset="utf-8", fuzzy=False)
    for pattern, sentences_in in READERS:
        for path in sorted(WEB.glob(pattern)):
            file = path.relative_to(WEB).as_posix()
            for sentence in sentences_in(path.read_text(encoding="utf-8"), file):
                found.add(sentence, "", [(file, NO_LINE)])
    for code in Code:
        for sentence in filter(None, (code.sentence, code.remedy)):
            found.add(sentence, "", [(CODES, NO_LINE)])
    return found


def merged(path: Path, found: Catalog) -> Catalog:
    """The language's catalogue with what is new, and without sentences that are no longer used."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parts[-3])
    catalogue.update(found, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def write(path: Path, catalogue: Catalog) -> None:
    """Write the catalogue as text, and compiled beside it."""
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, sort_output=True, ignore_obsolete=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)


def is_up_to_date(path: Path, catalogue: Catalog) -> bool:
    """True when the text and the compiled catalogue have exactly these sentences."""
    with path.open("rb") as file:
        text = read_po(file, locale=catalogue.locale)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    wanted = _sentences(catalogue)
    translated = {sentence: string for sentence, string in wanted.items() if all(string)}
    return (
        _sentences(text) == wanted
        and _places(text) == _places(catalogue)
        and _sentences(compiled) == translated
    )


def _sentences(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {_forms(message.id): _forms(message.string) for message in catalogue if message.id}


def _places(catalogue: Catalog) -> dict[tuple[str, ...], set[str]]:
    return {
        _forms(message.id): {file for file, _ in message.locations} for message in catalogue if message.id
    }


def _forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """The forms of a sentence; one that is new has no translation yet."""
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def missing(catalogue: Catalog) -> list[str]:
    """The English sentences that have no translation."""
    return [sentence[0] for sentence, string in _sentences(catalogue).items() if not all(string)]


def main() -> int:
    """Update every language, or with --check say what is out of date."""
    try:
        found, problems = collect(), 0
    except UnreadError as error:
        print(error)
        return 1
    for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        catalogue = merged(path, found)
        if "--check" not in sys.argv[1:]:
            write(path, catalogue)
        elif not is_up_to_date(path, catalogue):
            print(f"{path} is out of date: run scripts/translate.")
            problems += 1
        for sentence in missing(catalogue):
            print(f"{path}: no translation of {sentence!r}")
            problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
