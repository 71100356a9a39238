"""What lies in a folder beside the images: so that what is left out can be counted and said."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is not sent from a folder."""

    #: For programs.
    code: str
    one: str
    many: str = ""
    #: What may be done to have it sent; empty: nothing is said.
    remedy: str = ""

    def counted(self, count: int) -> str:
        """`1 video`, `1,200 videos`."""
        return f"{count:,} {self.one if count == 1 else self.many or f'{self.one}s'}"


_AS_JPEG = "Save as JPEG, and send again."
#: Photos and pictures, which a person expects to be sent.
PICTURES = (
    Kind("heic", "HEIC photo", remedy=_AS_JPEG),
    Kind("raw", "RAW photo", remedy=_AS_JPEG),
    Kind("psd", "Photoshop picture", remedy=_AS_JPEG),
    Kind("picture", "picture of another format", "pictures of other formats", _AS_JPEG),
)
_HEIC, RAW, _PSD, _PICTURE = PICTURES
VIDEO, SOUND = Kind("video", "video"), Kind("sound", "sound file")
ZIP = Kind("zip", "zip", remedy="A zip is sent when it is named on its own.")
OTHER, HIDDEN = (
    Kind("other", "other file"),
    Kind("hidden", "hidden file or folder", "hidden files and folders"),
)
AGAIN = Kind("again", "folder that is sent already", "folders that are sent already")
BROKEN_LINK = Kind("broken_link", "broken link")
PIPE, SOCKET, DEVICE = Kind("pipe", "named pipe"), Kind("socket", "socket"), Kind("device", "device")
#: What is no file at all, and is always named.
SPECIAL = (BROKEN_LINK, PIPE, SOCKET, DEVICE)

_ENDINGS = {
    _HEIC: "heic heics heif heifs hif avci",
    RAW: "3fr arw cr2 cr3 crw dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f",
    _PSD: "psb psd",
    _PICTURE: "ai apng avif avifs bmp cur dds dib emf eps exr gif hdr icns ico j2k jfif jp2 jpe jpeg jpf jpg"
    " jpx jxl jxr pbm pcx pgm png pnm ppm qoi sgi svg svgz tga tif tiff wdp webp wmf xbm xcf xpm",
    VIDEO: "3g2 3gp asf avi flv insv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv ts vob webm wmv",
    SOUND: "aac aiff amr flac m4a mid midi mp3 ogg opus wav wma",
    ZIP: "zip",
}
_BY_ENDING = {f".{ending}": kind for kind, endings in _ENDINGS.items() for ending in endings.split()}


@dataclass(frozen=True)
class LeftOut:
    """Something that is not sent."""

    name: str
    kind: Kind


def kind_of_name(name: str) -> Kind:
    """The kind of a file that is no image to us, by its ending."""
    return _BY_ENDING.get(PurePath(name).suffix.lower(), OTHER)


def kind_of_mode(mode: int) -> Kind:
    """The kind of what is neither a file nor a folder."""
    if stat.S_ISFIFO(mode):
        return PIPE
    return SOCKET if stat.S_ISSOCK(mode) else DEVICE


def by_kind(left_out: Sequence[LeftOut]) -> dict[Kind, list[str]]:
    """The names of each kind, what people expect to be sent first."""
    order = {kind: place for place, kind in enumerate((*PICTURES, *SPECIAL))}
    kinds: dict[Kind, list[str]] = {}
    for one in left_out:
        kinds.setdefault(one.kind, []).append(one.name)
    return dict(sorted(kinds.items(), key=lambda item: (order.get(item[0], len(order)), item[0] is OTHER)))


def in_words(left_out: Sequence[LeftOut]) -> str:
    """`6 HEIC photos, 3 videos and 1 other file`; empty when nothing is left out."""
    parts = [kind.counted(len(names)) for kind, names in by_kind(left_out).items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
