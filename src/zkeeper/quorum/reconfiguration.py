"""Reconfig at the leader: what a request makes of the membership, or why it is refused (quorum, section 16).

The order of the checks is ZooKeeper's: `check_enabled`, then the session, then `new_membership`, then whether the
client may write `/zookeeper/config`.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Final, final

from zkeeper.errors import (
    BadArgumentsError,
    BadVersionError,
    MarshallingError,
    NewConfigNoQuorumError,
    ReconfigDisabledError,
    ReconfigInProgressError,
)
from zkeeper.quorum.members import LARGEST_SID, LEAST_SID, Member, parse_member
from zkeeper.quorum.membership import Membership, MembershipError, parse_number
from zkeeper.quorum.memberships import Memberships
from zkeeper.wire.addresses import canonical_address, parse_address

ANY_CONFIG: Final = -1

_SPECIAL: Final = (bytes(4), bytes(16), bytes(15) + b"\x01")


@final
class ReconfigArguments:
    """What a client asks for: servers that join and leave, or, when `new_members` is there, a whole membership."""

    def __init__(
        self,
        joining: str | None = None,
        leaving: str | None = None,
        new_members: str | None = None,
        config_id: int = ANY_CONFIG,
    ) -> None:
        self.joining = joining
        self.leaving = leaving
        self.new_members = new_members
        self.config_id = config_id


def check_enabled(memberships: Memberships) -> None:
    """Comes before all other checks."""
    if not memberships.is_reconfig_enabled:
        raise ReconfigDisabledError("reconfigEnabled is not true")


def new_membership(
    memberships: Memberships,
    arguments: ReconfigArguments,
    zxid: int,
    synced: Set[int],
    least_participants: int,
    allows_several_addresses: bool,
) -> Membership:
    """The membership to propose, whose version is the `zxid` of its transaction. Raises a `ZooKeeperError`.

    `synced` are the leader and the servers that follow it and are in step, voting or not; connected observers are not
    among them. `least_participants` is 2, or 1 with `standaloneEnabled=false`.
    """
    current = memberships.last_seen
    if memberships.is_pending:
        raise ReconfigInProgressError("the last reconfig is not committed yet")
    if arguments.config_id not in (ANY_CONFIG, current.version):
        raise BadVersionError(f"the membership has version {current.version:x}, not {arguments.config_id:x}")
    try:
        new = _asked_for(current, arguments, allows_several_addresses).with_version(zxid)
    except MembershipError as bad:
        raise BadArgumentsError(str(bad)) from bad
    _check_participants(new, least_participants)
    if not new.verifier.contains_quorum(synced):
        raise NewConfigNoQuorumError("no quorum of the new participants is connected and in step")
    return new


def _check_participants(new: Membership, least_participants: int) -> None:
    if len(new.participants) >= least_participants:
        return
    follower = "1 follower" if least_participants == 1 else f"{least_participants} followers"
    raise BadArgumentsError(f"Reconfig failed - new configuration must include at least {follower}")


def _asked_for(current: Membership, arguments: ReconfigArguments, allows_several_addresses: bool) -> Membership:
    if arguments.new_members is not None:
        new = Membership.parse(arguments.new_members.replace(",", "\n"))
    else:
        new = _changed(current, _items(arguments.joining), _items(arguments.leaving))
    for member in new.members.values():
        check_addresses(member, allows_several_addresses)
        _check_number(member.sid, current)
    return new


def _check_number(sid: int, current: Membership) -> None:
    """Who is a member stays one, whatever its number."""
    if sid not in current.members and not LEAST_SID <= sid <= LARGEST_SID:
        advice = f"choose one from {LEAST_SID} to {LARGEST_SID}: session ids have room for no other"
        raise MembershipError(f"no server can join with the number {sid}", advice, f"server.{sid}")


def check_addresses(member: Member, allows_several: bool) -> None:
    """Several addresses for one server are a feature that has to be enabled."""
    if len(member.addresses) > 1 and not allows_several:
        reason = f"Multiple address feature is disabled, but multiple addresses were specified for sid {member.sid}"
        advice = "write multiAddress.enabled=true for every server, or one address"
        raise MembershipError(reason, advice, f"server.{member.sid}")


def _items(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def _changed(current: Membership, joining: list[str], leaving: list[str]) -> Membership:
    """An incremental change; who joins may take the place of a member, or of one that leaves."""
    if current.is_hierarchical:
        raise BadArgumentsError(
            "Incremental reconfiguration requested but last configuration seen has a non-majority quorum system"
        )
    members = dict(current.members)
    for item in leaving:
        members.pop(_leaver(item), None)
    for item in joining:
        joiner = _joiner(item)
        _check_not_taken(joiner, members.values())
        members[joiner.sid] = joiner
    return Membership(members)


def _leaver(item: str) -> int:
    """What is no number gets another error code than all else (wire, section 6.1)."""
    try:
        return parse_number(item, "leaving")
    except MembershipError as bad:
        raise MarshallingError(str(bad)) from bad


def _joiner(item: str) -> Member:
    key, separator, line = item.partition("=")
    prefix, _, number = key.strip().partition(".")
    if not separator or prefix != "server":
        raise BadArgumentsError(f"Wrong format of server string: {item} (write server.N=host:port:port;clientPort)")
    joiner = parse_member(parse_number(number, key), line.strip())
    if joiner.client is None and joiner.secure_client is None:
        raise BadArgumentsError("Wrong format of server string - each server should have 3 ports specified")
    return joiner


def _check_not_taken(joiner: Member, members: Iterable[Member]) -> None:
    mine = _sockets(joiner)
    for other in members:
        taken = mine & _sockets(other) if other.sid != joiner.sid else frozenset()
        if taken:
            host, port = min(taken)
            raise BadArgumentsError(f"{host}:{port} of server.{joiner.sid} conflicts with server.{other.sid}")


def _sockets(member: Member) -> frozenset[tuple[str, int]]:
    """Every address of a member that means one place, seen from anywhere."""
    found = [(each.host, port) for each in member.addresses for port in (each.quorum_port, each.election_port)]
    found += [(each.host, each.port) for each in (member.client, member.secure_client) if each is not None]
    return frozenset([(host, port) for host, port in found if not _is_special(host)])


def _is_special(host: str) -> bool:
    """Whether a host is a wildcard or the loopback, which are another place on every machine."""
    packed = parse_address(canonical_address(host))
    if packed is None:
        return host == "localhost"
    return packed in _SPECIAL or (len(packed) == 4 and packed[0] == 127)


def designated_leader(
    my_sid: int, old: Membership, new: Membership, acked: Set[int], later: Iterable[Sequence[Set[int]]]
) -> int:
    """Who leads under `new`, once it is committed (section 16.4).

    The leader itself, if it still votes and is found where it was. Else one of those who acknowledged `new`: `acked`;
    `later` has for each proposal after it, in order, who acknowledged that, for each verifier; who acknowledged more
    is preferred. If nobody else can lead it is still the leader itself.
    """
    if _stays(my_sid, old, new):
        return my_sid
    candidates = {sid for sid in acked & new.participants if sid != my_sid and new.verifier.weight(sid) > 0}
    for acknowledged in [sids for acks in later for sids in acks]:
        if not candidates & acknowledged:
            break
        candidates &= acknowledged
    return min(candidates, default=my_sid)


def _stays(my_sid: int, old: Membership, new: Membership) -> bool:
    if my_sid not in new.participants:
        return False
    before = old.members.get(my_sid)
    return before is not None and before.quorum_addresses == new.members[my_sid].quorum_addresses
