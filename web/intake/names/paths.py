"""The path a file came under: kept as it is, but for what would make one file look like two."""

import hashlib
import re

from werkzeug.datastructures import FileStorage

#: A drive (`C:`) before a path.
_DRIVE = re.compile(r"^[A-Za-z]:")


def sent_path(part: FileStorage) -> str:
    """The name or relative path under which a file of a form was sent, normalised."""
    name = part.filename or ""
    if "filename*=" not in part.headers.get("Content-Disposition", ""):
        # So browsers write a newline in a name (HTML standard, multipart/form-data). Werkzeug decodes %22.
        name = name.replace("%0D", "\r").replace("%0A", "\n")
    return normalise(name)


def normalise(name: str, *, keeps_backslash: bool = False) -> str:
    """A path with one `/` between its parts, none of which is empty or `.`; without any part, `unnamed`."""
    valid = name.encode("utf-8", "replace").decode("utf-8")
    slashed = valid if keeps_backslash else valid.replace("\\", "/")
    return "/".join(part for part in slashed.split("/") if part not in ("", ".")) or "unnamed"


def shortened(path: str, max_chars: int) -> str:
    """The path, or one of at most `max_chars` that stands for it and for no other."""
    if len(path) <= max_chars:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    return f"{path[: max(0, max_chars - 17)]}…{digest}"[:max_chars]


def is_unsafe(name: str) -> bool:
    """True when a zip entry's name points out of the zip."""
    slashed = name.replace("\\", "/")
    return slashed.startswith("/") or bool(_DRIVE.match(slashed)) or ".." in slashed.split("/")


def is_litter(path: str) -> bool:
    """True for what file managers leave in folders and zips: nobody means to ask about it."""
    parts = path.split("/")
    is_hidden = any(part.startswith(".") and part != ".." for part in parts)
    return is_hidden or "__MACOSX" in parts or parts[-1].lower() in ("thumbs.db", "desktop.ini")
