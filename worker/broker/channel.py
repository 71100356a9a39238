"""kombu's channel to Redis, made patient with one that is there and refuses.

By itself a refused command ends Celery's consumer, and with it the worker and its model. Here it is noted,
no more tickets are taken, and what was refused is done again every second:

    taking a ticket          refused ──► no more are taken
    noting that it is held   refused ──► the ticket is put back
    letting go of one        refused ──► done later; its lease is renewed until then
    giving one back          refused ──► left to its lease, which runs out

The last two are so as well where the connection is lost just then: Celery would forget that the job is done,
and the worker, which lives, renew the lease for ever. Nor does a lost connection send back what slots work
on: the next one renews its lease, and it runs once.

A full Redis lets a ticket be taken and not be noted, so it is asked before. A ticket that cannot even be put
back is lost; the reconciler sends another.

Nor does Celery see what is no ticket (worker/broker/tickets.py): that is put aside, as is what lies among
those that are held.
"""

import time
from collections.abc import Callable
from queue import Empty
from typing import Any

import redis
from kombu.transport.redis import Channel, QoS, SentinelChannel, SentinelTransport, Transport
from kombu.transport.virtual import QoS as VirtualQoS
from kombu.utils.json import dumps

from jobs.contract.refusals import Refusal, is_wrong_type
from jobs.storage.connection.client import MasterConnection, check_writes
from jobs.storage.tickets.leases import HOLDERS_FIRST, Leases
from jobs.storage.tickets.queue import put_back
from worker.broker.in_hand import InHand
from worker.broker.tickets import NoTicket, Ticket
from worker.broker.unreadable import Unreadable
from worker.ops.trouble import Trouble

#: The part of a worker that this is, to its `Trouble`.
PART = "queue"
#: Seconds between two tries of what was refused.
RETRY_S = 1.0
#: Where a message that is no ticket was met, when nobody had just taken it.
_HELD = "among those that are held"


class Refused(Empty):
    """Raised when Redis refuses a ticket; to kombu, as if there were none."""


