"""Where text stands on a page: prose in columns, headings across them, tables, pictures, chats, charts."""

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageFont

from scripts.ocr_pages.sheets import Sheet
from scripts.ocr_pages.words import number, phrase, sentence

_MARGIN_MM, _GUTTER_MM = 14, 7
#: From line to line, in ems.
_PITCH = 1.45


class Pen:
    """Writes on a page from the top down, and notes the lines in the order in which they are to be read."""

    def __init__(self, sheet: Sheet, rng: Random) -> None:
        self.sheet, self.rng = sheet, rng
        self.image = Image.new("L", (sheet.px(sheet.paper_mm[0]), sheet.px(sheet.paper_mm[1])), 255)
        self._draw = ImageDraw.Draw(self.image)
        self.lines: list[str] = []
        self.left = sheet.px(_MARGIN_MM)
        self.right = self.image.width - self.left
        self.y = float(self.left)
        self.bottom = self.image.height - self.left
        self.pitch = sheet.size_px * _PITCH

    @property
    def is_full(self) -> bool:
        """True when no other line fits."""
        return self.y + self.pitch > self.bottom

    def skip(self, lines: float) -> None:
        """Leave room."""
        self.y += lines * self.pitch

    def note(self, *cells: str) -> None:
        """Remember a line that has to be read next."""
        self.lines.append(" ".join(cells))

    def put(self, text: str, left: float, scale: float = 1.0) -> None:
        """Write at a place of the present line, without noting it."""
        self._draw.text((left, self.y), text, fill=0, font=self._font(scale))

    def width(self, text: str, scale: float = 1.0) -> float:
        """How wide a text becomes, in pixels."""
        return float(self._font(scale).getlength(text))

    def heading(self, scale: float = 1.5) -> None:
        """A few larger words in the middle of the width."""
        text = self._fitting(scale, (self.right - self.left) * 0.9)
        self.put(text, (self.left + self.right - self.width(text, scale)) / 2, scale)
        self.note(text)
        self.skip(scale * 1.4)

    def prose(self, lines: int) -> None:
        """A paragraph of so many lines, or as many as fit."""
        text = ""
        while lines > 0 and not self.is_full:
            while self.width(text) < (self.right - self.left) * 1.5:
                text += sentence(self.rng, self.sheet.typeface.is_chinese)
                text += "" if self.sheet.typeface.is_chinese else " "
            line, text = self._broken(text)
            self.put(line, self.left)
            self.note(line)
            self.skip(1)
            lines -= 1

    def paragraphs(self, bottom: float) -> None:
        """Paragraphs down to an edge, with or without room between them."""
        outer, self.bottom = self.bottom, int(bottom)
        room = self.rng.choice((0.0, 0.6))
        while not self.is_full:
            self.prose(self.rng.randrange(3, 9))
            self.skip(room)
        self.bottom = outer

    def columns(self, count: int, bottom: float) -> None:
        """Columns of prose beside each other, each read to its end before the next."""
        left, right, top = self.left, self.right, self.y
        gutter = max(self.sheet.px(_GUTTER_MM), round(1.6 * self.sheet.size_px))
        width = (right - left - gutter * (count - 1)) / count
        lowest = top
        for place in range(count):
            self.left = round(left + place * (width + gutter))
            self.right = round(self.left + width)
            self.y = top + self.rng.choice((0.0, 0.0, 0.3)) * self.pitch * place
            self.paragraphs(bottom - (place == count - 1) * self.rng.randrange(0, 5) * self.pitch)
            lowest = max(lowest, self.y)
        self.left, self.right, self.y = left, right, lowest

    def table(self, rows: int) -> None:
        """A table with a header, read row by row: names first, then numbers, ruled or not."""
        columns = self.rng.randrange(3, 5)
        edges = [self.left + (self.right - self.left) * share for share in _shares(columns)]
        is_ruled = self.rng.random() < 0.4
        wide = self._cell_words(edges[1] - edges[0])
        top = self.y
        for row in range(rows):
            if self.is_full:
                break
            first = self._fitting(1.0, (edges[1] - edges[0]) * 0.8, self.rng.randrange(1, wide + 1))
            cells = [first, *(self._number((self.right - edges[-1]) * 0.8) for _ in range(columns - 1))]
            if row == 0:
                cells[1:] = [self._fitting(1.0, (edges[1] - edges[0]) * 0.3, 1) for _ in cells[1:]]
            for left, cell in zip(edges, cells, strict=True):
                self.put(cell, left + 0.5 * self.sheet.size_px)
            self.note(*cells)
            self.skip(1.3)
            if is_ruled:
                y = self.y - self.pitch * 0.2
                self._draw.line((self.left, y, self.right, y), fill=0, width=max(1, self.sheet.px(0.2)))
        if is_ruled:
            for x in [*edges, self.right]:
                self._draw.line((x, top, x, self.y), fill=0, width=max(1, self.sheet.px(0.2)))
        self.skip(0.7)

    def pairs(self, rows: int) -> None:
        """Rows of two sentences, as in a phrase book; as close as lines of prose, save in Chinese."""
        half, indent = (self.right - self.left) / 2, self.sheet.size_px
        for _ in range(rows):
            if self.is_full:
                break
            cells = [self._fitting(1.0, half * 0.85, 4) + "." for _ in range(2)]
            for place, cell in enumerate(cells):
                self.put(cell, self.left + place * half + indent)
            self.note(*cells)
            self.skip(1.6 if self.sheet.typeface.is_chinese else self.rng.choice((1.0, 1.2)))

    def chat(self) -> None:
        """What two people wrote in turn, one at the left, the other at the right."""
        is_left = True
        while self.y + 4 * self.pitch < self.bottom:
            said = [
                self._fitting(1.0, (self.right - self.left) * 0.42) for _ in range(self.rng.randrange(1, 4))
            ]
            width = max(self.width(text) for text in said)
            left, rim = self.left if is_left else self.right - width, 0.4 * self.sheet.size_px
            bottom = self.y + len(said) * self.pitch
            self._draw.rectangle((left - rim, self.y - rim, left + width + rim, bottom), fill=230)
            for text in said:
                self.put(text, left)
                self.note(text)
                self.skip(1)
            self.skip(1)
            is_left = not is_left

    def chart(self) -> None:
        """Bars with numbers beside them, names below, and what is counted written upwards at the left."""
        em, step = self.sheet.size_px, 2 * self.pitch
        label = self._fitting(1.0, 3.5 * step, 2)
        beside = Image.new("L", (round(self.width(label)), round(1.4 * em)), 255)
        ImageDraw.Draw(beside).text((0, 0), label, fill=0, font=self._font(1.0))
        top = round(self.y + 1.5 * step + 0.6 * em - beside.width / 2)
        self.image.paste(beside.transpose(Image.Transpose.ROTATE_90), (self.left, top))
        begin, width = self.left + 6 * em, (self.right - self.left - 6 * em) / 4
        for place in range(4):
            number = str(10 * (4 - place))
            self.put(number, self.left + 3 * em)
            self.note(number)
            if place == 1:
                self.note(label)
            self.skip(2)
        for place in range(4):
            left, high = begin + place * width, self.rng.randrange(1, 7) * 0.5 * step
            self._draw.rectangle((left, self.y - high, left + width / 2, self.y), fill=120)
        self.skip(0.5)
        names = [self._fitting(1.0, width * 0.7, 1) for _ in range(4)]
        for place, name in enumerate(names):
            self.put(name, begin + place * width)
        self.note(*names)
        self.skip(2)

    def figure(self) -> None:
        """A picture without text, and its caption below."""
        height = min(6 * self.pitch, self.bottom - self.y - 3 * self.pitch)
        if height < self.pitch:
            return
        box = (self.left, self.y, self.right, self.y + height)
        self._draw.rectangle(box, fill=190, outline=60, width=max(1, self.sheet.px(0.3)))
        disc = (self.left + height * 0.3, self.y + height * 0.2, self.left + height, self.y + height * 0.9)
        self._draw.ellipse(disc, fill=110)
        self.y += height + 0.4 * self.pitch
        mark = "图" if self.sheet.typeface.is_chinese else "Figure "
        mark += f"{self.rng.randrange(1, 90)}: "
        text = mark + self._fitting(0.9, self.right - self.left - self.width(mark, 0.9), 3)
        self.put(text, self.left, 0.9)
        self.note(text)
        self.skip(1.6)

    def _font(self, scale: float) -> ImageFont.FreeTypeFont:
        return self.sheet.typeface.at(round(self.sheet.size_px * scale))

    def _fitting(self, scale: float, width: float, words: int = 5) -> str:
        for count in range(words, 0, -1):
            for _ in range(20):
                text = phrase(self.rng, self.sheet.typeface.is_chinese, count)
                if self.width(text, scale) <= width and text not in self.lines:
                    return text
        return text

    def _number(self, width: float) -> str:
        """One that fits; the narrowest of all always does."""
        fitting = (text for _ in range(50) if self.width(text := number(self.rng)) <= width)
        return next(fitting, str(self.rng.randrange(10)))

    def _cell_words(self, width: float) -> int:
        return 3 if width > 12 * self.sheet.size_px else 2

    def _broken(self, text: str) -> tuple[str, str]:
        """The text's first line, and what is left of it."""
        width = self.right - self.left
        units = list(text) if self.sheet.typeface.is_chinese else [word + " " for word in text.split()]
        taken = 0
        while taken < len(units) and self.width("".join(units[: taken + 1]).rstrip()) <= width:
            taken += 1
        # No line of Chinese begins with a mark.
        if self.sheet.typeface.is_chinese and units[taken] in "，。":
            taken -= 1
        return "".join(units[:taken]).strip(), "".join(units[taken:])


