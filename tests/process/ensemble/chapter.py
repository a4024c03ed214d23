"""A chapter of a soak: clients at work below a root of its own, one fault after the other, and then the judgement.

1. A chapter begins and ends with all members serving; what is judged is complete then.
2. After each fault the ensemble must serve again, and acknowledge writes, within `RECOVERY_DEADLINE_S`.
3. Reads behind a sync are linearizable, but for Java's: a leader there answers a sync from what it knows, even if it
   has been replaced meanwhile, as it may have after a pause. `is_sync_strong` says what to expect.
4. Judged are: the history of the clients (`zkeeper.testing.history`), with what each member shows in the end as synced
   reads; the logs, which must not disagree on any zxid; the trees and digests of the members, which must be equal; and
   that no ephemeral has outlived its session.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from interop.ensembles.agreement import check_digests, held_by
from interop.ensembles.ensemble import Ensemble
from interop.wire_session import STAT_FIELDS, WireSession
from simulation.codec import Cursor, buffer, i32
from simulation.history import Violation
from simulation.log_files import Entry
from zkeeper.testing.history import History, Outcome, Seen, Undecided, check, read

from .clients import ERROR, MULTI, Client
from .faults import Faults, under

CLIENTS = 6
FAULTS = 4
CALM_S = (0.5, 2.0)
PROGRESS = 10
"""So many more writes must be acknowledged after each fault."""
RECOVERY_DEADLINE_S = 60.0
POLL_S = 0.05
SESSION_TIMEOUT_MS = 20_000

Tell = Callable[[str], None]


class Chapter:
    """`run` returns what there was, or raises what was wrong."""

    def __init__(
        self, number: int, rng: random.Random, ensemble: Ensemble, faults: Faults, is_sync_strong: bool, tell: Tell
    ) -> None:
        self._random = rng
        self._ensemble = ensemble
        self._faults = faults
        self._tell = tell
        self._root = f"/c{number}"
        self.history = History(time.monotonic)
        self.counts: Counter[str] = Counter()
        self.longest_recovery_s = 0.0
        self._mishaps: list[object] = []
        ports = [member.address.client for member in ensemble.members.values()]
        self._clients = [
            Client(name, random.Random(rng.randbytes(8)), self.history, ports, self._root, is_sync_strong)
            for name in (f"{letter}{number}" for letter in "abcdefghij"[:CLIENTS])
        ]

    async def run(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._note_mishap(context))
        first_zxid = await asyncio.to_thread(self._open)
        tasks = [asyncio.create_task(client.run()) for client in self._clients]
        try:
            for _ in range(FAULTS):
                await asyncio.sleep(self._random.uniform(*CALM_S))
                await self._fault(tasks)
            for client in self._clients:
                client.leave()
            await asyncio.wait_for(asyncio.gather(*tasks), RECOVERY_DEADLINE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._judge, first_zxid)

    def _note_mishap(self, context: dict[str, Any]) -> None:
        """A reply that is no answer to what was asked next, for one."""
        self._mishaps.append(context.get("exception") or context["message"])

    def _check_mishaps(self) -> None:
        if self._mishaps:
            raise Violation(f"a client broke off: {self._mishaps[0]!r}")

    def _open(self) -> int:
        """Makes the root; returns the zxid that the ensemble had then."""
        zxid = self._ensemble.await_equal()
        session = WireSession(self._ensemble.leader.server, SESSION_TIMEOUT_MS)
        session.create(self._root)
        session.close()
        return zxid

    # Faults.

    async def _fault(self, tasks: list[asyncio.Task[None]]) -> None:
        name, fault, lasts_s = self._faults.draw()
        self.counts[name] += 1
        context = under(fault)
        told = await asyncio.to_thread(context.__enter__)
        self._tell(f"{self._root} {name} for {lasts_s:.1f} s: {told}")
        await asyncio.sleep(lasts_s)
        await asyncio.to_thread(context.__exit__, None, None, None)
        await self._recover(tasks)

    async def _recover(self, tasks: list[asyncio.Task[None]]) -> None:
        began_s, wanted = time.monotonic(), self._acknowledged() + PROGRESS
        await asyncio.to_thread(self._ensemble.await_service)
        while self._acknowledged() < wanted:
            self._check_mishaps()
            for task in tasks:
                if task.done():
                    task.result()
            if time.monotonic() - began_s > RECOVERY_DEADLINE_S:
                raise Violation(f"no write was acknowledged after the fault: {self._ensemble.describe()}")
            await asyncio.sleep(POLL_S)
        self.longest_recovery_s = max(self.longest_recovery_s, time.monotonic() - began_s)

    def _acknowledged(self) -> int:
        return sum(client.acknowledged for client in self._clients)

    # The judgement.

    def _judge(self, first_zxid: int) -> None:
        self._check_mishaps()
        self._ensemble.await_equal()
        self._read_all()
        committed = self._check_logs(first_zxid)
        try:
            self.counts += check(self.history, committed=committed)
        except Undecided:
            self.counts["chapters undecided"] += 1
        check_digests(self._ensemble)
        self._count()

    def _read_all(self) -> None:
        """What each member has in the end, as synced reads of sessions of their own; the members must agree."""
        asked_at = time.monotonic()
        seen = {member: held_by(member, self._root) for member in self._ensemble.running}
        owner = STAT_FIELDS.index("ephemeralOwner")
        for member, held in seen.items():
            if held != next(iter(seen.values())):
                raise Violation(f"{member} has another tree than the others below {self._root}: {seen}")
            if left := [path for path, (_, stat) in held.items() if stat[owner]]:
                raise Violation(f"{member} has ephemerals of sessions that are over: {left}")
            for path in {*held, *(path for one in self.history.operations for path in one.paths if path)}:
                self._note_read(f"end of {member}", path, held.get(path), asked_at)

    def _note_read(
        self, session: str, path: str, held: "tuple[bytes | None, tuple[int, ...]] | None", at: float
    ) -> None:
        call = self.history.invoke(session, read(path), is_synced=True, at=at)
        if held is None:
            self.history.ok(call, None)
            return
        data, stat = held
        fields = dict(zip(STAT_FIELDS, stat, strict=True))
        self.history.ok(call, Seen(fields["version"], data, fields["mzxid"]))

    def _check_logs(self, first_zxid: int) -> set[int]:
        """The zxids of all transactions in anybody's log; no two logs may disagree on one.

        A log may also hold what was never committed, and its member has been given a snapshot since.
        """
        entries: dict[int, Entry] = {}
        for member in self._ensemble.running:
            for entry in map(canonical, member.logged(first_zxid)):
                if entries.setdefault(entry.zxid, entry) != entry:
                    raise Violation(f"{member} has {entry}, another member {entries[entry.zxid]}")
        self.counts["transactions"] += len(entries)
        return set(entries)

    def _count(self) -> None:
        operations = self.history.operations
        self.counts["operations"] += len(operations)
        self.counts["outcomes unknown"] += sum(one.outcome is Outcome.UNKNOWN for one in operations)
        self.counts["sessions"] += len(self.history.delivered)


def canonical(entry: Entry) -> Entry:
    """The entry, with one form for multis that failed: all their parts have the type of an error.

    Java's servers write their parts with the types as they were asked for, or, if they have applied the transaction
    before they write it, with that of an error.
    """
    if entry.kind != MULTI:
        return entry
    cursor = Cursor(entry.body)
    parts = [(cursor.i32(), cursor.buffer()) for _ in range(cursor.i32())]
    if ERROR not in [kind for kind, _ in parts]:
        return entry
    body = i32(len(parts)) + b"".join(i32(ERROR) + buffer(data) for _, data in parts)
    return entry._replace(body=body + entry.body[cursor.position :])
