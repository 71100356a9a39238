"""REDIS_URL, read once: redis-py and Celery are both told what is found here, so they cannot differ.

redis://user:password@host:6379/0      rediss:// with TLS     options behind a `?`
unix://user:password@/path?db=0        a socket of this machine
redis://host:6379/0?password_file=/run/secrets/redis       the password is in a file
redis+sentinel://:password@host:26379,host:26379/master/0     the master that sentinels know
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from jobs.contract.settings import BadSetting
from jobs.storage.connection import certificates

DEFAULT_PORT, DEFAULT_SENTINEL_PORT = 6379, 26379

_SENTINELS = "redis+sentinel"
_SCHEMES = ("redis", "rediss", "unix", _SENTINELS)
#: A user and a password reach up to the last @; what follows them has none of the characters that end a part.
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z+]+)://((?P<user>[^:@/?#\[\]]*)(:(?P<password>[^/?#\[\]]*))?@)?"
    r"(?P<nodes>[^@/?#]*)(?P<path>/[^?#@]*)?(\?(?P<query>[^#@]*))?"
)
_NODE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\[\]:,\s]+)(:(?P<port>[0-9]+))?")
#: A name of a host; what else a name may be, the resolver says.
_NAME = re.compile(r"[^/?#@:\[\]\\%]+")
#: All up to the last @, whatever it is, and what is given as an option.
_PASSWORDS = re.compile(r"(?<=://).*(?=@)|(?<=password=)[^&]*", re.DOTALL)
_LARGEST_PORT = 65535
#: Redis' own numbers have 31 bits; how many databases there are only the server knows.
_LARGEST_DATABASE = 2**31 - 1
#: Seconds that a timeout may have: a day. The system's own clocks overflow far beyond it.
_LONGEST_S = 86_400
#: Bytes of a host's name, and of a socket's path, that the system takes.
_LONGEST_HOST, _LONGEST_SOCKET = 253, 107
#: What Redis takes for a client's name.
_CLIENT_NAME = re.compile(r"[!-~]+")
#: Digits of a number, of which none here has as many.
_LONGEST_NUMBER = 20
#: Characters of a file that are read for a password.
_LONGEST_SECRET = 4096
#: Characters of an address that are shown.
_LONGEST_SHOWN = 300


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise ValueError("has to be a number")
    return int(text)


def _positive(text: str) -> float:
    if not text.isascii() or "_" in text:
        # Python reads both as numbers, and nobody else does.
        raise ValueError("has to be a plain number")
    seconds = float(text)
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError(f"has to be more than 0 and at most {_LONGEST_S} s")
    return seconds


def _interval(text: str) -> int:
    seconds = _count(text)
    if seconds > _LONGEST_S:
        raise ValueError(f"has to be at most {_LONGEST_S} s")
    return seconds


def _secret(path: str) -> str:
    """The password in a file; what is said of one that cannot be used never shows it."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            password = file.read(_LONGEST_SECRET).strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError("is no text in UTF-8") from None
    if not password:
        raise ValueError("is empty")
    return password


def _client_name(text: str) -> str:
    if not _CLIENT_NAME.fullmatch(text):
        raise ValueError("may have no blanks, and only ASCII characters")
    return text


def _truth(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _certificates(text: str) -> str:
    return {"required": "required", "optional": "optional", "none": "none"}[text.lower()]


#: The options that an address may have, and how each is read.
_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "db": _count,
    "username": str,
    "password": str,
    "password_file": _secret,
    "sentinel_password": str,
    "client_name": _client_name,
    "health_check_interval": _interval,
    "socket_connect_timeout": _positive,
    "socket_timeout": _positive,
}
_TLS_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "ssl_ca_certs": certificates.authorities,
    "ssl_cert_reqs": _certificates,
    "ssl_certfile": certificates.readable,
    "ssl_check_hostname": _truth,
    "ssl_keyfile": certificates.readable,
}


