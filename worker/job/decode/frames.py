"""Whether a file is an animation, of which only the first frame is looked at."""

from PIL import ImageFile

from worker.job.decode.picture import Plain


def is_animated(file: Plain, image: ImageFile.ImageFile) -> bool:
    """True for more than one frame; asked before the pixels are loaded.

    At most one frame beyond the first is looked for. One that is damaged is none.
    """
    if file.is_animated is not None:
        return file.is_animated
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:
        return False
