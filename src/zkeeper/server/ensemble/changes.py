"""Changes of the membership at a leader: planned, proposed, committed (quorum, sections 16.2 to 16.4).

1. One change is on its way at a time. Its membership is the last seen one before its transaction is in any log.
2. It, and what is proposed while it is on its way, needs a quorum of the old membership and one of the new.
3. Once it is committed one of the new is enough, also for what was proposed before: a quorum of the old one has logged
   the change, so whoever is elected from now on has it, too, and needs the votes of the new one.
"""

from collections.abc import Callable, Set
from typing import final

from zkeeper.pipeline.requests import ReconfigRequest
from zkeeper.quorum.acks import Acks
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.reconfiguration import ReconfigArguments, designated_leader, new_membership
from zkeeper.server.ensemble.context import EnsembleContext


@final
class Changes:
    """The `Reconfigurer` of a leader's service. `synced` are the leader and the followers that are in step."""

    def __init__(self, context: EnsembleContext, acks: Acks, synced: Callable[[], Set[int]]) -> None:
        self._context = context
        self._acks = acks
        self._synced = synced
        self._planned: Membership | None = None
        self._proposed: Membership | None = None

    def plan(self, request: ReconfigRequest, zxid: int) -> bytes:
        context = self._context
        arguments = ReconfigArguments(
            _text(request.joining), _text(request.leaving), _text(request.new_members), int(request.config_id)
        )
        self._planned = new_membership(
            context.memberships, arguments, zxid, self._synced(), context.least_participants, context.is_multi_address
        )
        return self._planned.text().encode()

    def begin(self) -> None:
        assert self._planned is not None, "a change is planned before it begins"
        memberships = self._context.memberships
        memberships.set_last_seen(self._planned)
        self._acks.begin_span(self._planned.version, memberships.verifiers())
        self._proposed, self._planned = self._planned, None

    def proposed_at(self, zxid: int) -> Membership | None:
        """The membership that the transaction proposes, if it proposes one."""
        proposed = self._proposed
        return proposed if proposed is not None and proposed.version == zxid else None

    def committed(self, new: Membership, last_proposed: int) -> int:
        """Counts by `new` from now on (rule 3). The server that is to lead under it."""
        designated = self._designate(new, last_proposed)
        self._acks.begin_span(new.version + 1, [new.verifier])
        self._proposed = None
        return designated

    def _designate(self, new: Membership, last_proposed: int) -> int:
        memberships, zxid = self._context.memberships, new.version
        voters = [verifier.participants for verifier in memberships.verifiers()]
        later = [[self._acked_by(zxid) & sids for sids in voters] for zxid in range(zxid + 1, last_proposed + 1)]
        return designated_leader(self._context.sid, memberships.committed, new, self._acked_by(zxid), later)

    def _acked_by(self, zxid: int) -> frozenset[int]:
        return frozenset(self._acks.acked_by(zxid))


def _text(field: bytes | None) -> str | None:
    return None if field is None else field.decode("utf-8", "replace")
