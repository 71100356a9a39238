"""What is written in a strip of a line's height."""

from itertools import dropwhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.engines.reading.letters import Letter, Reading

#: Pixels: strips are this high, and at least this wide.
STRIP_PX, _NARROWEST_PX = 48, 160


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
        return self._decoded(chances[0], values.shape[-1] / len(chances[0]))

    def _decoded(self, chances: "NDArray[np.float32]", step_px: float) -> Reading:
        """The likeliest letter at each place, what comes twice in a row taken once, and no spaces around."""
        best = chances.argmax(axis=1)
        begins = np.concatenate(([True], best[1:] != best[:-1])) & (best != 0)
        places = np.flatnonzero(begins)
        letters = [
            Letter(self._letters[letter], sure, (place + 0.5) * step_px)
            for letter, sure, place in zip(
                best[places].tolist(), chances[places, best[places]].tolist(), places.tolist(), strict=True
            )
        ]
        while letters and letters[-1].text.isspace():
            letters.pop()
        return Reading(tuple(dropwhile(lambda letter: letter.text.isspace(), letters)))
