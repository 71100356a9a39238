"""A Redis that is there and refuses to write, as long as a `with` lasts; each gives what Redis says then."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import redis

from tests.processes import free_port, wait_until

Refusing = Callable[["redis.Redis"], AbstractContextManager[str]]


@contextmanager
def configured(client: "redis.Redis", setting: str, value: int) -> Iterator[None]:
    """It has a setting that is 0 otherwise."""
    client.config_set(setting, value)
    yield
    client.config_set(setting, 0)


@contextmanager
def full(client: "redis.Redis") -> Iterator[str]:
    """It has more than it may have."""
    with configured(client, "maxmemory", 1):
        yield "OOM"


@contextmanager
def replica(client: "redis.Redis") -> Iterator[str]:
    """It follows a master, which is not there: what it has stays."""
    client.replicaof("127.0.0.1", free_port())
    yield "READONLY"
    client.replicaof("NO", "ONE")


@contextmanager
def without_replicas(client: "redis.Redis") -> Iterator[str]:
    """It has to have a replica, and has none."""
    with configured(client, "min-replicas-to-write", 1):
        yield "NOREPLICAS"


@contextmanager
def unable_to_save(client: "redis.Redis") -> Iterator[str]:
    """Its last snapshot has failed."""
    in_the_way = Path(str(client.config_get("dir")["dir"]), "dump.rdb")
    in_the_way.mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the snapshot fails")
    yield "MISCONF"
    in_the_way.rmdir()
    client.config_set("save", "")


@contextmanager
def forbidding(client: "redis.Redis") -> Iterator[str]:
    """Its rules let nobody write."""
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], categories=["+@all", "-@write"])
    yield "NOPERM"
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], categories=["+@all"])


@contextmanager
def forbidding_scripts(client: "redis.Redis") -> Iterator[str]:
    """Its rules let nobody run a script, with which much is read."""
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], categories=["+@all", "-@scripting"])
    yield "NOPERM"
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], categories=["+@all"])


EVERY = (full, replica, without_replicas, unable_to_save, forbidding)
