"""What is written in a strip of a line's height."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Pixels: strips are this high, and at least this wide.
STRIP_PX, _NARROWEST_PX = 48, 160


@dataclass(frozen=True)
class Reading:
    """A text, and how sure the net is of it, 0 to 1: on average of its letters, and of the least sure."""

    text: str
    confidence: float
    least: float


NOTHING = Reading("", 0.0, 0.0)


class Recognizer:
    """Runs the net; its letters come with its weights."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        letters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
        #: The first is the net's "no letter here".
        self._letters = ["", *letters, " "]

    def read(self, strip: "NDArray[np.uint8]") -> Reading:
        """Read a strip (STRIP_PX, width, 3), BGR."""
        values = np.zeros((1, 3, STRIP_PX, max(strip.shape[1], _NARROWEST_PX)), np.float32)
        values[0, :, :, : strip.shape[1]] = strip.transpose(2, 0, 1) / np.float32(127.5) - 1
        (chances,) = self._session.run(None, {self._input: values})
        return self._decoded(chances[0])

    def _decoded(self, chances: "NDArray[np.float32]") -> Reading:
        """The text of the likeliest letter at each place, with what comes twice in a row taken once."""
        best = chances.argmax(axis=1)
        begins = np.concatenate(([True], best[1:] != best[:-1])) & (best != 0)
        if not begins.any():
            return NOTHING
        text = "".join(self._letters[letter] for letter in best[begins])
        if not text.strip():
            return NOTHING
        sure = chances.max(axis=1)[begins]
        return Reading(text.strip(), float(sure.mean()), float(sure.min()))
