"""The sentences of a script: each `t("…")` and `tn("…", "…", count)`, wherever it stands.

That is in the arguments of other calls and in template strings too, which Babel's own reader passes over.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scripts.sentences.unread import UnreadError

#: How many sentences each takes.
_CALLS = {"t": 1, "tn": 2}
#: So many tokens begin the longest of these, with its name; behind these words it is none.
_LONGEST = 6
_NO_CALL = (".", "?.", "function")
_TOKEN = re.compile(
    r"""(?P<space>\s+ | //[^\n]* | /\*.*?\*/)
    | (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<name>[\w$\#]+)
    | (?P<mark>\?\.(?!\d) | .)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?![/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
#: The text of a template string up to its end, or to where a value is put in.
_TEXT = re.compile(r"(?P<text>(?:[^`\\$]|\\.|\$(?!\{))*)(?P<end>`|\$\{)", re.DOTALL)
#: How what is a value ends, and names that are none: behind a value a slash divides.
_VALUE = re.compile(r"[\w$)\]}`\"']$")
_BEFORE_REGEX = {"return", "typeof", "case", "of", "in", "do", "else", "void", "delete", "await", "yield"}
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


class Token(NamedTuple):
    """A word or a mark of a script, and where it begins; of a text, `literal` is what it says."""

    text: str
    at: int
    literal: str | None = None


def sentences_in(text: str, place: str) -> Iterator[str | tuple[str, str]]:
    """The sentences, those with a plural as two; raises UnreadError. `place`: the script's name."""
    script = _Script(text, place)
    before, is_import = "", False
    tokens = [*script.tokens(), *[Token("", len(text))] * _LONGEST]
    for number, token in enumerate(tokens):
        following = tokens[number + 1 : number + _LONGEST]
        if token.literal is not None:
            is_import = False
        elif token.text == "import":
            is_import = following[0].text != "("
        elif token.text in _CALLS and before not in _NO_CALL:
            said = _said(following, _CALLS[token.text])
            if said is None and not (is_import and following[0].text in (",", "}")):
                raise script.unread(token.at, f"what {token.text} says is no literal in its own call")
            if said is not None:
                yield said
        before = token.text


def _said(following: Sequence[Token], count: int) -> str | tuple[str, str] | None:
    """The first arguments of a call, each one literal; None where they are anything else."""
    opened, first, after, second, end = following
    if opened.text != "(" or first.literal is None:
        return None
    if count == 1:
        return first.literal if after.text in (",", ")") else None
    if after.text != "," or second.literal is None or end.text != ",":
        return None
    return first.literal, second.literal


class _Script:
    """The words, marks and texts of a script, one after the other."""

    def __init__(self, text: str, place: str) -> None:
        self._text, self._place, self._at = text, place, 0

    def unread(self, at: int, what: str) -> UnreadError:
        """What to raise of what begins there."""
        return UnreadError(self._place, self._text.count("\n", 0, at) + 1, what)

    def tokens(self, *, is_value: bool = False) -> Iterator[Token]:
        """Those up to the script's end; of a value that is put into a text, up to its end."""
        depth, before = 0, ""
        while (at := self._at) < len(self._text):
            found = self._take(_REGEX, before) or self._take(_TOKEN)
            assert found
            word, kind = found[0], found.lastgroup
            if kind == "space":
                continue
            if word == "}" and is_value and depth == 0:
                return
            if word in ("'", '"'):
                raise self.unread(at, "a text has no end")
            depth += (word == "{") - (word == "}")
            if word == "`":
                yield from self._template(at)
            else:
                yield Token(word, at, _unescaped(word[1:-1]) if kind == "string" else None)
            before = word
        if is_value:
            raise self.unread(self._at, "a value in a text has no end")

    def _template(self, at: int) -> Iterator[Token]:
        """A template string: one text, or the values that are put into it, between two marks."""
        text = self._part(at)
        if text["end"] == "`":
            yield Token("`", at, _unescaped(text["text"]))
            return
        yield Token("`", at)
        while text["end"] != "`":
            yield from self.tokens(is_value=True)
            text = self._part(at)
        yield Token("`", self._at)

    def _part(self, at: int) -> re.Match[str]:
        if found := self._take(_TEXT):
            return found
        raise self.unread(at, "a text has no end")

    def _take(self, pattern: re.Pattern[str], before: str = "") -> re.Match[str] | None:
        """What matches here; a regular expression does not where a slash divides, as after a value."""
        if before and before not in _BEFORE_REGEX and _VALUE.search(before):
            return None
        if found := pattern.match(self._text, self._at):
            self._at = found.end()
        return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_meant, text)


def _meant(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    return chr(int(code, 16)) if code else _ESCAPED.get(escape[4], escape[4])
