"""The OpenID Connect provider: people sign in there, and it says who they are.

browser ──► begin: to the provider with state, nonce and the challenge of a verifier (PKCE)
provider ──► browser ──► end: the code and the verifier for tokens, whose claims are checked; no token is kept
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hmac import compare_digest
from ssl import SSLContext
from typing import Any, TypeVar

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn, Unavailable
from jobs.contract.settings import WebSettings
from web.access.members import Claims, claim, wanted_claims

_log = logging.getLogger(__name__)

#: Seconds for which the provider's addresses and keys are believed to be the same.
_FRESH_S = 3600
#: Seconds between two looks for a key that is not among those that are known.
_NEW_KEY_S = 10
#: Seconds for which a provider that did not answer is not asked again.
_AGAIN_S = 2
#: Seconds to wait for the provider.
_TIMEOUT_S = 10
#: Signatures that the provider alone can make; not HS256, whose key we would have as well.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_KEY_TYPES = ("RSA", "EC", "OKP")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Flow:
    """One sign-in under way; the browser keeps it, signed."""

    #: Where to go afterwards.
    next: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def kept(self) -> dict[str, str]:
        """What `Flow(**kept)` is made of again."""
        return asdict(self)


class Provider:
    """Safe to use from many threads. What is asked of it raises Unavailable (`provider_unavailable`)."""

    def __init__(self, web: WebSettings) -> None:
        self._web = web
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        #: A provider that hangs must not hold all threads of web.
        self._turns = threading.BoundedSemaphore(max(1, web.web_threads // 4))
        self._failed_s = -float(_AGAIN_S)

    @property
    def is_set(self) -> bool:
        """True when there is one."""
        return bool(self._web.oidc_issuer)

    def begin(self, flow: Flow, redirect_uri: str) -> str:
        """The address at the provider where a browser signs in, and is sent to `redirect_uri` afterwards."""
        with self._turn(), self._client(redirect_uri) as client:
            address, _ = client.create_authorization_url(
                self._address("authorization_endpoint"),
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
            )
        return str(address)

    def end(self, flow: Flow, redirect_uri: str, said: Mapping[str, str]) -> Claims:
        """The claims of the person with whom the browser came back; `said` is the query.

        Raises NotSignedIn (`sign_in_failed`).
        """
        if "error" in said:
            raise _failed(f"the provider says {said['error'][:100]!r}")
        if "code" not in said:
            raise _failed("the answer has no code")
        if not compare_digest(said.get("state", "").encode(), flow.state.encode()):
            raise _failed("the answer belongs to another sign-in")
        with self._turn(), self._client(redirect_uri) as client:
            if said.get("iss", self._issuer) != self._issuer:
                raise _failed("another provider answered")
            token = _asked(
                lambda: client.fetch_token(
                    self._address("token_endpoint"),
                    grant_type="authorization_code",
                    code=said["code"],
                    redirect_uri=redirect_uri,
                    code_verifier=flow.verifier,
                )
            )
            claims = self._checked(token, flow.nonce)
            return self._completed(claims, client)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            raise _away("as many as may are signing in already")
        try:
            yield
        finally:
            self._turns.release()

    def _client(self, redirect_uri: str) -> OAuth2Client:
        secret = self._web.oidc_client_secret.get_secret_value()
        ways = self._described().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        by_secret = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return OAuth2Client(
            client_id=self._web.oidc_client_id,
            client_secret=secret or None,
            token_endpoint_auth_method=by_secret if secret else "none",
            scope=self._web.oidc_scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
            verify=self._tls,
        )

    @property
    def _issuer(self) -> str:
        return str(self._described()["issuer"])

    def _checked(self, token: Mapping[str, Any], nonce: str) -> Claims:
        """The claims of an ID token.

        Raises NotSignedIn when one is not as it has to be.
        """
        issuer, client_id = self._issuer, self._web.oidc_client_id
        try:
            read = self._read(str(token.get("id_token", "")))
            must: Any = {
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": client_id},
            }
            given = {"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(read.claims, read.header, must, given)
            claims.validate(leeway=self._web.oidc_skew_s)
        except (JoseError, AuthlibBaseError, ValueError) as error:
            raise _failed(f"what the provider says cannot be believed ({error})") from error
        return dict(claims)

    def _read(self, text: str) -> jwt.Token:
        offered = self._described().get("id_token_signing_alg_values_supported", ["RS256"])
        algorithms = [name for name in offered if name in _ALGORITHMS]
        try:
            return jwt.decode(text, self._keys(_FRESH_S), algorithms=algorithms)
        except InvalidKeyIdError:
            return jwt.decode(text, self._keys(_NEW_KEY_S), algorithms=algorithms)

    def _completed(self, claims: Claims, client: OAuth2Client) -> Claims:
        """The same with what the provider says at its userinfo endpoint alone."""
        is_whole = all(claim(claims, name) is not None for name in wanted_claims(self._web))
        if is_whole or not self._described().get("userinfo_endpoint"):
            return claims
        address = self._address("userinfo_endpoint")
        more = _asked(lambda: client.get(address).raise_for_status().json())
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise _failed("the provider says two different things about who it is")
        return {**more, **claims}

    def _keys(self, fresh_s: float) -> KeySet:
        """The provider's keys, not older than that."""
        found = self._fetched(self._address("jwks_uri"), fresh_s).get("keys", [])
        usable = [key for key in found if key.get("kty") in _KEY_TYPES and key.get("use") != "enc"]
        return KeySet.import_key_set({"keys": usable})

    def _address(self, name: str) -> str:
        address = str(self._described().get(name, ""))
        is_safe = address.startswith(("https://", self._web.oidc_issuer.split("://")[0] + "://"))
        if not is_safe:
            raise _away(f"its {name} is {address[:100]!r}")
        return address

    def _described(self) -> dict[str, Any]:
        """What the provider says about itself, at most an hour old."""
        issuer = self._web.oidc_issuer.rstrip("/")
        found = self._fetched(f"{issuer}/.well-known/openid-configuration", _FRESH_S)
        if str(found.get("issuer")).rstrip("/") != issuer:
            raise _away(f"it calls itself {str(found.get('issuer'))[:100]!r}")
        return found

    def _looked_up(self, address: str) -> Any:
        """JSON at an address; a provider that was away a moment ago still is."""
        if time.monotonic() - self._failed_s < _AGAIN_S:
            raise _away("it did not answer a moment ago")
        try:
            return _asked(lambda: self._got(address).raise_for_status().json())
        except Unavailable:
            self._failed_s = time.monotonic()
            raise

    @cached_property
    def _tls(self) -> SSLContext:
        """Reading all certificates takes a while: it is done once."""
        return httpx2.create_ssl_context()

    def _got(self, address: str) -> httpx2.Response:
        return httpx2.get(address, timeout=_TIMEOUT_S, verify=self._tls)

    def _fetched(self, address: str, fresh_s: float) -> dict[str, Any]:
        """JSON at an address, not older than that; an older one where the provider is away."""
        with self._lock:
            at_s, known = self._kept.get(address, (0.0, {}))
            if known and time.monotonic() - at_s < fresh_s:
                return known
            try:
                found = self._looked_up(address)
            except Unavailable:
                if not known:
                    raise
                return known
            if not isinstance(found, dict):
                raise _away(f"there is no JSON object at {address}")
            self._kept[address] = time.monotonic(), found
            return found


def _asked(call: Callable[[], _T]) -> _T:
    """What the provider answers.

    Raises Unavailable when it does not, and NotSignedIn when it refuses.
    """
    try:
        return call()
    except AuthlibBaseError as error:
        raise _failed(f"the provider refuses: {error.error}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise _away(str(error)) from error


def _failed(reason: str) -> NotSignedIn:
    _log.warning("A sign-in failed: %s.", reason)
    return NotSignedIn(f"You could not be signed in: {reason}. Begin again.", code=Code.SIGN_IN_FAILED)


def _away(reason: str) -> Unavailable:
    _log.warning("EVA01_OIDC_ISSUER cannot be used: %s.", reason)
    return Unavailable(
        "The server where you sign in (EVA01_OIDC_ISSUER) does not answer as it should."
        " Try again in a moment, or sign in with a key.",
        code=Code.PROVIDER_UNAVAILABLE,
    )
