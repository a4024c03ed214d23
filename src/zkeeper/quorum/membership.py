"""Who belongs to an ensemble and who votes: the configuration that servers agree on, and its text.

The text goes into `/zookeeper/config`, notifications, NEWLEADER, reconfig transactions and dynamic files (quorum,
section 2.2): a line for each server, in a hierarchy also for each group and weight, and the version at the end.

1. A membership is a value: it is never changed, and its text can be parsed to an equal one.
2. In a hierarchy each participant is in exactly one group, and nobody else is in any.
"""

import re
from collections.abc import Iterable, Mapping, Set
from typing import Final, final

from zkeeper.quorum.members import ClientAddress, Member, MemberAddress, MembershipError, parse_member
from zkeeper.quorum.verifiers import HierarchicalVerifier, MajorityVerifier, Verifier
from zkeeper.wire.properties import PropertiesError, parse_properties_text

__all__ = ["ClientAddress", "Member", "MemberAddress", "Membership", "MembershipError", "parse_number"]

_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,19}")
_HEXADECIMAL: Final = re.compile(r"\+?[0-9a-fA-F]{1,16}")
_LARGEST: Final = (1 << 63) - 1


@final
class Membership:
    """The members by sid, in a hierarchy the groups and weights, and the version, which is a zxid.

    `weights` may leave out participants: their weight is 1. Raises `MembershipError` when a group is not right.
    """

    def __init__(
        self,
        members: Mapping[int, Member],
        groups: Mapping[int, Set[int]] | None = None,
        weights: Mapping[int, int] | None = None,
        version: int = 0,
    ) -> None:
        self.members: dict[int, Member] = {sid: members[sid] for sid in sorted(members)}
        self.version = version
        self.participants = frozenset([sid for sid, member in self.members.items() if not member.is_observer])
        self.observers = frozenset(self.members) - self.participants
        self.groups: dict[int, frozenset[int]] = {gid: frozenset(sids) for gid, sids in sorted((groups or {}).items())}
        self.weights: dict[int, int] = dict(weights or {})
        if self.is_hierarchical:
            _check_groups(self.groups, self.participants)
            self.weights = dict(sorted({**dict.fromkeys(self.participants, 1), **self.weights}.items()))
        self.verifier: Verifier = self._verifier()

    def _verifier(self) -> Verifier:
        if self.is_hierarchical:
            return HierarchicalVerifier(self.groups, {sid: self.weights[sid] for sid in self.participants})
        return MajorityVerifier(self.participants)

    @property
    def is_hierarchical(self) -> bool:
        return bool(self.groups) or bool(self.weights)

    @staticmethod
    def parse(text: str) -> "Membership":
        """What a text describes, which is at least one participant. Raises `MembershipError`."""
        try:
            properties = parse_properties_text(text)
        except PropertiesError as bad:
            raise MembershipError(bad.reason, "a backslash in a value is written twice") from bad
        membership = Membership.of([(each.key, each.value) for each in properties])
        if not membership.participants:
            raise MembershipError("Observers w/o participants is an invalid configuration", "name a participant")
        return membership

    @staticmethod
    def decode(data: bytes | None) -> "Membership":
        """The same of a text as servers send it."""
        try:
            return Membership.parse((data or b"").decode("utf-8"))
        except UnicodeDecodeError as bad:
            raise MembershipError(f"the membership is no text: {bad}", "it is UTF-8") from bad

    @staticmethod
    def of(properties: Iterable[tuple[str, str]]) -> "Membership":
        """What keys and their values describe; of a key that is there twice the last value counts."""
        reading = _Reading()
        for key, value in dict(properties).items():
            reading.take(key, value)
        return Membership(reading.members, reading.groups, reading.weights, reading.version)

    def with_version(self, version: int) -> "Membership":
        return Membership(self.members, self.groups, self.weights, version)

    def lines(self) -> list[str]:
        """The lines of the text, without the version."""
        servers = [f"server.{sid}={member.text()}" for sid, member in self.members.items()]
        groups = [f"group.{gid}={':'.join(map(str, sorted(sids)))}" for gid, sids in self.groups.items()]
        return servers + groups + [f"weight.{sid}={weight}" for sid, weight in self.weights.items()]

    def text(self) -> str:
        """The canonical text, which ends with the version and without a line end."""
        return "\n".join([*self.lines(), f"version={self.version:x}"])

    def same_as(self, other: "Membership") -> bool:
        """Whether members, addresses, roles, groups and weights are equal, whatever the versions."""
        return self.lines() == other.lines()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Membership) and self.version == other.version and self.same_as(other)

    def __hash__(self) -> int:
        return hash(self.text())

    def __repr__(self) -> str:
        return f"Membership({self.text()!r})"


