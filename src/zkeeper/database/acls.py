"""ACL lists, shared by the znodes that carry them.

1. Equal lists are one `AclList`; the table counts the znodes that use it and forgets it with the last.
2. An index, the list's name in snapshots, is never given to a second list. -1 is the implicit open list of the znodes
   that a fresh tree holds, and is in no table.
3. A snapshot may name an index whose list it does not hold (it was written before the list came); such a list is
   unknown until the log supplies it.
4. What a list grants is looked up, not searched for: a list may have tens of thousands of entries, and a request
   thousands of operations on its znodes.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from zkeeper.errors import CorruptionError
from zkeeper.wire.acl import OPEN_ACL, Acl
from zkeeper.wire.addresses import Network, parse_address

Identity = tuple[bytes, bytes]
"""Scheme and id of a credential."""

OPEN_INDEX: Final = -1
IP: Final = b"ip"
MAX_ADDRESSES: Final = 100
"""Of which a list remembers what it grants to them."""


@final
@mypyc_attr(acyclic=True)
class AclList:
    """`world_permissions` are those that it grants to everybody."""

    def __init__(self, entries: tuple[Acl, ...], index: i64 = 0, known: bool = True) -> None:
        self.entries = entries
        self.index: i64 = index
        self.users: i64 = 0
        self.known = known
        self.world_permissions: i64 = _world_permissions(entries) if known else 0
        self._granted: dict[Identity, i64] | None = None
        self._networks: list[tuple[i64, Network]] = []
        self._granted_to_addresses: dict[bytes, i64] = {}

    def granted_to(self, identity: Identity) -> i64:
        """The permissions of all entries for just this scheme and id."""
        return self._index().get(identity, 0)

    def granted_to_address(self, address: bytes) -> i64:
        """The permissions of all entries of scheme ip whose network holds `address`, the text of one."""
        self._index()
        if not self._networks:
            return 0
        known = self._granted_to_addresses
        granted = known.get(address)
        if granted is None:
            if len(known) >= MAX_ADDRESSES:
                known.clear()
            granted = known[address] = self._networks_grant(parse_address(address))
        return granted

    def _networks_grant(self, address: bytes | None) -> i64:
        granted: i64 = 0
        if address is not None:
            for permissions, network in self._networks:
                if network.holds(address):
                    granted |= permissions
        return granted

    def _index(self) -> dict[Identity, i64]:
        granted = self._granted
        if granted is None:
            granted = self._granted = {}
            for permissions, scheme, identity in self.entries:
                if scheme == IP:
                    self._networks.append((permissions, Network(identity)))
                else:
                    entry = scheme, identity
                    granted[entry] = granted.get(entry, 0) | permissions
        return granted


def _world_permissions(entries: tuple[Acl, ...]) -> i64:
    if not entries:
        return -1  # An empty list denies nothing: all bits.
    granted = 0
    for permissions, scheme, identity in entries:
        if scheme == b"world" and identity == b"anyone":
            granted |= permissions
    return granted


@final
class AclTable:
    def __init__(self) -> None:
        self.open = AclList(OPEN_ACL, OPEN_INDEX)
        self._by_entries: dict[tuple[Acl, ...], AclList] = {}
        self._by_index: dict[int, AclList] = {OPEN_INDEX: self.open}
        self._last_index: i64 = 0
        self._open_given: AclList | None = None

    def use(self, entries: tuple[Acl, ...]) -> AclList:
        """The list for `entries`, made if need be, with one more user."""
        if entries is OPEN_ACL and self._open_given is not None:
            self._open_given.users += 1
            return self._open_given
        found = self._by_entries.get(entries)
        if found is None:
            self._last_index += 1
            found = AclList(entries, self._last_index)
            self._add(found)
        if entries is OPEN_ACL:
            self._open_given = found
        found.users += 1
        return found

    def preview(self, entries: tuple[Acl, ...]) -> AclList:
        """The list for `entries` without using it: to check permissions of what is not applied yet."""
        if entries is OPEN_ACL:
            return self.open
        return AclList(entries)

    def release(self, acl: AclList) -> None:
        """One user less."""
        acl.users -= 1
        if acl.users <= 0 and acl.index != OPEN_INDEX:
            self._by_index.pop(acl.index, None)
            if acl is self._open_given:
                self._open_given = None
            if acl.known:
                self._by_entries.pop(acl.entries, None)

    def items(self) -> list[tuple[int, tuple[Acl, ...]]]:
        """Index and entries of every list in use, but for the implicit one."""
        return [(index, acl.entries) for index, acl in self._by_index.items() if index != OPEN_INDEX and acl.known]

    def load(self, index: i64, entries: tuple[Acl, ...]) -> None:
        """Takes one row of a snapshot's table."""
        if index <= 0 or index in self._by_index:
            raise CorruptionError(f"ACL index {index} is not positive, or appears twice")
        self._add(AclList(entries, index))
        self._last_index = max(self._last_index, index)

    def load_user(self, index: i64) -> AclList:
        """The list that a znode of a snapshot names, with one more user (rule 3)."""
        found = self._by_index.get(index)
        if found is None:
            found = AclList((), index, known=False)
            self._by_index[index] = found
            self._last_index = max(self._last_index, index)
        found.users += 1
        return found

    def drop_unused(self) -> None:
        """Forgets the lists of a snapshot that none of its znodes names."""
        for acl in [acl for acl in self._by_index.values() if acl.users == 0]:
            self.release(acl)

    def _add(self, acl: AclList) -> None:
        self._by_index[acl.index] = acl
        self._by_entries.setdefault(acl.entries, acl)
