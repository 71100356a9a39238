"""Damaged files, drawn by Hypothesis."""

from collections.abc import Sequence

from hypothesis import strategies as st

from scripts.fuzzing.damage import File
from scripts.fuzzing.originals import Original

#: Files in one example, and faults in one file.
_MOST_FILES, _MOST_FAULTS = 8, 3
#: Bytes at a file's beginning, where sizes stand.
_HEAD = 200
#: Numbers that are read as a length, a size or an offset, and that nobody expects.
_EXTREMES = (
    *(b"\0\0\0\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"),
    *(b"\xff\xff\xff\x7f", b"\x80\0\0\0"),
)


def damaged(whole: Sequence[Original]) -> st.SearchStrategy[list[File]]:
    """Some files, each with a few places where something else stands, or is missing, or is there often."""

    @st.composite
    def file(draw: st.DrawFn) -> tuple[Original, bytes]:
        original = draw(st.sampled_from(whole))
        content = original.content
        for _ in range(draw(st.integers(0, _MOST_FAULTS))):
            start = draw(st.integers(0, len(content)) | st.integers(0, min(_HEAD, len(content))))
            lost = draw(st.integers(0, 16) | st.integers(0, len(content)))
            piece = draw(st.sampled_from(_EXTREMES) | st.binary(max_size=16)) * draw(
                st.sampled_from((1, 1, 40))
            )
            content = content[:start] + piece + content[start + lost :]
        return original, content

    def named(drawn: list[tuple[Original, bytes]]) -> list[File]:
        return [File(f"{n:06}.{one.ending}", content, one) for n, (one, content) in enumerate(drawn)]

    return st.lists(file(), min_size=1, max_size=_MOST_FILES).map(named)
