"""Whether callers have to say who they are: where others reach web, or once there is a key or a provider.

Once they have to, it is for good.
"""

import redis
from flask import Flask, current_app

from jobs.flow.expose import needs_login
from jobs.storage.access.keys import Keys
from web.services import services_of

_NAME = "eva01_login"


class Login:
    """Knows whether a key is needed; once it is, it stays so for as long as the process lives."""

    def __init__(self, keys: Keys, *, is_needed: bool) -> None:
        self._keys = keys
        self._is_needed = is_needed
        self._has_looked = False

    def is_needed(self) -> bool:
        """True when there is, or ever was, a key, or a setting that names one or a provider.

        Raises Unavailable while the blob store does not say whether it has one.
        """
        if not self._is_needed:
            self._is_needed = self._is_any_kept() or self._is_any_known()
        return self._is_needed

    def _is_any_kept(self) -> bool:
        """Whether the blob store says so; it is asked once, since Redis has keys made later as well."""
        if self._has_looked:
            return False
        found = self._keys.is_login_kept()
        self._has_looked = True
        return found

    def _is_any_known(self) -> bool:
        try:
            return self._keys.any_known()
        except redis.RedisError:
            # A key may have been made since we looked, and not every call needs Redis.
            return self._keys.is_login_kept()


def register_login(app: Flask) -> None:
    """Have `login()` find what belongs to `app`."""
    serving = services_of(app)
    app.extensions[_NAME] = Login(serving.keys, is_needed=needs_login(serving.web))


def login() -> Login:
    """That of the app that answers the current request."""
    found: Login = current_app.extensions[_NAME]
    return found
