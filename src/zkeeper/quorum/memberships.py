"""The two memberships that a server keeps: the committed one and the last seen (quorum, sections 2.3, 16.5 and 16.6).

1. The last seen one is the committed one, or a newer one that was proposed and is not known to be committed.
2. While it is newer, whatever needs a quorum needs one of each.
3. What has to outlive a crash is handed to `MembershipFiles` at the moment it changes.
"""

from collections.abc import Set
from typing import Final, Protocol, final

from zkeeper.quorum.members import ClientAddress, Member
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.verifiers import Verifier

INITIAL_VERSION: Final = 0


class MembershipFiles(Protocol):
    """Where memberships become durable, in the order of the calls."""

    def write_next(self, membership: Membership) -> None:
        """One was proposed: a restart has to know it as the last seen."""
        ...

    def activate(self, membership: Membership) -> None:
        """One was committed: a restart has to begin with it."""
        ...

    def remove_next(self) -> None:
        """The last seen one is the committed one."""
        ...


@final
class Memberships:
    """`committed` and `last_seen` of one server."""

    def __init__(
        self, committed: Membership, last_seen: Membership, is_reconfig_enabled: bool, files: MembershipFiles
    ) -> None:
        self.committed = committed
        self.last_seen = last_seen if last_seen.version > committed.version else committed
        self.is_reconfig_enabled = is_reconfig_enabled
        self._files = files

    @property
    def is_pending(self) -> bool:
        """Whether a newer membership was proposed and is not known to be committed."""
        return self.last_seen.version > self.committed.version

    def verifiers(self) -> list[Verifier]:
        """Those of which each must have a quorum."""
        pending = [self.last_seen.verifier] if self.is_pending else []
        return [self.committed.verifier, *pending]

    def has_quorum(self, sids: Set[int]) -> bool:
        return self.committed.verifier.contains_quorum(sids) and (
            not self.is_pending or self.last_seen.verifier.contains_quorum(sids)
        )

    def voters(self) -> frozenset[int]:
        """Who votes now or will, if what was proposed is committed."""
        return self.committed.participants | self.last_seen.participants

    def newcomers(self) -> list[Member]:
        """Members of the last seen membership that are unknown to the committed one."""
        return [member for sid, member in self.last_seen.members.items() if sid not in self.committed.members]

    def set_last_seen(self, membership: Membership) -> bool:
        """Takes a membership that was proposed; says whether it is another one than before.

        An older one than the last seen is taken, too: what was proposed after it is lost with its leader. One that is
        older than the committed one is not. Without reconfig nothing is taken.
        """
        is_known = membership.version == self.last_seen.version
        if not self.is_reconfig_enabled or is_known or membership.version < self.committed.version:
            return False
        self.last_seen = membership
        if self.is_pending:
            self._files.write_next(membership)
        else:
            self._files.remove_next()
        return True

    def set_committed(self, membership: Membership) -> bool:
        """Takes a membership that was committed; says whether it is newer than the one before."""
        if membership.version <= self.committed.version:
            return False
        self.committed = membership
        if membership.version > self.last_seen.version:
            self.last_seen = membership
        self._files.activate(membership)
        if not self.is_pending:
            self._files.remove_next()
        return True

    def renumber(self, version: int) -> bool:
        """The first leader with reconfig gives a version to memberships that have none yet (section 7.3, step 4)."""
        if self.committed.version != INITIAL_VERSION or self.last_seen.version != INITIAL_VERSION:
            return False
        return self.set_last_seen(self.committed.with_version(version))


@final
class Activation:
    """What follows for a server from a membership that was committed.

    `is_major_change`: its role or its leader changes, so it has to leave its role. `skips_election`: it goes to the
    next role without an election, under `leader`. `client` is its new client address, `None` when that stays.
    """

    def __init__(
        self,
        is_taken: bool = False,
        is_other: bool = False,
        is_observer: bool = False,
        is_major_change: bool = False,
        skips_election: bool = False,
        leader: int | None = None,
        client: ClientAddress | None = None,
    ) -> None:
        self.is_taken = is_taken
        self.is_other = is_other
        self.is_observer = is_observer
        self.is_major_change = is_major_change
        self.skips_election = skips_election
        self.leader = leader
        self.client = client


def process_reconfig(
    memberships: Memberships, new: Membership, my_sid: int, is_observer: bool, leader: int, designated: int | None
) -> Activation:
    """Takes `new` as committed and says what follows (section 16.5).

    `is_observer` is what this server is so far, `leader` whom its current vote names, `designated` the leader that the
    old one chose, if it did. Without reconfig nothing happens.
    """
    old = memberships.committed
    if not memberships.is_reconfig_enabled or not memberships.set_committed(new):
        return Activation(is_observer=is_observer)
    if new.same_as(old):
        return Activation(is_taken=True, is_observer=is_observer)
    becomes_observer = my_sid in new.observers
    is_role_change = becomes_observer != is_observer
    is_leader_change = _is_other_leader(old, new, leader) if designated is None else designated != leader
    is_major_change = is_role_change or is_leader_change
    return Activation(
        is_taken=True,
        is_other=True,
        is_observer=becomes_observer,
        is_major_change=is_major_change,
        skips_election=is_major_change and designated is not None,
        leader=designated if designated is not None else leader,
        client=_new_client(old, new, my_sid),
    )


def _is_other_leader(old: Membership, new: Membership, leader: int) -> bool:
    """A leader stays one, without being designated, as a participant who is found where it was."""
    if leader not in old.participants or leader not in new.participants:
        return True
    return old.members[leader].quorum_addresses != new.members[leader].quorum_addresses


def _new_client(old: Membership, new: Membership, my_sid: int) -> ClientAddress | None:
    before, after = old.members.get(my_sid), new.members.get(my_sid)
    client = after.client if after is not None else None
    return client if before is None or before.client != client else None
