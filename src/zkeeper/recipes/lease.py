"""Something that one holder has for a time, whether it is connected or not."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from zkeeper import OPEN_ACL, Acl, AsyncClient, Transaction, insist
from zkeeper.arguments import number
from zkeeper.errors import PASSING, NoNodeError, TransactionFailed

from .errors import ForeignDataError, LockLostError
from .held import Held
from .lock import Lock
from .names import Layout
from .patience import persist
from .znodes import join

MAX_DURATION_S = 1_000_000_000.0
"""Some 30 years."""

_VERSION = 1
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


class LeaseHolder(NamedTuple):
    """Who has a lease, and until when, by the clock that the lease was made with; to the second.

    Example:
        holder = await lease.holder()
        if holder is not None:
            print(holder.identifier, "until", holder.end)
    """

    identifier: str
    end: datetime


class Lease:
    """A lease for `duration_s` seconds, at least one. Who has it may renew it; others get it when it has run out.

        if await Lease(zk, "/leases/cleanup", 3600, "host-1").obtain():
            await clean_up()

    Promises: of all who use zkeeper, nobody obtains it while another's has not run out, by the clock of the servers:
    the clients' clocks play no part. Among several servers, and with kazoo, whose clients use their own clocks, it is
    as exact as those clocks agree. It does not end with a session. After a lost connection `obtain` finds out whether
    the lease is had.

    Does not promise that the holder has stopped when its time is over; nothing is cancelled. All methods raise
    `ForeignDataError`, which names the znode, for a record that is no lease's.

    On the wire it is kazoo's `NonBlockingLease`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, duration_s: float, identifier: str, *, acl: Sequence[Acl] = OPEN_ACL
    ) -> None:
        self.path = path
        self.duration_s = number("duration_s", duration_s, 1, MAX_DURATION_S)
        self.identifier = identifier
        self._zk = zk
        self._acl = acl
        self._lock = Lock(zk, path, identifier=identifier, layout=Layout.KAZOO, acl=acl)

    async def obtain(self) -> bool:
        """Obtains or renews it; False if another has it. Waits for others who are just asking, not for the lease."""
        while True:
            # Asking again does no harm: who has it already renews it.
            with suppress(LockLostError):
                async with self._lock as held:
                    return await insist(lambda: self._obtain(held))

    async def give_back(self) -> bool:
        """Ends it before its time; False if it is another's or nobody's."""
        async with self._lock as held:
            while True:
                found = await self._read()
                if found is None or found.holder != self.identifier:
                    return False
                with suppress(*PASSING):
                    await _commit(held, held.check(self._zk.transaction()).delete(self._holder_path, found.version))
                    return True

    async def holder(self) -> LeaseHolder | None:
        """Who has it; the time may be over."""
        found = await self._read()
        return LeaseHolder(found.holder, found.end) if found else None

    @property
    def _holder_path(self) -> str:
        return join(self.path, "lease_holder")

    async def _obtain(self, held: Held) -> bool:
        now = _time((await self._zk.set(held.path, self.identifier.encode())).mtime_ms)
        found = await self._read()
        if found is not None and not found.is_free_for(self.identifier, now):
            return False
        data = self._encode(now + timedelta(seconds=self.duration_s))
        transaction = held.check(self._zk.transaction())
        if found is None:
            transaction.create(self._holder_path, data, acl=self._acl)
        else:
            transaction.set(self._holder_path, data, found.version)
        await _commit(held, transaction)
        return True

    async def _read(self) -> "_Record | None":
        try:
            data, stat, _ = await persist(lambda: self._zk.get(self._holder_path))
        except NoNodeError:
            return None
        try:
            return _record_of(json.loads(data), stat.version)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForeignDataError(self._holder_path, data, "the record of a lease") from error

    def _encode(self, end: datetime) -> bytes:
        record = {"version": _VERSION, "holder": self.identifier, "end": end.strftime(_TIME_FORMAT)}
        return json.dumps(record).encode()


class _Record(NamedTuple):
    holder: str
    end: datetime
    version: int
    is_known: bool = True
    """Whether the format is one that may be replaced. A later one is for later programs."""

    def is_free_for(self, identifier: str, now: datetime) -> bool:
        return self.is_known and (self.holder == identifier or now >= self.end)


def _record_of(record: Any, version: int) -> _Record:
    """Raises one error or another if it is none."""
    if record["version"] != _VERSION:
        return _Record(str(record.get("holder")), datetime.max.replace(tzinfo=UTC), version, is_known=False)
    end = datetime.strptime(record["end"], _TIME_FORMAT).replace(tzinfo=UTC)
    return _Record(str(record["holder"]), end, version)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def _commit(held: Held, transaction: Transaction) -> None:
    try:
        await transaction.commit()
    except TransactionFailed as failed:
        # Nobody else writes while the lock is held, so it is not any more.
        raise LockLostError(f"{held.path} was lost while it was held") from failed
