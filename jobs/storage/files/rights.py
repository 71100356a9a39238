"""Who may read what we write: the data folder and all in it are its owner's alone.

A folder of images of its own (`EVA01_BLOBS=file://…`) may be shared with others: what is written there is
for the owner and the group, and the rights of the folder itself are left to whoever made it.
"""

import os
import stat
from contextlib import suppress
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jobs.contract.settings import BadSetting, Settings

#: What is taken from all that a process writes.
_OWNER_ALONE, _OWNER_AND_GROUP = 0o077, 0o007
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
#: What we keep in the data folder; what else lies there is not touched.
_OURS = ("blobs", "logs", "redis", "tmp", "up.lock")


def keep_private(settings: Settings) -> str:
    """Make all that this process writes from now on private, and close the data folder as `close` does."""
    os.umask(_OWNER_AND_GROUP if _has_folder_of_images(settings) else _OWNER_ALONE)
    return close(settings)


def private_folder(settings: Settings, name: str = "") -> Path:
    """The data folder, or a folder in it, made if need be.

    Raises BadSetting when it cannot be written.
    """
    data = settings.data.resolve()
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700, exist_ok=True)
        (data / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"EVA01_DATA={str(settings.data)!r}: cannot be written: {error.strerror}. Name another folder."
        ) from error
    return data / name


def _has_folder_of_images(settings: Settings) -> bool:
    if not settings.blobs.startswith("file://"):
        return False
    return not Path(unquote(urlsplit(settings.blobs).path)).is_relative_to(settings.data.resolve())


def close(settings: Settings) -> str:
    """Close the data folder to others, if it is there.

    Gives a line for the log when it was open, or cannot be closed; else nothing.
    """
    data = settings.data.resolve()
    if not data.is_dir():
        return ""
    about = data.stat()
    rights = f"{stat.S_IMODE(about.st_mode):04o}"
    if not about.st_mode & _OTHERS:
        return ""
    if about.st_uid != os.geteuid():
        return (
            f"The data folder {data} belongs to another user (id {about.st_uid}, rights {rights}), who"
            " decides who else may read what is written there. Name a folder of your own with EVA01_DATA."
        )
    if about.st_mode & stat.S_ISVTX or data == Path(data.anchor):
        return (
            f"The data folder {data} is everybody's (rights {rights}), and is left so: others may read what"
            " is written there. Name a folder of its own with EVA01_DATA."
        )
    try:
        count = _take_from_others(data)
    except OSError as error:
        return (
            f"The data folder {data} is open to others (rights {rights}), and cannot be closed to them:"
            f" {error.strerror}. Name another folder with EVA01_DATA."
        )
    return (
        f"The data folder {data} was open to others (rights {rights}). It is its owner's alone now (0700),"
        f" with {count:,} files and folders in it. To share images, give them a folder of their own with"
        " EVA01_BLOBS."
    )


def _take_from_others(data: Path) -> int:
    """Close the folder first, so that nobody changes what is in it meanwhile; gives how much that was.

    Links are left, be it at the top: what they lead to may lie anywhere.
    """
    data.chmod(0o700)
    ours = [data / name for name in _OURS if not (data / name).is_symlink()]
    walk = chain.from_iterable(map(os.walk, ours))
    below = (Path(place, name) for place, folders, files in walk for name in (*folders, *files))
    return sum(map(_take_one, chain(ours, below)))


def _take_one(path: Path) -> bool:
    with suppress(OSError):
        rights = path.lstat().st_mode
        if rights & _OTHERS and not stat.S_ISLNK(rights):
            path.chmod(stat.S_IMODE(rights) & ~_OTHERS)
            return True
    return False
