"""The page's files: templates, scripts and style sheets are local, safe and consistent."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "web/pages"
JS = WEB / "static/js"
SCRIPTS = sorted(JS.rglob("*.js"))
#: The folders of scripts, and the others each may import from; scripts outside of them are on every page.
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "upload": {"core"},
    "columns": {"core"},
    "images": {"core", "upload"},
    "results": {"columns", "core", "images", "upload"},
    "batch": {"core", "results", "upload"},
    "history": {"core", "batch"},
    "ask": {"core", "history", "upload"},
    "js": {"core", "upload"},
}
SHEETS = sorted((WEB / "static/css").glob("*.css"))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
#: Calls that would interpret a file's name or a model's answer as markup or code.
MARKUP_SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
#: An XML namespace, which is not loaded from anywhere.
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
            found = (script.parent / module).resolve(strict=True)
            assert found in SCRIPTS or found.parent == WEB / "static/vendor"

    def test_it_imports_from_its_own_room_and_those_below(self, script: Path) -> None:
        room = script.parent.name
        for module in re.findall(r'(?:from|import|URL\()\s*"(\.[^"]+)"', script.read_text("utf-8")):
            found = (script.parent / module).resolve(strict=True)
            assert found.parent.name in ROOMS[room] | {room, "vendor"}, module

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


def test_a_room_of_scripts_is_small_enough_to_look_over() -> None:
    assert {path.parent.name for path in SCRIPTS} == set(ROOMS)
    for room in ROOMS:
        folder = JS if room == "js" else JS / room
        assert len(list(folder.glob("*.js"))) <= 15, room


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
