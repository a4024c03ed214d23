"""What a quorum has logged, from the ACKs of its members (quorum, section 9.2).

1. An ACK for a zxid says that everything before it is logged, too: logs are written in their order.
2. A transaction is committed when every verifier in force for it has a quorum; so is then everything before it.
3. `advance` stops at the first transaction of a span, which may be a change of membership, so that what it means is
   done before the next is committed.
4. While an oracle lets a leader go on alone, what its own log holds is committed.
5. What a server that has no vote says is remembered, since it may get one; it counts for nothing.
6. An ACK counts as long as the log holds what it was for. A server that joins anew may have to give up what it has
   acknowledged before, by a TRUNC or a SNAP; it is sent that again, and acknowledges it again.
"""

from typing import Final, final

from mypy_extensions import i64

from zkeeper.quorum.verifiers import Verifier, decides_for

NOBODY: Final = -1
NO_LIMIT: Final = 0x7FFFFFFFFFFFFFFF


@final
class Span:
    """The transactions from `first_zxid` on, and what has to agree to them."""

    def __init__(self, first_zxid: i64, verifiers: list[Verifier]) -> None:
        self.first_zxid: i64 = first_zxid
        self.verifiers = verifiers


@final
class Acks:
    """`committed_zxid` is the last that is committed; nothing up to it is asked about again. `alone` is the leader of
    rule 4, or `NOBODY`."""

    def __init__(self, committed_zxid: i64, verifiers: list[Verifier]) -> None:
        self.committed_zxid: i64 = committed_zxid
        self.alone = NOBODY
        self._acked: dict[int, int] = {}
        self._spans = [Span(committed_zxid + 1, verifiers)]

    def begin_span(self, first_zxid: i64, verifiers: list[Verifier]) -> None:
        """From `first_zxid` on, a change of membership or what follows one, other verifiers have to agree."""
        self._spans.append(Span(first_zxid, verifiers))

    def ack(self, sid: int, zxid: i64) -> None:
        """Takes that the log of `sid` holds everything up to `zxid`."""
        if zxid > self._acked.get(sid, -1):
            self._acked[sid] = zxid

    def withdraw(self, sid: int, zxid: i64) -> None:
        """Takes that the log of `sid` may hold nothing behind `zxid` any more (rule 6)."""
        if zxid < self._acked.get(sid, -1):
            self._acked[sid] = zxid

    def acked_by(self, zxid: i64) -> list[int]:
        """Who has logged the transaction."""
        return [sid for sid, acked in self._acked.items() if acked >= zxid]

    def advance(self, limit_zxid: i64 = NO_LIMIT) -> bool:
        """Moves `committed_zxid` as far as the ACKs allow, at most to `limit_zxid`, or to the next change of membership
        (rule 3)."""
        for zxid in self._candidates(limit_zxid):
            if zxid <= self.committed_zxid:
                return False
            if self._has_quorum(zxid):
                self._commit(zxid)
                return True
        return False

    def _candidates(self, limit_zxid: i64) -> list[int]:
        """What may be the last committed one, the highest first: where a log ends, what is before a span, the limit."""
        ends: set[int] = set()
        for acked in self._acked.values():
            ends.add(min(acked, limit_zxid))
        for span in self._spans[1:]:
            ends.add(min(span.first_zxid - 1, limit_zxid))
        return sorted(ends, reverse=True)

    def _has_quorum(self, zxid: i64) -> bool:
        span = self._spans[0]
        for later in self._spans[1:]:
            if later.first_zxid <= zxid:
                span = later
        agreed = frozenset(self.acked_by(zxid))
        return all(self._is_enough(verifier, agreed) for verifier in span.verifiers)

    def _is_enough(self, verifier: Verifier, agreed: frozenset[int]) -> bool:
        if self.alone in agreed and self.alone in verifier.participants and decides_for(verifier):
            return True
        return verifier.contains_quorum(verifier.participants & agreed)

    def _commit(self, zxid: i64) -> None:
        if len(self._spans) > 1 and self._spans[1].first_zxid <= zxid:
            zxid = self._spans[1].first_zxid
            self._spans.pop(0)
        self.committed_zxid = zxid
