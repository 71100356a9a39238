"""Links that let others read one batch, for some days: self-contained and signed; nothing is stored."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer

from jobs.contract.codes import Code
from jobs.contract.errors import Gone, NotFound
from web.services import Services

_SALT = "eva01.share"


class ShareTokens:
    """Makes tokens and reads them; `signing_key` gives what they are signed with.

    `clock` gives the time now in Unix seconds. Raises what `signing_key` raises.
    """

    def __init__(self, signing_key: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._signing_key = signing_key
        self._clock = clock

    def make(self, batch_id: str, days: int) -> tuple[str, datetime]:
        """A token for a batch, and when it expires."""
        expires_at = datetime.fromtimestamp(int(self._clock()), UTC) + timedelta(days=days)
        return self._serializer().dumps([batch_id, int(expires_at.timestamp())]), expires_at

    def batch_of(self, token: str) -> str:
        """The id of the batch that a token is for.

        Raises NotFound (`share_not_found`) when the signature is not ours, and Gone (`share_expired`).
        """
        try:
            batch_id, expires_s = self._serializer().loads(token)
        except BadData as error:
            raise NotFound(
                "This link to a shared batch is not valid. Ask for a new one.", code=Code.SHARE_NOT_FOUND
            ) from error
        if self._clock() >= expires_s:
            expired = datetime.fromtimestamp(expires_s, UTC).isoformat()
            raise Gone(f"This link has expired at {expired}. Ask for a new one.", code=Code.SHARE_EXPIRED)
        return str(batch_id)

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._signing_key(), salt=_SALT, signer_kwargs={"digest_method": sha256})


def share_tokens(serving: Services) -> ShareTokens:
    """This server's share tokens, signed with EVA01_SECRET_KEY or else with a key that is kept in Redis."""
    return ShareTokens(lambda: serving.web.secret_key.get_secret_value() or serving.signing_key.get())
