"""A box of text: where it stands, which way it runs, what is written in it."""

from dataclasses import dataclass
from math import cos, radians, sin


@dataclass(frozen=True)
class Box:
    """A slanted rectangle, in pixels of the page.

    The text runs at `angle_deg`, clockwise from the page's x axis; `length` is along it, `height` across.
    """

    x: float
    y: float
    length: float
    height: float
    angle_deg: float

    def turned(self, by_deg: float) -> "Box":
        """The same rectangle with its text running another way; by a quarter turn its sides change places."""
        is_quarter = round(by_deg / 90) % 2 == 1
        length, height = (self.height, self.length) if is_quarter else (self.length, self.height)
        return Box(self.x, self.y, length, height, self.angle_deg + by_deg)

    def part(self, begin: float, end: float) -> "Box":
        """What lies between two places along the text, in pixels from its beginning."""
        along = (begin + end) / 2 - self.length / 2
        x = self.x + along * cos(radians(self.angle_deg))
        y = self.y + along * sin(radians(self.angle_deg))
        return Box(x, y, end - begin, self.height, self.angle_deg)

    def narrowed(self, share: float) -> "Box":
        """The box with this share of its height, and as much less at both ends."""
        less = (1 - share) * self.height
        return Box(self.x, self.y, max(1.0, self.length - less), self.height - less, self.angle_deg)

    def moved(self, x: float, y: float) -> "Box":
        """The box in a page of which this one's page is a piece."""
        return Box(self.x + x, self.y + y, self.length, self.height, self.angle_deg)

    def in_turned_page(self, quarters: int, height: int, width: int) -> "Box":
        """The box in this page, `height` by `width` pixels, turned clockwise by so many quarters."""
        x, y = self.x, self.y
        for _ in range(quarters):
            x, y, height, width = height - y, x, width, height
        return Box(x, y, self.length, self.height, self.angle_deg + 90 * quarters)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the upright rectangle around it."""
        cosine, sine = abs(cos(radians(self.angle_deg))), abs(sin(radians(self.angle_deg)))
        width, height = self.length * cosine + self.height * sine, self.length * sine + self.height * cosine
        return self.x - width / 2, self.y - height / 2, self.x + width / 2, self.y + height / 2
