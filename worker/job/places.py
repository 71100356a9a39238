"""Where lines stand, brought from the image that an engine saw to the page as its user knows it."""

from dataclasses import replace

from worker.engines.base import Answer
from worker.job.decode.decoder import Decoded


def placed(answer: Answer, decoded: Decoded, page: int = 1) -> Answer:
    """The answer with its places in pixels of the upright original, on that page of its file."""
    across, down = decoded.width / decoded.image.width, decoded.height / decoded.image.height
    places = tuple(
        place._replace(
            left=round(place.left * across),
            top=round(place.top * down),
            right=min(round(place.right * across), decoded.width),
            bottom=min(round(place.bottom * down), decoded.height),
            page=page,
        )
        for place in answer.places
    )
    return replace(answer, places=places) if places else answer
