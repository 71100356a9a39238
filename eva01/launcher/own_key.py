"""The key with which `eva01 up` sends its folder: looked at before anything is started."""

from eva01.cli.errors import CommandError
from eva01.client.key import key_of_environment
from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable
from jobs.contract.models import utc_now
from jobs.contract.settings import WebSettings
from jobs.flow.expose import is_login_needed
from jobs.storage.access.keys import Keys

_REMEDY = (
    "Set EVA01_KEY, or EVA01_KEY_FILE to a file with one; `eva01 keys add --owner NAME` makes one."
    " Nothing is started."
)


def check_own_key(web: WebSettings, keys: Keys) -> None:
    """Look whether the environment's key may send a folder to the server that starts with these settings.

    Raises CommandError where a key is needed and there is none that may, and ClientError for a file of a key
    that cannot be read.
    """
    try:
        if is_login_needed(web, keys):
            _check(key_of_environment().strip(), web, keys)
    except Unavailable:
        # The server waits for the blob store, and says by itself what it thinks of the key.
        return


def _check(text: str, web: WebSettings, keys: Keys) -> None:
    if not text:
        raise _refused(Code.NOT_SIGNED_IN, "A folder can be sent here with a key alone, and there is none.")
    if text == web.admin_key.get_secret_value():
        return
    key = keys.find(text)
    if key is None:
        raise _refused(Code.UNKNOWN_KEY, "The key that is set is none of this server's.")
    if key.is_over(utc_now()):
        raise _refused(Code.KEY_IS_OVER, f"The key {key.prefix}… is {key.state(utc_now())}.")
    if not key.role.may_write:
        raise _refused(Code.NOT_ALLOWED, f"The key {key.prefix}… is {key.role}, and may not send a folder.")


def _refused(code: Code, why: str) -> CommandError:
    return CommandError(code, f"{why} {_REMEDY}")
