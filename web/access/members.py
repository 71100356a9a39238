"""Who somebody is here whom the OpenID Connect provider knows: an owner, a role, teams; or nobody.

claims ──► allowed? ──► owner ──► groups ──► role, teams
             no: 403      none, or no owner's name: 403
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.contract.access.owners import Role
from jobs.contract.codes import Code
from jobs.contract.errors import NotAllowed
from jobs.contract.models import OWNER_PATTERN
from jobs.contract.settings import WebSettings

#: Claims as a provider says them.
Claims = Mapping[str, Any]
#: Of EVA01_OIDC_ALLOWED: everybody.
_EVERYBODY = "*"
_LONGEST_SHOWN = 100


@dataclass(frozen=True)
class Member:
    """A person who may come in."""

    owner: str
    role: Role
    teams: tuple[str, ...]


def member_of(claims: Claims, web: WebSettings) -> Member:
    """Who it is that has these claims.

    Raises NotAllowed (`not_admitted`) for somebody who may not come in, or who cannot be an owner.
    """
    groups = _groups(claims, web.oidc_groups_claim)
    if not _may_come_in(claims, groups, web.oidc_allowed):
        raise _refused("Neither your groups nor your address are among EVA01_OIDC_ALLOWED.")
    return Member(
        owner=_owner(claims, web),
        role=_role(groups, web),
        teams=tuple(team for team in web.oidc_team_groups if team in groups),
    )


def wanted_claims(web: WebSettings) -> tuple[str, ...]:
    """The claims that are looked at, besides `sub`."""
    return (web.oidc_owner_claim, web.oidc_groups_claim, "email", "email_verified")


def claim(claims: Claims, name: str) -> Any:
    """A claim by its name, or by a path of names with dots between them; None when it is not there."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _groups(claims: Claims, name: str) -> frozenset[str]:
    said = claim(claims, name)
    listed = said if isinstance(said, list) else [said]
    return frozenset(group for group in listed if isinstance(group, str))


def _may_come_in(claims: Claims, groups: Collection[str], allowed: Collection[str]) -> bool:
    _, at, domain = _verified_email(claims).rpartition("@")
    domains = {name.lower() for name in allowed if name.startswith("@")}
    return (
        _EVERYBODY in allowed
        or any(group in allowed for group in groups if not group.startswith("@"))
        or (at + domain.lower() in domains)
    )


def _owner(claims: Claims, web: WebSettings) -> str:
    name = web.oidc_owner_claim
    said = _verified_email(claims) or claims.get("sub") if name == "email" else claim(claims, name)
    if not isinstance(said, str) or not re.fullmatch(OWNER_PATTERN, said):
        raise _refused(
            f"The claim {name} says {str(said)[:_LONGEST_SHOWN]!r}, which cannot be an owner's name: letters,"
            " digits and . _ @ + -, 100 at most. EVA01_OIDC_OWNER_CLAIM can name another claim."
        )
    if said in (*web.oidc_team_groups, web.admin_owner):
        raise _refused(f"The claim {name} says {said!r}, which is the name of a team, or of the admins.")
    return said


def _verified_email(claims: Claims) -> str:
    """The address; empty where the provider does not say that it is the person's own."""
    email = claims.get("email")
    # Some providers write it as a text.
    is_verified = claims.get("email_verified") in (True, "true")
    return email if is_verified and isinstance(email, str) else ""


def _role(groups: Collection[str], web: WebSettings) -> Role:
    if any(group in web.oidc_admin_groups for group in groups):
        return Role.ADMIN
    return Role.READ_ONLY if any(group in web.oidc_read_only_groups for group in groups) else Role.USER


def _refused(reason: str) -> NotAllowed:
    return NotAllowed(f"Your account may not use this server. {reason}", code=Code.NOT_ADMITTED)
