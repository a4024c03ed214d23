"""What the clients of a life saw and sent, and its judgement when the life is over.

1. `judge` comes after the kill and before the next start: then nothing more comes, and the logs stand still.
2. A write that was acknowledged is in the logs under the zxid in its reply, with the answer that the model has for it.
   One without a reply is there as a whole or not at all, a multi too.
3. A read shows exactly the state after the zxid in its reply. The walk through the tree that follows each recovery is
   made of reads, so what recovered equals the model: every znode and Stat, and ephemerals of living sessions alone.
4. What a log had once is never changed. Zxids have no gaps, and no client sees one that is lower than one before.
5. No two creates are given the same sequential name under a parent that is never deleted.
6. A session that a client was told is over has ended in the logs before whatever was written afterwards.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from simulation.history import Violation
from simulation.log_files import Entry, parse
from simulation.model import OK, Answer, Model, read
from simulation.raw_client import RawClient, Reply, Sent
from simulation.replay import Replay
from simulation.requests import SEQUENTIAL, Create, Multi

from .workload import PARENTS


class Witness:
    """Clients fill `sent`, `clients` and `refused`; `counts` tells what there was."""

    def __init__(self, logs: Path) -> None:
        self.sent: dict[tuple[int, int], Sent] = {}
        self.clients: list[RawClient] = []
        self.refused: list[tuple[int, float]] = []
        """Sessions that could not be resumed in this life, and when that was."""
        self.counts: Counter[str] = Counter()
        self.replay = Replay(Model(has_extended_types=True), self.sent)
        self._logs = logs
        self._known: dict[int, Entry] = {}
        self._names: set[str] = set()

    @property
    def last_zxid(self) -> int:
        return self.replay.model.zxid

    def judge(self) -> None:
        """Raises `Violation`, or forgets the life that is over."""
        replies = [frame for client in self.clients for frame in client.frames if isinstance(frame, Reply)]
        self._check_order()
        writes = self._by_zxid(replies)
        reads: dict[int, list[Reply]] = defaultdict(list)
        for reply in replies:
            if not reply.sent.request.is_write:
                reads[reply.zxid].append(reply)
        self._check_reads(reads)
        for entry in self._new_entries():
            self._check_entry(entry, writes)
            self._check_reads(reads)
        if writes or reads:
            seen = sorted({*writes, *reads})
            raise Violation(f"replies tell zxids {seen[0]} to {seen[-1]}; the logs end at {self.last_zxid}")
        self._check_refused(replies)
        self._forget(replies)

    # Replies.

    def _check_order(self) -> None:
        for client in self.clients:
            zxids = [frame.zxid for frame in client.frames]
            if zxids != sorted(zxids):
                raise Violation(f"zxids went back on the connection of session 0x{client.session.session_id:x}")

    def _by_zxid(self, replies: list[Reply]) -> dict[int, Reply]:
        writes: dict[int, Reply] = {}
        for reply in replies:
            if reply.sent.request.is_write:
                other = writes.setdefault(reply.zxid, reply)
                if other is not reply:
                    raise Violation(f"{reply.sent} and {other.sent} were both acknowledged at zxid {reply.zxid}")
        return writes

    def _check_reads(self, reads: dict[int, list[Reply]]) -> None:
        model = self.replay.model
        for reply in reads.pop(model.zxid, ()):
            self._check_answer(reply, read(model.nodes, reply.sent.session_id, reply.sent.request))
            self.counts["reads"] += 1

    def _check_answer(self, reply: Reply, expected: Answer) -> None:
        if (reply.code, reply.value) != expected:
            found = f"{reply.code}, {reply.value}"
            raise Violation(f"{reply.sent} got {found} at zxid {reply.zxid}; the model says {expected}")

    # Transactions.

    def _check_entry(self, entry: Entry, writes: dict[int, Reply]) -> None:
        reply = writes.pop(entry.zxid, None)
        applied = self.replay.apply(entry)
        self.counts["transactions"] += 1
        if applied is None:
            if reply is not None:
                raise Violation(f"{reply.sent} was acknowledged at zxid {entry.zxid}; there is {entry}")
            return
        sent, answer = applied
        if sent.reply is None:
            self.counts["writes unknown that lasted"] += 1
        elif sent.reply is not reply:
            raise Violation(f"{sent} was acknowledged at zxid {sent.reply.zxid} and is at {entry.zxid}")
        else:
            self._check_answer(reply, answer)
            self._check_names(sent, answer)

    def _check_names(self, sent: Sent, answer: Answer) -> None:
        for name in sequential_names(sent, answer):
            if name in self._names:
                raise Violation(f"{name} was given a second time, to {sent}")
            self._names.add(name)

    def _new_entries(self) -> Iterator[Entry]:
        found = self._read_logs()
        for zxid, entry in found.items():
            if self._known.get(zxid, entry) != entry:
                raise Violation(f"zxid {zxid} was {self._known[zxid]} and is now {entry}")
        first = self.last_zxid + 1
        if found and max(found) >= first and sorted(z for z in found if z >= first) != [*range(first, max(found) + 1)]:
            raise Violation(f"the logs have gaps after zxid {self.last_zxid}")
        self._known = found
        return (found[zxid] for zxid in range(first, max(found, default=0) + 1))

    def _read_logs(self) -> dict[int, Entry]:
        """What is in the logs that may hold new entries, which is also some that is known."""
        starts = {int(path.name[4:], 16): path for path in self._logs.glob("log.*")}
        begin = max((zxid for zxid in starts if zxid <= self.last_zxid), default=0)
        found: dict[int, Entry] = {}
        for zxid in sorted(starts):
            for entry in parse(starts[zxid].read_bytes()) if zxid >= begin else ():
                if entry.zxid in found:
                    raise Violation(f"zxid {entry.zxid} is in the logs twice")
                found[entry.zxid] = entry
        return found

    # Sessions.

    def _check_refused(self, replies: list[Reply]) -> None:
        for client in self.clients:
            session_id = client.session.session_id
            if session_id and session_id not in self.replay.opened:
                raise Violation(f"session 0x{session_id:x} was given out, but did not last")
        for session_id, refused_s in self.refused:
            later = [reply.zxid for reply in replies if reply.sent.request.is_write and reply.sent.sent_s > refused_s]
            if later and self.replay.closed.get(session_id, max(later)) >= min(later):
                raise Violation(f"session 0x{session_id:x} was said to be over, and lived at zxid {min(later)}")

    def _forget(self, replies: list[Reply]) -> None:
        writes = sum(1 for reply in replies if reply.sent.request.is_write)
        self.counts["writes acknowledged"] += writes
        self.counts["writes unknown"] += sum(sent.request.is_write for each in self.clients for sent in each.pending)
        self.counts["connections"] += len(self.clients)
        self.counts["sessions refused"] += len(self.refused)
        self.sent.clear()
        self.clients.clear()
        self.refused.clear()
        self.replay.fired.clear()


def sequential_names(sent: Sent, answer: Answer) -> list[str]:
    """The names that a write was given under the lasting parents."""
    if answer.code != OK:
        return []
    pairs: list[tuple[object, object]] = [(sent.request, answer.value)]
    if isinstance(sent.request, Multi):
        assert isinstance(answer.value, list)
        pairs = [(request, value) for request, (_, _, value) in zip(sent.request.operations, answer.value, strict=True)]
    return [
        value if isinstance(value, str) else value[0]
        for request, value in pairs
        if isinstance(request, Create) and request.flags & SEQUENTIAL and isinstance(value, (str, tuple))
        if request.path.rpartition("/")[0] in PARENTS
    ]
