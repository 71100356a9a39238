"""What transparent pixels show."""

from PIL import Image


def on_paper(image: Image.Image) -> Image.Image:
    """RGB; what is transparent shows white, as on paper."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    colors = image.convert("RGBA")
    paper = Image.new("RGBA", colors.size, "white")
    return Image.alpha_composite(paper, colors).convert("RGB")
