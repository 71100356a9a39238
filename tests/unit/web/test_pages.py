"""What the page is made of: templates, scripts and sheets that are ours, harmless, and fit together."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "web/pages"
SCRIPTS = sorted((WEB / "static/js").glob("*.js"))
SHEETS = sorted((WEB / "static/css").glob("*.css"))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
#: Each of these would turn a file's name or a model's answer into markup or code.
MARKUP_SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
#: The name of the namespace is no address.
SVG = "http://www.w3.org/2000/svg"


def ids() -> set[str]:
    """The ids that templates give."""
    written = r'\bid="([^"{]+)"|gauge\("([^"]+)"'
    found = (re.findall(written, path.read_text("utf-8")) for path in TEMPLATES)
    return {name for names in found for pair in names for name in pair if name}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
class TestScript:
    def test_it_never_makes_markup_of_text(self, script: Path) -> None:
        assert not re.search(MARKUP_SINKS, script.read_text("utf-8"))

    def test_it_imports_only_files_of_ours(self, script: Path) -> None:
        for module in re.findall(r'(?:from|import) "([^"]+)"', script.read_text("utf-8")):
            assert module.startswith(("./", "../vendor/"))
            assert (script.parent / module).is_file()

    def test_every_element_it_asks_for_is_in_a_template(self, script: Path) -> None:
        assert set(re.findall(r'byId\("([^"]+)"\)', script.read_text("utf-8"))) <= ids()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
class TestTemplate:
    def test_nothing_is_inline(self, template: Path) -> None:
        html = template.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script>", html)

    def test_no_text_of_others_is_marked_safe(self, template: Path) -> None:
        marked = re.findall(r"\{\{([^}]*)\|\s*safe", template.read_text("utf-8"))
        assert {name.strip() for name in marked} <= {"line"}


@pytest.mark.parametrize("path", SCRIPTS + SHEETS + TEMPLATES, ids=lambda path: path.name)
def test_a_file_is_short_and_asks_nobody_else_for_anything(path: Path) -> None:
    text = path.read_text("utf-8").replace(SVG, "")
    assert text.count("\n") < 300
    assert not re.search(r"https?://", text)


def test_every_style_sheet_is_used() -> None:
    used = "".join(path.read_text("utf-8") for path in TEMPLATES)
    named = set(re.findall(r"css/([\w-]+)\.css", used))
    shell = re.search(r"for sheet in \(([^)]*)\)", used)
    assert shell
    named |= set(re.findall(r'"(\w+)"', shell[1]))
    assert {path.stem for path in SHEETS} <= named | set(re.findall(r'"([\w-]+)"', used))


def test_every_bundled_font_and_library_has_its_licence() -> None:
    assert "SIL Open Font License" in (WEB / "static/fonts/saira-LICENSE.txt").read_text("utf-8")
    for library in (WEB / "static/vendor").glob("*.js"):
        name = library.name.split(".")[0]
        assert (library.parent / f"{name}-LICENSE.txt").is_file()