@dataclass(frozen=True)
class Address:
    """A REDIS_URL, read; exactly one of `path` and `nodes` is empty."""

    #: Host and port of the server, or of each sentinel.
    nodes: tuple[tuple[str, int], ...] = ()
    #: The socket of a server on this machine.
    path: str = ""
    #: What the sentinels call the master; empty: there are none.
    master: str = ""
    has_tls: bool = False
    database: int = 0
    #: Who we are to the server.
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    #: What the sentinels themselves ask for.
    sentinel_password: str | None = field(default=None, repr=False)
    #: What the address says of connections; the names are the same in redis-py and in kombu.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The same of TLS.
    tls_options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, redis_url: str) -> Self:
        """Read an address.

        Raises BadSetting.
        """
        try:
            return cls._parse(redis_url)
        except ValueError as error:
            raise BadSetting(
                f"REDIS_URL={without_password(redis_url)[:_LONGEST_SHOWN]!r}: {error}. Write"
                " redis://user:password@host:6379/0 or"
                " redis+sentinel://:password@host1:26379,host2:26379/name-of-master/0, special characters of"
                " a password as %XX, such as %23 for #. See docs/configuration.md."
            ) from None

    @classmethod
    def _parse(cls, redis_url: str) -> Self:
        if not redis_url.isprintable() or redis_url != redis_url.strip():
            raise ValueError("it has blanks around it, or characters that cannot be seen")
        scheme = redis_url.partition("://")[0]
        if scheme not in _SCHEMES:
            raise ValueError(f"it does not begin with {', '.join(f'{known}://' for known in _SCHEMES)}")
        found = _ADDRESS.fullmatch(redis_url)
        if found is None:
            raise ValueError("one of / ? # [ ] is where it cannot be, such as in a password")
        options = _read_options(found["query"] or "", has_tls=scheme == "rediss")
        kept = options.pop("password_file", None)
        if kept and (found["password"] or "password" in options):
            raise ValueError("it has a password, and a password_file as well")
        return cls(
            **_place(scheme, found["nodes"], found["path"] or "", options.pop("db", None)),
            has_tls=scheme == "rediss",
            username=_plain(found["user"]) or options.pop("username", None),
            password=_plain(found["password"]) or options.pop("password", None) or kept,
            sentinel_password=options.pop("sentinel_password", None),
            tls_options={name: options.pop(name) for name in _TLS_OPTIONS if name in options},
            options=options,
        )


def without_password(redis_url: str) -> str:
    """The address as it may be shown."""
    return _PASSWORDS.sub("***", redis_url)


def _place(scheme: str, nodes: str, path: str, database: int | None) -> dict[str, Any]:
    """Where the server is, and the number of its database."""
    if scheme == "unix":
        if nodes or path in ("", "/"):
            raise ValueError("a socket's path begins with /, behind unix:// or the @ of a password")
        return {"path": _socket(path), "database": _database("", database)}
    if scheme == _SENTINELS:
        master, _, number = path.removeprefix("/").partition("/")
        if not master:
            raise ValueError("the name of the master is missing behind the sentinels")
        read = tuple(_node(node, DEFAULT_SENTINEL_PORT) for node in nodes.split(","))
        return {"nodes": read, "master": _unquote(master), "database": _database(number, database)}
    return {
        "nodes": (_node(nodes, DEFAULT_PORT),),
        "database": _database(path.removeprefix("/"), database),
    }


def _node(text: str, default_port: int) -> tuple[str, int]:
    found = _NODE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a host, or a host and a port" if text else "it names no host")
    port = int(found["port"] or default_port)
    if not 0 < port <= _LARGEST_PORT:
        raise ValueError(f"the port is {port}, and has to be one from 1 to {_LARGEST_PORT}")
    return _host(found["host"]), port


def _host(text: str) -> str:
    """A host that could be looked up: an address in brackets, or a name."""
    host = _unquote(text.strip("[]"))
    try:
        if text.startswith("["):
            ipaddress.IPv6Address(host)
        elif not _NAME.fullmatch(host):
            raise ValueError(host)
        is_one = host.isprintable() and " " not in host and len(host.encode("idna")) <= _LONGEST_HOST
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError(f"{text!r} is not a host")
    return host


def _socket(path: str) -> str:
    socket = _unquote(path)
    if "\0" in socket or len(os.fsencode(socket)) > _LONGEST_SOCKET:
        raise ValueError(f"a socket's path has at most {_LONGEST_SOCKET} bytes, and none of them is 0")
    return socket


def _database(in_path: str, as_option: int | None) -> int:
    try:
        number = _count(in_path) if in_path else None
    except ValueError:
        raise ValueError(f"the database behind the last / is {in_path!r}, and has to be a number") from None
    if None not in (number, as_option) and number != as_option:
        raise ValueError("it names two databases")
    database = number or as_option or 0
    if database > _LARGEST_DATABASE:
        raise ValueError(f"the database is {database}, and has to be one from 0 to {_LARGEST_DATABASE}")
    return database


def _read_options(query: str, *, has_tls: bool) -> dict[str, Any]:
    known = {**_OPTIONS, **(_TLS_OPTIONS if has_tls else {})}
    given = parse_qsl(_checked(query), keep_blank_values=True)
    options = {}
    for name, text in given:
        if name not in known:
            raise ValueError(f"it has the option {name!r}; those that can be used are {', '.join(known)}")
        if name in options:
            raise ValueError(f"it has the option {name!r} twice")
        try:
            options[name] = known[name](text)
        except (ValueError, KeyError) as error:
            why = f", and {error}" if isinstance(error, ValueError) else ""
            raise ValueError(f"its option {name} is {text!r}{why}") from None
    certificates.check_own(options.get("ssl_certfile"), options.get("ssl_keyfile"))
    return options


def _checked(query: str) -> str:
    """A query, of which `_unquote` can read all."""
    _unquote(query)
    return query


def _plain(text: str | None) -> str | None:
    return _unquote(text) if text else None


def _unquote(text: str) -> str:
    """Raises ValueError for bytes that are no text."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("what is written as %XX in it is not UTF-8") from None
