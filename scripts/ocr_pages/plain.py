"""What RapidOCR reads by itself, its boxes put into lines from top to bottom: what `ocr` is compared with."""

from typing import Any

import numpy as np
from PIL import Image
from rapidocr import RapidOCR

#: The shorter side is scaled down to this many pixels before.
_SHORT_SIDE_PX = 1600


class Plain:
    """The library's own pipeline: find, guess each line's direction, read."""

    def __init__(self, threads: int) -> None:
        self._reader: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, image: Image.Image) -> list[str]:
        """The lines of a page."""
        scale = _SHORT_SIDE_PX / min(image.size)
        if scale < 1:
            image = image.resize((round(image.width * scale), round(image.height * scale)))
        found = self._reader(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))
        if found.boxes is None or found.txts is None:
            return []
        lines: list[list[tuple[float, float, float, str]]] = []
        for corners, text in sorted(
            zip(found.boxes, found.txts, strict=True), key=lambda one: one[0][:, 1].sum()
        ):
            top, bottom, left = corners[:, 1].min(), corners[:, 1].max(), corners[:, 0].min()
            last = lines[-1][-1] if lines else None
            if last and min(bottom, last[1]) - max(top, last[0]) >= 0.5 * min(
                bottom - top, last[1] - last[0]
            ):
                lines[-1].append((top, bottom, left, text))
            else:
                lines.append([(top, bottom, left, text)])
        return [" ".join(text for *_, text in sorted(line, key=lambda box: box[2])) for line in lines]