def _check_groups(groups: Mapping[int, Set[int]], participants: Set[int]) -> None:
    seen: set[int] = set()
    for gid, sids in groups.items():
        for sid in sorted(sids):
            if sid in seen:
                raise _twice_in_groups(sid, f"group.{gid}")
            if sid not in participants:
                reason = f"group.{gid} names server {sid}, which is no participant"
                raise MembershipError(reason, "groups are for servers that vote", f"group.{gid}")
            seen.add(sid)
    for sid in sorted(participants - seen):
        reason = f"server.{sid} votes, and is in no group"
        raise MembershipError(
            reason, "with group.N or weight.N each server that votes is in one group", f"server.{sid}"
        )


def _twice_in_groups(sid: int, key: str) -> MembershipError:
    return MembershipError(f"{key} names server {sid}, which is in a group already", "name it once", key)


@final
class _Reading:
    """The parts of a membership, gathered key by key."""

    def __init__(self) -> None:
        self.members: dict[int, Member] = {}
        self.groups: dict[int, set[int]] = {}
        self.weights: dict[int, int] = {}
        self.version = 0

    def take(self, key: str, value: str) -> None:
        _, _, number = key.partition(".")
        if key.startswith("server."):
            self._take_server(parse_number(number, key), key, value)
        elif key.startswith("group"):
            self._take_group(parse_number(number, key), key, value)
        elif key.startswith("weight"):
            self._take_weight(parse_number(number, key), key, value)
        elif key == "version":
            self.version = parse_version(value)
        else:
            raise MembershipError(f"Unrecognised parameter: {key}", "only server.N, group.N and weight.N", key)

    def _take_server(self, sid: int, key: str, value: str) -> None:
        if sid in self.members:
            raise MembershipError(f"server.{sid} is given twice", "write it once", key)
        self.members[sid] = parse_member(sid, value)

    def _take_group(self, gid: int, key: str, value: str) -> None:
        if gid in self.groups:
            raise MembershipError(f"group.{gid} is given twice", "write it once", key)
        sids = self.groups[gid] = set()
        for part in [part for part in value.split(":") if part]:
            sid = parse_number(part, key)
            if sid in sids:
                raise _twice_in_groups(sid, key)
            sids.add(sid)

    def _take_weight(self, sid: int, key: str, value: str) -> None:
        weight = parse_number(value, key)
        if weight < 0 or sid in self.weights:
            reason = f"weight.{sid} is negative" if weight < 0 else f"weight.{sid} is given twice"
            raise MembershipError(reason, "write one number from 0", key)
        self.weights[sid] = weight


def parse_number(text: str, key: str) -> int:
    """A signed 64-bit number in decimal, as sids, groups and weights are."""
    if not _DECIMAL.fullmatch(text) or not -_LARGEST - 1 <= int(text) <= _LARGEST:
        raise MembershipError(f'For input string: "{text}"', "write a whole number", key)
    return int(text)


def parse_version(text: str) -> int:
    """A version as texts and names of files have it: hexadecimal."""
    if not _HEXADECIMAL.fullmatch(text) or int(text, 16) > _LARGEST:
        raise MembershipError(f'For input string: "{text}" under radix 16', "write a hexadecimal number", "version")
    return int(text, 16)
