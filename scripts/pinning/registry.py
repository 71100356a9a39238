"""What a registry says of an image, by the protocol of the Open Container Initiative."""

import hashlib
import re
from urllib.parse import urlsplit

import httpx

from scripts.pinning.references import Reference

#: An index of several architectures where there is one, so that one digest fits all.
_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LOOPBACK = ("127.0.0.1", "localhost")


class RegistryError(Exception):
    """Raised when a registry does not say what an image is."""


def digest_of(http: httpx.Client, reference: Reference) -> str:
    """The digest of an image as its registry has it now: computed from what it sends.

    Raises RegistryError.
    """
    scheme = "http" if urlsplit(f"//{reference.registry}").hostname in _LOOPBACK else "https"
    url = f"{scheme}://{reference.registry}/v2/{reference.repository}/manifests/{reference.tag}"
    headers = {"Accept": ", ".join(_KINDS)}
    try:
        response = http.get(url, headers=headers)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            headers["Authorization"] = f"Bearer {_token(http, response)}"
            response = http.get(url, headers=headers)
    except httpx.HTTPError as error:
        raise RegistryError(f"{reference}: {reference.registry} cannot be reached: {error}") from error
    if not response.is_success:
        raise RegistryError(
            f"{reference}: {reference.registry} says {response.status_code}; is the tag there?"
        )
    found = f"sha256:{hashlib.sha256(response.content).hexdigest()}"
    said = response.headers.get("Docker-Content-Digest", found)
    if said != found:
        raise RegistryError(f"{reference}: {reference.registry} says {said}, and sends {found}.")
    return found


def _token(http: httpx.Client, refusal: httpx.Response) -> str:
    """A token for whoever has no account, from where the refusal says that there is one."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', refusal.headers.get("WWW-Authenticate", "")))
    realm = asked.pop("realm", "")
    if not realm:
        raise RegistryError(f"{refusal.url.host} refuses whoever has no account.")
    reply = http.get(realm, params=asked)
    try:
        said = reply.raise_for_status().json()
        return str(said.get("token") or said["access_token"])
    except (httpx.HTTPStatusError, ValueError, KeyError) as error:
        raise RegistryError(
            f"{realm} gives no token to whoever has no account: {reply.status_code}."
        ) from error