class PatientQoS(QoS):
    """What is held, and what Redis has refused to note of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_refused = False
        self._late_acks: list[str] = []
        self._let_holders_renew()

    def held(self) -> set[str]:
        """The numbers of those that are neither let go of nor given back."""
        numbers: set[str] = {*self._delivered} - self._dirty
        return numbers

    def can_consume(self) -> bool:
        """False while something that was refused is still to be done, or nothing could be answered.

        What Redis was asked for before that is still read: a ticket that stayed in a connection would be
        counted by nobody.
        """
        may_read = self.channel.may_take() or bool(self.channel._in_poll)
        return not self._is_refused and may_read and super().can_consume()

    def refuse(self, error: redis.ResponseError) -> None:
        """Take no more tickets until Redis is well.

        Raises `error` where that is no refusal but a fault.
        """
        if Refusal.of(error) is None and not is_wrong_type(error):
            raise error
        self._is_refused = True
        self.channel.trouble.meet(PART, error)

    def go_on(self) -> None:
        """Note that Redis does what it is asked."""
        if not self._is_refused:
            self.channel.trouble.get_over(PART)

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note that a ticket is held.

        Raises Refused.
        """
        delivery = message.delivery_info
        held = dumps([message._raw, delivery["exchange"], delivery["routing_key"]])
        try:
            with self.channel.conn_or_acquire() as client:
                self.channel.leases.hold(client, delivery_tag, held)
        except redis.ResponseError as error:
            self.refuse(error)
            self._put_back(message)
            raise Refused from error
        VirtualQoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Let go of a ticket whose job is done."""
        try:
            super().ack(delivery_tag)
        except redis.RedisError as error:
            self._meet(error)
            self._late_acks.append(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a ticket back."""
        try:
            super().reject(delivery_tag, requeue)
        except redis.RedisError as error:
            self._meet(error)
            VirtualQoS.ack(self, delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Give back what is held when the connection is lost or closed, less what slots work on."""
        for number in self.channel.in_hand.numbers():
            self._delivered.pop(number, None)
        super().restore_unacked(client)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Bring one ticket back to its queue."""
        try:
            super().restore_by_tag(tag, client, leftmost)
        except redis.ResponseError as error:
            self.refuse(error)
        except (ValueError, TypeError):
            self._let_go_of_unreadable(tag)

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        """Bring back the tickets whose lease ran out; not before all that live had time to renew theirs."""
        if self._is_refused or time.monotonic() < self._sweep_at_s:
            return
        try:
            with self.channel.conn_or_acquire() as client:
                found = self.channel.leases.sweep(client)
        except redis.ResponseError as error:
            self.refuse(error)
        else:
            self.channel.unreadable.note(_HELD, found.unreadable)

    def try_again(self) -> bool:
        """Do what was refused or lost; True when all is done now, and was not before."""
        if not (self._is_refused or self._late_acks):
            return False
        try:
            with self.channel.conn_or_acquire() as client:
                check_writes(client)
            while self._late_acks:
                super().ack(self._late_acks[0])
                self._late_acks.pop(0)
        except redis.ResponseError as error:
            self.refuse(error)
            return False
        self._let_holders_renew()
        self._is_refused = False
        return True

    def _meet(self, error: redis.RedisError) -> None:
        """Note an error; a connection that is lost is noticed by whoever listens."""
        if isinstance(error, redis.ResponseError):
            self.refuse(error)

    def _let_go_of_unreadable(self, tag: str) -> None:
        """Put aside what is held under a number and is no ticket."""
        with self.channel.conn_or_acquire() as client:
            held = client.hget(self.unacked_key, tag)
            self._remove_from_indices(tag).execute()
            self.channel.unreadable.put(client, held or b"", _HELD)

    def _put_back(self, message: Any) -> None:
        try:
            with self.channel.conn_or_acquire() as client:
                put_back(client, message.delivery_info["routing_key"], dumps(message._raw))
        except redis.ResponseError as error:
            self.refuse(error)

    def _let_holders_renew(self) -> None:
        self._sweep_at_s = time.monotonic() + self.visibility_timeout * HOLDERS_FIRST


class _Patient:
    """The part of a channel that both kinds of them share."""

    QoS = PatientQoS
    qos: PatientQoS
    #: The worker's own come with the transport's options.
    trouble = Trouble()
    unreadable: Unreadable
    leases: Leases
    in_hand: InHand
    may_take: Callable[[], bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Raises redis.ConnectionError when Redis refuses: Celery tries to connect until it does not."""
        try:
            super().__init__(*args, **kwargs)
            with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
                check_writes(client)
        except redis.ResponseError as error:
            self.connection.cycle.discard(self)  # type: ignore[attr-defined]
            self._disconnect_pools()  # type: ignore[attr-defined]
            raise self._as_away(error) from error

    def _create_client(self, asynchronous: bool = False) -> Any:
        client = super()._create_client(asynchronous)  # type: ignore[misc]
        if asynchronous:
            client.set_response_callback("BRPOP", self._checked)
        return client

    def _checked(self, taken: Any) -> tuple[bytes, bytes] | None:
        """What was taken, as Celery is to see it; None, as if nothing had come, for all else."""
        if not taken:
            return None
        queue, message = taken
        with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
            if not self.may_take():
                put_back(client, queue.decode(), message)
                return None
            try:
                ticket = Ticket.read(message, self.unreadable.most_bytes)
                if client.hexists(self.unacked_key, ticket.number):  # type: ignore[attr-defined]
                    raise NoTicket("another of its number is held")
            except NoTicket as error:
                self.unreadable.put(client, message, str(error))
                return None
        return queue, ticket.message(queue.decode())

    def _queue_bind(self, *args: Any, **kwargs: Any) -> None:
        try:
            super()._queue_bind(*args, **kwargs)  # type: ignore[misc]
        except redis.ResponseError as error:
            raise self._as_away(error) from error

    def _brpop_start(self, timeout: float | None = None) -> None:
        if not self.may_take():
            return
        try:
            with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
                check_writes(client)
        except redis.ResponseError as error:
            self.qos.refuse(error)
        else:
            super()._brpop_start(timeout)  # type: ignore[misc]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            is_delivered = super()._brpop_read(**options)  # type: ignore[misc]
        except redis.ResponseError as error:
            self.qos.refuse(error)
            raise Refused from error
        except Refused:
            raise
        except Empty:
            self.qos.go_on()
            raise
        self.qos.go_on()
        return is_delivered

    def _as_away(self, error: redis.ResponseError) -> Exception:
        if Refusal.of(error) is None:
            return error
        self.trouble.meet(PART, error)
        return redis.ConnectionError(str(error))


_OPTIONS = ("trouble", "unreadable", "leases", "in_hand", "may_take")


class PatientChannel(_Patient, Channel):
    """A channel to one server."""

    from_transport_options = Channel.from_transport_options + _OPTIONS


class PatientMasterChannel(_Patient, SentinelChannel):
    """A channel to the master that sentinels know, on connections that notice when it changes."""

    from_transport_options = SentinelChannel.from_transport_options + _OPTIONS
    connection_class = MasterConnection


class ServerTransport(Transport):
    """kombu's transport to one server."""

    Channel = PatientChannel


class MasterTransport(SentinelTransport):
    """kombu's transport to the master that sentinels know."""

    Channel = PatientMasterChannel
