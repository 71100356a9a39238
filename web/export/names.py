"""Names for the files of a zip: each can be unpacked on every system, beside all the others.

Systems disagree on what is one name: most ignore case (Windows, macOS), some how an accent is written (NFC
or NFD), Windows also dots and spaces at the end; none has a file and a folder under one name. So names are
cleaned of what some system forbids, and compared without case and in one form of Unicode.
"""

import hashlib
import re
import unicodedata
from collections.abc import Container
from itertools import count

#: Characters that some file system forbids in names.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]+')
#: What Windows takes for a device, whatever ending follows.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)", re.IGNORECASE)
#: Bytes of one part of a path: file systems allow 255, and an ending and a number follow.
_PART_BYTES = 200
#: Bytes that are kept of a taken name. Should two names share them, one gets a number without need.
_KEY_BYTES = 8


class FreeNames:
    """Gives out names that do not fall together: one that is taken gets a number.

    A name takes some hundred bytes of memory, however long it is.
    """

    def __init__(self, *reserved: str) -> None:
        self._files = {_key(name) for name in reserved}
        self._folders: set[int] = set()
        #: The number that a name needed last, where it needed one: else many alike would all count from 2.
        self._file_numbers: dict[int, int] = {}
        self._folder_numbers: dict[int, int] = {}

    def take(self, path: str, ending: str) -> str:
        """A name for a file at `path`, which may be any text, with `ending` behind it."""
        *folders, name = _harmless(path)
        place = ""
        for folder in folders:
            free = _free(place + folder, "", self._folder_numbers, self._files)
            self._folders.add(_key(free))
            place = f"{free}/"
        file = _free(place + name, ending, self._file_numbers, self._files, self._folders)
        self._files.add(_key(file))
        return file


def _free(stem: str, ending: str, numbers: dict[int, int], *taken: Container[int]) -> str:
    """The first of `stem`, `stem (2)`, … that is not among `taken`, from the number on that is known."""
    wanted = _key(stem + ending)
    for number in count(numbers.get(wanted, 1)):
        name = f"{stem} ({number}){ending}" if number > 1 else stem + ending
        key = _key(name)
        if not any(key in names for names in taken):
            break
    if number > 1:
        numbers[wanted] = number
    return name


def _key(name: str) -> int:
    """The same for names that some system takes for one."""
    digest = hashlib.blake2b(_folded(name).encode("utf-8", "replace"), digest_size=_KEY_BYTES).digest()
    return int.from_bytes(digest)


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _harmless(path: str) -> list[str]:
    """The parts of a path, without those that leave its folder; none is a name that a system forbids."""
    parts = [_part(part) for part in path.replace("\\", "/").split("/")]
    return [part for part in parts if part] or ["unnamed"]


def _part(part: str) -> str:
    name = _FORBIDDEN.sub("_", part).lstrip(" ").rstrip(" .")
    if _DEVICE.match(name):
        name = f"_{name}"
    if len(name.encode("utf-8", "replace")) <= _PART_BYTES:
        return name
    digest = hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{name.encode('utf-8', 'replace')[: _PART_BYTES - 17].decode('utf-8', 'ignore')}…{digest}"
