"""Open web to others than this machine: only where they have to say who they are, or on purpose."""

from collections.abc import Iterator

from jobs.contract.errors import Unavailable
from jobs.contract.hosts import is_loopback
from jobs.contract.settings import BadSetting, WebSettings
from jobs.storage.access.keys import Keys

_REMEDY = "Make one with `eva01 keys add --owner NAME --role admin`"


def needs_login(web: WebSettings) -> bool:
    """True when settings alone say that everybody has to say who they are, whether there is a key or not."""
    return has_login(web) or not (web.insecure or is_loopback(web.host))


def has_login(web: WebSettings) -> bool:
    """True when settings alone say how somebody may say who they are."""
    return bool(web.admin_key.get_secret_value() or web.oidc_issuer)


def is_login_needed(web: WebSettings, keys: Keys) -> bool:
    """True when everybody has to say who they are, by the settings or since there is, or ever was, a key.

    Raises Unavailable while the blob store does not say whether it has one.
    """
    return needs_login(web) or keys.is_login_kept()


def check_exposure(web: WebSettings, keys: Keys) -> Iterator[str]:
    """Gives what is to be said in the log.

    Raises BadSetting where others reach web and nobody could say who they are.
    """
    is_here = is_loopback(web.host)
    if (is_here and not web.proxies) or has_login(web) or _is_any_kept(keys):
        return
    if is_here:
        yield (
            f"EVA01_PROXIES={web.proxies}: there is no key, so whoever the proxy lets through may see and do"
            f" everything. {_REMEDY}."
        )
        return
    reached = f"EVA01_HOST={web.host!r}: others than this machine reach it, and there is no key"
    if not web.insecure:
        raise BadSetting(
            f"{reached}. {_REMEDY}, or set EVA01_ADMIN_KEY; EVA01_INSECURE=1 lets all in (docs/keys.md)."
        )
    yield f"{reached}: everybody may see and do everything, as EVA01_INSECURE says. {_REMEDY}."


def _is_any_kept(keys: Keys) -> bool:
    """True as well while the blob store does not say it: nothing is answered before it does."""
    try:
        return keys.any_kept()
    except Unavailable:
        return True
