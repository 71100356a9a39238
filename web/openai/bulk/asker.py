"""Whoever ordered a batch: whether they may still ask, and how much, while lines of its file become jobs."""

from jobs.contract.access.owners import Quotas
from jobs.contract.asking.order import Order
from jobs.contract.codes import Code
from jobs.contract.errors import NotAllowed, NotFound, NotSignedIn
from jobs.contract.models import utc_now
from web.services import Services

#: What names of callers begin with; the admin of EVA01_ADMIN_KEY has one of their own.
_KEY, _OPENID, _CONFIGURED = "key:", "openid:", "key:configured"


def quotas_now(serving: Services, order: Order) -> Quotas:
    """What whoever ordered may take.

    A key, also one that was signed in with, has to be valid still, and EVA01_ADMIN_KEY to be set if that
    was it. Of a person whom the provider knows, nothing is known once their session has ended, as it does
    every day: there has to be a provider. Where nobody had to say who they are nothing is looked at.

    Raises NotSignedIn (`unknown_key`, `key_is_over`, `session_is_over`) and NotAllowed.
    """
    name = order.asked_by
    if name == _CONFIGURED:
        return _of_admin(serving)
    if name.startswith(_KEY):
        return _of_key(serving, name.removeprefix(_KEY))
    if name.startswith(_OPENID):
        return _of_person(serving)
    return order.quotas


def _of_admin(serving: Services) -> Quotas:
    if not serving.web.admin_key.get_secret_value():
        raise NotSignedIn("EVA01_ADMIN_KEY is not set any more.", code=Code.UNKNOWN_KEY)
    return Quotas()


def _of_key(serving: Services, prefix: str) -> Quotas:
    try:
        key = serving.keys.get(prefix)
    except NotFound as error:
        raise NotSignedIn(f"The key {prefix}… is none of this server's.", code=Code.UNKNOWN_KEY) from error
    now = utc_now()
    if key.is_over(now):
        raise NotSignedIn(f"The key {prefix}… is {key.state(now)}.", code=Code.KEY_IS_OVER)
    if not key.role.may_write:
        raise NotAllowed(f"The key {prefix}… is {key.role}.", code=Code.NOT_ALLOWED)
    return key.quotas


def _of_person(serving: Services) -> Quotas:
    if not serving.web.oidc_issuer:
        raise NotSignedIn("Nobody signs in by OpenID Connect any more.", code=Code.SESSION_IS_OVER)
    return serving.web.oidc_quotas
