"""Texts that a spreadsheet program would take for a formula."""

import re
import unicodedata

#: Begin a formula, whatever their width; the minus sign of mathematics is read as a hyphen by some programs.
_SIGNS = frozenset("=+-@\N{MINUS SIGN}")
#: Spaces, controls, what joins, directs or marks other characters: skipped by some programs, seen by nobody.
_UNSEEN = ("Z", "C", "M")
#: Letters and symbols that are drawn as nothing.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
#: Moves to another cell or line when a text is pasted.
_MOVES = ("\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*%?")


def is_formula(text: str) -> bool:
    """True when a spreadsheet program may take the text for a formula; False for a plain number.

    >>> is_formula("=1+1"), is_formula("＝1+1"), is_formula("\\u200b@SUM(A1)"), is_formula("-5")
    (True, True, True, False)
    """
    if _NUMBER.fullmatch(text):
        return False
    first = next((character for character in text if not _is_unseen(character)), "")
    return text.startswith(_MOVES) or unicodedata.normalize("NFKC", first)[:1] in _SIGNS


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character).startswith(_UNSEEN) or character in _BLANKS
