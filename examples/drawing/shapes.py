"""Plain shapes on a plain background: what the model `nano` knows."""

from PIL import Image, ImageDraw

#: Pixels drawn for each pixel kept, a side: what makes the edges smooth.
SMOOTH = 4


def shapes(size: tuple[int, int], background: str, *drawn: tuple[str, str]) -> Image.Image:
    """Shapes in a row, none touching another, on a plain background."""
    width, height = size[0] * SMOOTH, size[1] * SMOOTH
    image = Image.new("RGB", (width, height), background)
    draw = ImageDraw.Draw(image)
    radius = min(width / len(drawn), height) * 0.32
    for number, (shape, color) in enumerate(drawn):
        x, y = width * (number + 0.5) / len(drawn), height / 2
        if shape == "circle":
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
        elif shape == "square":
            draw.rectangle(
                (x - radius * 0.9, y - radius * 0.9, x + radius * 0.9, y + radius * 0.9), fill=color
            )
        else:
            draw.polygon(
                ((x, y - radius), (x - radius, y + radius * 0.8), (x + radius, y + radius * 0.8)), fill=color
            )
    return image.resize(size, Image.Resampling.LANCZOS)
