"""What a leader sends to all its learners, encoded once: proposals and commits for followers, informs for observers.

1. A proposal goes into the leader's log and to the followers in the same order, and before its commit.
2. What is written here before a learner joins is not for it: `take` is called first.
"""

from typing import final

from librt.strings import BytesWriter
from mypy_extensions import i64

from zkeeper.wire.log_entry import EntryBatch
from zkeeper.wire.quorum_bodies import activation_bytes
from zkeeper.wire.quorum_packets import (
    COMMIT,
    COMMIT_AND_ACTIVATE,
    INFORM,
    INFORM_AND_ACTIVATE,
    PROPOSAL,
    write_packet,
)


@final
class ProposalSizes:
    """In bytes, of a leader's transactions; -1 before the first."""

    last: i64
    least: i64
    most: i64

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.last = -1
        self.least = -1
        self.most = -1

    def add(self, size_bytes: i64) -> None:
        self.last = size_bytes
        if size_bytes > self.most:
            self.most = size_bytes
        if self.least < 0 or size_bytes < self.least:
            self.least = size_bytes


@final
class Broadcast:
    """The sink of a leader's transactions; `batch` is that of its log."""

    def __init__(self, batch: EntryBatch, last_zxid: i64) -> None:
        self.last_proposed: i64 = last_zxid
        self.sizes = ProposalSizes()
        self._batch = batch
        self._for_followers = BytesWriter()
        self._for_observers = BytesWriter()

    def append(self, zxid: int, payload: bytes) -> bool:
        """True for the first of what is to be sent or logged."""
        self.last_proposed = zxid
        self.sizes.add(len(payload))
        is_first = len(self._for_followers) == 0
        write_packet(self._for_followers, PROPOSAL, zxid, payload)
        return self._batch.append(zxid, payload) or is_first

    def commit(self, first_zxid: i64, last_zxid: i64) -> None:
        """Tells the followers that these are committed."""
        zxid = first_zxid
        while zxid <= last_zxid:
            write_packet(self._for_followers, COMMIT, zxid)
            zxid += 1

    def activate(self, zxid: i64, payload: bytes, designated_leader: i64) -> None:
        """Tells all of them that a change of the membership is committed, and who is to lead under the new one."""
        write_packet(self._for_followers, COMMIT_AND_ACTIVATE, zxid, activation_bytes(designated_leader))
        write_packet(self._for_observers, INFORM_AND_ACTIVATE, zxid, activation_bytes(designated_leader, payload))

    def inform(self, zxid: i64, payload: bytes) -> None:
        """Tells the observers of a transaction that is committed."""
        write_packet(self._for_observers, INFORM, zxid, payload)

    def take_for_followers(self) -> bytes:
        data = self._for_followers.getvalue()
        self._for_followers = BytesWriter()
        return data

    def take_for_observers(self) -> bytes:
        data = self._for_observers.getvalue()
        self._for_observers = BytesWriter()
        return data
