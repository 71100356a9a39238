"""Which hosts may be asked for images: `images.example.org`, `*.example.org`, `cdn.example.org:8443`, `*`."""

from collections.abc import Sequence

from jobs.contract.hosts import address_of, split_host
from web.fetch.url import HTTPS_PORT, Url


class Allowed:
    """The hosts of EVA01_FETCH_ALLOW; another port than https's only where it is named."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_read(pattern) for pattern in patterns]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def has(self, url: Url) -> bool:
        """True when the host of `url` may be asked on its port."""
        return any(port == url.port and _matches(name, url.host) for name, port in self._patterns)


def _read(pattern: str) -> tuple[str, int]:
    """The name, `.example.org` for all below it or `*` for any, and the port."""
    if pattern == "*":
        return pattern, HTTPS_PORT
    name, port = split_host(pattern.removeprefix("*.")) or (pattern, None)
    # An IP address as addresses of images are read: as it is usually written.
    name = ("." if pattern.startswith("*.") else "") + str(address_of(name) or name)
    return name, HTTPS_PORT if port is None else port


def _matches(name: str, host: str) -> bool:
    return name in ("*", host) or (name.startswith(".") and host.endswith(name))
