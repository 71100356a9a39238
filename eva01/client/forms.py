"""The forms in which images are sent: those of one question, and those for a batch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eva01.client.address import Address
from eva01.client.files import Sendable, Together, files_in
from eva01.client.groups import GroupBy
from eva01.client.multipart import FilePart, Multipart, TextPart


def form_of_question(images: Iterable[Sendable], said: Mapping[str, Any]) -> Multipart:
    """Images that are asked about, in their order, and what is said of them."""
    texts = {name: value if isinstance(value, str) else _json_text(value) for name, value in said.items()}
    return Multipart([part for one in images for part in _parts(one, "file")], texts)


def form_of_files(files: Sequence[Sendable], group_by: GroupBy | None) -> Multipart:
    """Files for a batch, and which of them are one job; `group_by` is for what is in zips."""
    jobs = [
        {"file": job.name, "files": [file.name for file in job.files]}
        for job in files
        if isinstance(job, Together)
    ]
    texts = {"jobs": _json_text(jobs)} if jobs else {}
    if group_by and any(file.is_zip for file in files):
        texts["group_by"] = group_by.value
    return Multipart([part for file in files for part in _parts(file, "files")], texts)


def _json_text(value: Any) -> str:
    """What is no text in a form."""
    return json.dumps(value, ensure_ascii=False)


def _parts(sendable: Sendable, field: str) -> Sequence[FilePart | TextPart]:
    if isinstance(sendable, Address):
        return [TextPart("url", sendable.url)]
    parts = [FilePart(field, file.name, file.path, file.size_bytes) for file in files_in(sendable)]
    for part in parts:
        part.check()
    return parts
