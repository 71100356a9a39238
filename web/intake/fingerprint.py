"""Whether a request that is sent again is the same."""

import hashlib
import json
from typing import cast

from flask import request

from web.intake.forms import MULTIPART
from web.intake.spool import Part


def fingerprint() -> str:
    """A digest of the request's body, which is read for it; the files of a form go to the spool.

    Bodies are the same when their bytes are; forms when their fields, names and contents are, since whoever
    sends a form again draws another boundary. Raises what reading the body raises: BadInput, NoRoom,
    HTTPException.
    """
    if request.mimetype != MULTIPART:
        return _sha256(request.mimetype, hashlib.sha256(request.get_data()).hexdigest())
    texts = [(name, text) for name, text in request.form.items(multi=True)]
    files = [
        (name, file.filename, cast(Part, file.stream).sha256)
        for name, file in request.files.items(multi=True)
    ]
    return _sha256(MULTIPART, texts, files)


def _sha256(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
