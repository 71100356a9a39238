"""What a phone's camera sees."""

import random

from PIL import Image, ImageDraw, ImageFilter

from drawing.pen import INK, SEED, write


def street_sign() -> Image.Image:
    """A street sign under an evening sky, as a hand-held phone sees it: soft, grainy, a little crooked."""
    image = Image.linear_gradient("L").resize((1200, 1600))
    image = Image.merge("RGB", [image.point(lambda v, a=a, b=b: a + (b - a) * v // 255) for a, b in _SKY])
    draw = ImageDraw.Draw(image)
    rng = random.Random(SEED)
    left = -40
    while left < 1200:
        width, height = rng.randrange(120, 260), rng.randrange(260, 620)
        draw.rectangle(
            (left, 1600 - height, left + width, 1600), fill=rng.choice(("#4a4261", "#554a68", "#3f3a57"))
        )
        left += width
    image = image.filter(ImageFilter.GaussianBlur(7))
    image.paste(*_sign())
    grain = Image.frombytes("L", (300, 400), rng.randbytes(300 * 400)).resize(image.size)
    return Image.blend(image, Image.merge("RGB", [grain] * 3), 0.04).filter(ImageFilter.GaussianBlur(0.7))


#: The sky's red, green and blue, each from the top to the bottom of the picture.
_SKY = ((112, 250), (150, 214), (206, 178))


def _sign() -> tuple[Image.Image, tuple[int, int], Image.Image]:
    sign = Image.new("RGBA", (1200, 1600), (0, 0, 0, 0))
    draw = ImageDraw.Draw(sign)
    draw.rectangle((580, 360, 620, 1600), fill="#6d7078")
    draw.rounded_rectangle((190, 420, 1010, 660), 26, fill="#1f5fae", outline="white", width=10)
    write(draw, (600, 512), "Harbour Street", 96, ink="white", anchor="mm", bold=True)
    write(draw, (600, 602), "12 - 48", 56, ink="white", anchor="mm")
    draw.rounded_rectangle((330, 700, 870, 830), 20, fill="#f4cf2f", outline=INK, width=8)
    write(draw, (600, 765), "Ferry 400 m", 68, anchor="mm", bold=True)
    sign = sign.rotate(2.5, resample=Image.Resampling.BICUBIC, center=(600, 1600))
    return sign.convert("RGB"), (0, 0), sign.getchannel("A")
