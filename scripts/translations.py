"""Collect the page's sentences, merge them into each language's catalogue, compile. See scripts/translate."""

import sys
from collections.abc import Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from jobs.contract.codes import Code

WEB = Path(__file__).parents[1] / "web/pages"
TRANSLATIONS = WEB / "translations"
METHODS = [("templates/**.html", "jinja2.ext.babel_extract"), ("static/js/**.js", "javascript")]
#: The file with the sentences of error codes.
CODES = "jobs/contract/codes.py"
#: Catalogues name the file only: a sentence that moves within it changes nothing.
NO_LINE = 0
#: `_("…")` in templates; `t("…")` and `tn("…", "…", count)` in scripts.
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "t": None, "tn": (1, 2)}


def collect() -> Catalog:
    """Every sentence of templates, scripts and error codes, with the files that use it."""
    found = Catalog(project="EVA-01", charset="utf-8", fuzzy=False)
    options = {"templates/**.html": {"silent": "false"}}
    for file, _line, message, _comments, _context in extract_from_dir(
        WEB, METHODS, options, keywords=KEYWORDS
    ):
        found.add(message, "", [(file, NO_LINE)])
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
    found, problems = collect(), 0
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