def _shares(columns: int) -> list[float]:
    """Where the columns of a table begin, as shares of its width: the first is the widest."""
    first = 0.4
    return [0.0, *(first + (1 - first) * place / (columns - 1) for place in range(columns - 1))]


def _prose(pen: Pen) -> None:
    if pen.rng.random() < 0.5:
        pen.heading()
    pen.paragraphs(pen.bottom)


def _heading(pen: Pen) -> None:
    pen.heading(1.8)
    half = pen.y + (pen.bottom - pen.y) * 0.5
    pen.columns(2, half)
    pen.skip(1)
    # Two lines beside each other alone would be a row as well as columns.
    if pen.bottom - pen.y > 7 * pen.pitch:
        pen.heading(1.4)
        pen.columns(2, pen.bottom)


def _table(pen: Pen) -> None:
    pen.heading()
    pen.table(14)


def _pairs(pen: Pen) -> None:
    pen.heading()
    pen.pairs(12)


def _chart(pen: Pen) -> None:
    pen.heading()
    pen.chart()


def _mixed(pen: Pen) -> None:
    pen.prose(4)
    pen.skip(0.8)
    pen.table(pen.rng.randrange(4, 8))
    pen.prose(5)


def _figure(pen: Pen) -> None:
    left, right, top = pen.left, pen.right, pen.y
    gutter = max(pen.sheet.px(_GUTTER_MM), round(1.6 * pen.sheet.size_px))
    middle = (left + right) / 2
    pen.right = round(middle - gutter / 2)
    pen.prose(5)
    pen.skip(0.5)
    pen.figure()
    pen.paragraphs(pen.bottom)
    pen.left, pen.right, pen.y = round(middle + gutter / 2), right, top
    pen.paragraphs(pen.bottom)
    pen.left = left


_DRAWN: dict[str, Callable[[Pen], None]] = {
    "prose": _prose,
    "two columns": lambda pen: pen.columns(2, pen.bottom),
    "three columns": lambda pen: pen.columns(3, pen.bottom),
    "heading": _heading,
    "table": _table,
    "mixed": _mixed,
    "figure": _figure,
    "pairs": _pairs,
    "chat": lambda pen: pen.chat(),
    "chart": _chart,
}


def drawn(sheet: Sheet, seed: int) -> tuple[Image.Image, list[str]]:
    """The page, grey, clean and straight, and its lines in the order in which they are read."""
    pen = Pen(sheet, Random(f"{seed}/{sheet.number}/text"))
    _DRAWN[sheet.layout](pen)
    return pen.image, pen.lines
