"""What decoding one large picture takes of a worker's memory, and what is left of that afterwards, by mode:

    python -m scripts.decode_memory [--side 10000] [--only RGBA …] [--enough 4000000] [--write]

Each picture is drawn, saved and decoded in processes of their own, whose address space is limited, so that
the machine's memory is never at stake. Bytes a pixel are counted from before the decoding, with the file in
memory and a small picture of the same kind decoded, to the highest point.
"""

import argparse
import io
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from scripts import report

#: Bytes of address space for drawing and for decoding.
_MOST_BYTES = 12 << 30

Draw = Callable[[int], bytes]


def _gradient(side: int, mode: str) -> Any:
    """A picture of that mode, with something in it, and with as many colors as it may have."""
    from PIL import Image

    grey = Image.linear_gradient("L").resize((side, side))
    if mode in ("RGBA", "LA"):
        return Image.merge(mode, [grey] * len(mode))
    if mode == "I;16":
        return grey.convert("I").point(lambda sample: sample * 256).convert("I;16")
    if mode == "P":
        picture = grey.convert("P")
        picture.info["transparency"] = 0
        return picture
    return grey.convert("L").convert(mode)


def _saved(mode: str, form: str, **how: Any) -> Draw:
    def draw(side: int) -> bytes:
        file = io.BytesIO()
        _gradient(side, mode).save(file, form, **how)
        return file.getvalue()

    return draw


def _interlaced(side: int) -> bytes:
    """A PNG in seven passes; Pillow writes none."""
    from tests.variants.png import SEVEN_PASSES, SIGNATURE, chunk

    packer, packed = zlib.compressobj(1), []
    for left, top, across, down in SEVEN_PASSES:
        columns = len(range(left, side, across))
        for row in range(top, side, down):
            packed.append(packer.compress(b"\0" + bytes((row % 255, 128, 255)) * columns if columns else b""))
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 1)
    body = b"".join(packed)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _tiled(side: int) -> bytes:
    """A TIFF of tiles, all alike; Pillow writes none."""
    each = 256
    tile = zlib.compress(bytes((10, 100, 200)) * (each * each))
    count = (-(-side // each)) ** 2
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 3, 0), (259, 3, 1, 8), (262, 3, 1, 2)]
    tags += [(277, 3, 1, 3), (322, 4, 1, each), (323, 4, 1, each), (324, 4, count, 0), (325, 4, count, 0)]
    start = 8 + 2 + 12 * len(tags) + 4
    pixels = start + 8 * count + 6
    places = {324: start, 325: start + 4 * count, 258: start + 8 * count}
    listed = b"".join(struct.pack("<HHII", t, k, n, places.get(t, v)) for t, k, n, v in tags)
    offsets = [pixels + n * len(tile) for n in range(count)]
    sizes = struct.pack(f"<{count}I", *([len(tile)] * count))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + listed + bytes(4)
    return head + struct.pack(f"<{count}I", *offsets) + sizes + struct.pack("<3H", 8, 8, 8) + tile * count


KINDS: dict[str, Draw] = {
    "RGB, PNG": _saved("RGB", "PNG", compress_level=1),
    "RGBA, PNG": _saved("RGBA", "PNG", compress_level=1),
    "RGB, PNG, interlaced": _interlaced,
    "LA, PNG": _saved("LA", "PNG", compress_level=1),
    "P with transparency, PNG": _saved("P", "PNG", compress_level=1),
    "1, PNG": _saved("1", "PNG", compress_level=1),
    "I;16, PNG": _saved("I;16", "PNG", compress_level=1),
    "F, TIFF": _saved("F", "TIFF", compression="tiff_deflate"),
    "RGB, TIFF, strips": _saved("RGB", "TIFF", compression="tiff_deflate"),
    "RGB, TIFF, one strip": _saved("RGB", "TIFF", compression="tiff_deflate", tiffinfo={278: 1 << 30}),
    "RGB, TIFF, tiles": _tiled,
    "CMYK, TIFF": _saved("CMYK", "TIFF", compression="tiff_deflate"),
    "RGB, JPEG": _saved("RGB", "JPEG"),
    "RGB, JPEG, progressive": _saved("RGB", "JPEG", progressive=True),
    "RGB, JPEG, progressive, 4:4:4": _saved("RGB", "JPEG", progressive=True, subsampling=0),
    "CMYK, JPEG": _saved("CMYK", "JPEG"),
    "RGB, BMP": _saved("RGB", "BMP"),
    "P, GIF": _saved("P", "GIF"),
    "RGB, WebP": _saved("RGB", "WEBP", lossless=True, method=0, quality=0),
    "RGBA, WebP": _saved("RGBA", "WEBP", lossless=True, method=0, quality=0),
    "RGB, AVIF": _saved("RGB", "AVIF", speed=10),
}


def main() -> None:
    """Measure; print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--enough", type=int, default=4_000_000)
    parser.add_argument("--only", nargs="*", default=list(KINDS))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--draw", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--decode", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    if given.draw:
        Path(given.draw[1]).write_bytes(KINDS[given.draw[0]](given.side))
    elif given.decode:
        small, large = map(Path, given.decode)
        _decode(small, large, given.enough)
    else:
        _table(given)


def measured(kind: str, side: int, enough: int) -> tuple[float, float, float]:
    """Bytes a pixel at most, the memory afterwards over that before, and seconds.

    Raises RuntimeError with what a process said that failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        _run("--side", "512", "--draw", kind, str(small))
        _run("--side", str(side), "--draw", kind, str(large))
        said = _run("--decode", str(small), str(large), "--enough", str(enough))
    at_most, left, seconds = map(float, said.split())
    return at_most, left, seconds


def _table(given: argparse.Namespace) -> None:
    kinds = [kind for kind in KINDS if any(word in kind for word in given.only)]
    lines = [
        "| picture | bytes a pixel at most | memory afterwards ÷ before | seconds |",
        "|---|---|---|---|",
    ]
    for kind in kinds:
        at_most, left, seconds = measured(kind, given.side, given.enough)
        lines.append(f"| {kind} | {at_most:.1f} | {left:.2f} | {seconds:.1f} |")
        print(lines[-1], flush=True)
    if given.write:
        pixels = (
            f"{given.side:,} × {given.side:,} pixels, of which {given.enough:,} are enough for the model."
        )
        report.write("decoding", "\n".join([*lines, "", pixels]))


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", "scripts.decode_memory", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def _decode(small: Path, large: Path, enough: int) -> None:
    from jobs.contract.settings import Limits
    from worker.job.decode.decoder import Decoder
    from worker.job.decode.memory import give_back

    decoder = Decoder(Limits(max_image_bytes=1 << 31, decode_pixels=1 << 30), enough)
    decoder.decode(small.read_bytes())
    data = large.read_bytes()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    started_s = perf_counter()
    decoded = decoder.decode(data)
    seconds = perf_counter() - started_s
    highest = max(_memory("VmHWM") - before, 0)
    pixels = decoded.width * decoded.height
    del decoded
    give_back()
    after = _memory("VmRSS")
    sys.stdout.write(f"{highest / pixels} {after / before} {seconds}")


def _memory(what: str) -> int:
    """Bytes, as Linux counts them for this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))


if __name__ == "__main__":
    main()
