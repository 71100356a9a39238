"""An image as its camera was held."""

from PIL import Image, ImageOps


def upright(image: Image.Image) -> Image.Image:
    """The image, turned as its EXIF says; one whose EXIF cannot be read stays as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image
