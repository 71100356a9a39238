"""What the API shows of each image of a job that was made of a list of files."""

from collections.abc import Mapping, Sequence
from typing import Any

#: What was not looked at yet, or says no more.
_UNSEEN: Mapping[str, Any] = {"width": None, "height": None, "pages": None, "notes": []}


def described_images(
    job: Mapping[str, Any],
    images: Sequence[str],
    media_types: Sequence[str],
    files: Sequence[str],
    looks: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]] | None:
    """Each image in its order: its name, its hash, what it was found to be.

    None for one image that is called as the job. `job` is all else that the API shows of it: a single image
    is what that says. Raises TypeError for looks that are none.
    """
    if len(images) < 2 and not files:
        return None
    if len(images) == 1:
        alone = {name: job[name] for name in ("width", "height", "notes")}
        looks = [{**alone, "pages": (job["usage"] or {}).get("pages")}]
    return [
        {
            "file": files[place] if place < len(files) else job["file"],
            "sha256": sha256,
            "media_type": media_types[place] if place < len(media_types) else None,
            **_known(looks[place] if place < len(looks) else {}),
        }
        for place, sha256 in enumerate(images)
    ]


def _known(look: Mapping[str, Any]) -> dict[str, Any]:
    """Those of its fields that this version knows."""
    whole = {**_UNSEEN, **look}
    return {name: whole[name] for name in _UNSEEN}
