"""Every sentence of the page is found, wherever it stands; what cannot be read is never passed over."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from scripts.sentences import javascript, jinja
from scripts.sentences.unread import UnreadError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ('say(t("One"));', ["One"]),
        ('t("In {place}", { place: t("a call") })', ["In {place}", "a call"]),
        ('tn("{a} a", "{a} b", n, { c: tn("{c} c", "{c} d", 2) })', [("{a} a", "{a} b"), ("{c} c", "{c} d")]),
        ('x = isSo ? `${a}; ${t("in")} ${b ? `${t("deeper")}` : {}}` : t("else");', ["in", "deeper", "else"]),
        ('t(\'it\\\'s\')\nt("a \\"b\\" \\u00e9")\nt(`plain`)', ["it's", 'a "b" é', "plain"]),
        ('// t("a comment")\n/* t("another") */ "t(\\"a text\\")"', []),
        ('text.replace(/["`]/g, ""); a / b; t("behind"); [1] / 2; `${c / d}`', ["behind"]),
        ('import { t, tn } from "./words.js"; at("x"); set.t("y"); export function t(sentence) {}', []),
    ],
)
def test_sentences_of_scripts_are_found_wherever_they_stand(script, found):
    assert [*javascript.sentences_in(script, "a.js")] == found


@pytest.mark.parametrize(
    "script",
    [
        'say();\nt(isSo ? "One" : "Two")',
        "1;\nt(word)",
        '/*\n*/t("One " + "two")',
        "`\n`; t(`One ${two}`)",
        'a;\ntn("One", many, 2)',
        '"";\ntn("One", "Two")',
        ";\nwords.map(t)",
        ";\nconst say = t;",
        ';\nimport { t as say } from "./words.js";',
        ';\nt("One',
        ";\n`${t",
    ],
)
def test_what_cannot_be_read_of_a_script_is_said_with_its_line(script):
    with pytest.raises(UnreadError, match=r"^a\.js:2: "):
        list(javascript.sentences_in(script, "a.js"))


def test_sentences_of_templates_are_found_wherever_they_stand():
    template = """
        {{ _("Of %(one)s", one=_("another")) }}{% if a %}{{ say(_('b') if c else _("d")) }}{% endif %}
        {% set e = {"f": ngettext("%(num)s g", "%(num)s h", n)} %}
        {# _("i") #}{% macro j(k=_("l")) %}{% endmacro %}"""
    found = Counter(jinja.sentences_in(template, "a.html"))
    assert found == Counter(["Of %(one)s", "another", "b", "d", ("%(num)s g", "%(num)s h"), "l"])


@pytest.mark.parametrize(
    "template",
    [
        "{{ _(word) }}",
        "{{ _('a' if b else 'c') }}",
        "{{ ngettext('a', b, n) }}",
        "{{ words|map(_) }}",
        "{% if %}",
    ],
)
def test_what_cannot_be_read_of_a_template_is_said_with_its_line(template):
    with pytest.raises(UnreadError, match=r"^a\.html:2: "):
        list(jinja.sentences_in(f"\n{template}", "a.html"))


def test_python_says_no_sentence_but_those_of_error_codes():
    """Nobody looks for sentences there: what a page says stands in its template."""
    words = {"gettext", "ngettext", "lazy_gettext", "pgettext"}
    said = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "web").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and words & {name.name for name in node.names}
    ]
    assert said == ["web/pages/i18n.py"]
