"""Sessions: Redis alone has them, until they end; who is signed in when it is lost signs in again.

A Redis that was started anew, or a replica that has taken over, may lack that a session was ended. So each is
good in that life of Redis alone in which it was opened, as told by `master_replid`: one that a server had
before it was a replica does not come back.
"""

from typing import cast

import redis

from jobs.contract import names
from jobs.contract.access.owners import digest_of
from jobs.contract.access.sessions import Session
from jobs.contract.models import utc_now
from jobs.contract.settings import LONGEST_SESSION_HOURS
from jobs.storage.lives import Lives
from jobs.storage.unreadable import readable

#: Seconds after which the list of an owner's sessions has none any more: no session may last longer.
_LONGEST_S = LONGEST_SESSION_HOURS * 3600


class Sessions:
    """Keeps sessions; safe to use from many threads.

    Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._lives = Lives(client, "replication", "master_replid")

    def begin(self, session: Session, most: int) -> None:
        """Keep a session until it ends; of its caller's, `most` at the same time: the first to end go."""
        listed = names.sessions_key(session.owner)
        session = session.model_copy(update={"life": self._lives.noted()})
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(names.session_key(session.digest), session.model_dump_json(), exat=session.ends_at)
            pipe.zremrangebyscore(listed, "-inf", utc_now().timestamp())
            pipe.zadd(listed, {session.digest: session.ends_at.timestamp()})
            # Not with this session: others, made when EVA01_SESSION_HOURS was longer, may last longer.
            pipe.expire(listed, _LONGEST_S)
            pipe.execute()
        same = [one.digest for one in self.of(session.owner) if one.name == session.name]
        self._end(session.owner, same[:-most])

    def find(self, token: str) -> Session | None:
        """The session whose token this is; None when there is none, or it is over."""
        return self._known(digest_of(token))

    def of(self, owner: str) -> list[Session]:
        """An owner's sessions, the first to end first."""
        digests = cast(list[str], self._redis.zrange(names.sessions_key(owner), 0, -1))
        return [session for digest in digests if (session := self._known(digest))]

    def end(self, session: Session) -> None:
        """End a session; ending it twice changes nothing."""
        self._end(session.owner, [session.digest])

    def end_all(self, owner: str, name: str | None = None) -> int:
        """End an owner's sessions, or only those of one caller's name; gives how many there were."""
        ended = [session.digest for session in self.of(owner) if name in (None, session.name)]
        self._end(owner, ended)
        return len(ended)

    def _known(self, digest: str) -> Session | None:
        key = names.session_key(digest)
        life, (text,) = self._lives.read(key)
        found = readable("session", key, lambda: Session.model_validate_json(text)) if text else None
        is_good = found is not None and life and found.life == life and not found.is_over(utc_now())
        return found if is_good else None

    def _end(self, owner: str, digests: list[str]) -> None:
        if not digests:
            return
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*map(names.session_key, digests))
            pipe.zrem(names.sessions_key(owner), *digests)
            pipe.execute()
