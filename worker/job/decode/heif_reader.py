"""Reads a HEIF from the standard input, and writes its first picture row by row; a program by itself.

First comes a line: how many pictures there are, width, height, and mode as Pillow calls it.
"""

import sys

import pi_heif


def main() -> None:
    """Ends with 1, and a line that says why, when the picture cannot be read, or is of another size.

    The size, width and height, is its arguments.
    """
    size = (int(sys.argv[1]), int(sys.argv[2]))
    try:
        pictures = pi_heif.open_heif(sys.stdin.buffer.read(), convert_hdr_to_8bit=True)
        picture = pictures[pictures.primary_index]
        if tuple(picture.size) != size:
            sys.exit(f"it has {picture.size[0]} × {picture.size[1]} pixels, and says {size[0]} × {size[1]}")
        rows = memoryview(picture.data)
    except Exception as error:
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
    sys.stdout.buffer.write(f"{len(pictures)} {size[0]} {size[1]} {picture.mode}\n".encode("ascii"))
    sys.stdout.buffer.flush()
    used = size[0] * {"L": 1, "I;16": 2, "RGB": 3, "RGBA": 4}[picture.mode]
    for row in range(size[1]):
        sys.stdout.buffer.write(rows[row * picture.stride : row * picture.stride + used])


if __name__ == "__main__":
    main()
