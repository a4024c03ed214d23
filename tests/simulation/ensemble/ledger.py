"""What all servers of a run have in their logs, and which of it was committed.

1. What a server that serves has applied is committed, and stays so: no other transaction may ever have its zxid. For a
   server alone that is what its logs have. In an ensemble logs also keep what was never committed, below a snapshot
   that a leader has sent; there it is what a server that serves would send to others.
2. In an ensemble a zxid belongs to one leader, so whatever logs have under it, committed or not, is the same everywhere
   and at all times.
3. In each epoch one server leads, and at equal zxids all servers have the same digest.
4. Committed zxids have no holes: each follows the one before, or is the first of a later epoch. What a small memory of
   a server had forgotten when it was looked at is in the logs: all before a committed one of its epoch is committed,
   and so is the last that a leader had when it was elected, once it serves.
"""

from typing import Any

from zkeeper.testing.simulation import SimulatedDisk

from ..history import Violation  # noqa: TID252  the package has one name in pytest and another as a program
from ..log_files import Entry, entry_of, log_names, read_file  # noqa: TID252
from ..node import ServerNode  # noqa: TID252
from .servers import Look, look_at

COUNTER_MASK = 0xFFFFFFFF
OVERLAP = 50
"""So many zxids are looked at again, although the ledger has some of them."""


class Ledger:
    def __init__(self, is_ensemble: bool) -> None:
        self.committed: dict[int, Entry] = {}
        self.leaders: dict[int, str] = {}
        """By epoch."""
        self._is_ensemble = is_ensemble
        self._logged: dict[int, tuple[Entry, str]] = {}
        self._digests: dict[int, tuple[int, str]] = {}
        self._applied: dict[str, int] = {}
        self._began_at: set[int] = set()
        self._taken: dict[str, tuple[int, int]] = {}

    # What servers show.

    def look(self, node: ServerNode) -> Look | None:
        look = look_at(node)
        if look is not None:
            self._applied[node.name] = look.zxid
            if self._is_ensemble:
                self._take_history(node, look)
                if look.role == "leading":
                    self._began_at.add(node.server._leader._discovery._summary[1])
            self._check_digest(look)
            self._check_leader(look)
        return look

    def _check_digest(self, look: Look) -> None:
        if look.digest is None:
            return
        digest, name = self._digests.setdefault(look.zxid, (look.digest, look.name))
        if digest != look.digest and self._is_ensemble:
            raise Violation(f"at zxid {look.zxid:#x} {name} has digest {digest}, and {look.name} has {look.digest}")

    def _check_leader(self, look: Look) -> None:
        if look.role == "leading" and self.leaders.setdefault(look.epoch, look.name) != look.name:
            raise Violation(f"{self.leaders[look.epoch]} and {look.name} lead in epoch {look.epoch}")

    def _take_history(self, node: ServerNode, look: Look) -> None:
        if self._taken.get(node.name) == (node.instances, look.zxid):
            return
        self._taken[node.name] = (node.instances, look.zxid)
        for zxid, payload in reversed(node.server._history.txns()):
            if zxid in self.committed and zxid < look.zxid - OVERLAP:
                break
            self._commit(node.name, entry_of(payload))

    def _commit(self, name: str, entry: Entry) -> None:
        self._check_same(entry, self.committed.setdefault(entry.zxid, entry), "the committed history", name)

    # What logs have.

    def harvest(self, node: ServerNode) -> None:
        """Takes down all that the server's logs have."""
        self.look(node)
        for path in log_names(node.machine.disk):
            self._take(node.name, read_file(node.machine.disk, path))

    def removal(self, node: ServerNode, path: str) -> None:
        """A log is about to be removed."""
        self.look(node)
        if "/log." in path:
            self._take(node.name, read_file(node.machine.disk, path))

    def _take(self, name: str, entries: list[Entry]) -> None:
        applied_zxid = self._applied.get(name, 0)
        for entry in entries:
            if self._is_ensemble:
                self._check_same(entry, *self._logged.setdefault(entry.zxid, (entry, name)), name)
            elif entry.zxid <= applied_zxid:
                self._commit(name, entry)

    def _check_same(self, entry: Entry, known: Entry, where: str, name: str) -> None:
        if entry != known:
            raise Violation(f"zxid {entry.zxid:#x} is {known} in {where} and {entry} in {name}")

    def truth(self) -> list[Entry]:
        """All that was committed, in its order."""
        self._recall()
        entries = [entry for _, entry in sorted(self.committed.items())]
        before = 0
        for entry in entries:
            is_next = entry.zxid == before + 1
            is_first = entry.zxid & COUNTER_MASK == 1 and entry.zxid >> 32 > before >> 32
            if not (is_next or is_first):
                raise Violation(f"what was committed has a hole between {before:#x} and {entry.zxid:#x}")
            before = entry.zxid
        return entries

    def _recall(self) -> None:
        """Rule 4."""
        for last_zxid in {zxid >> 32: zxid for zxid in sorted(self._began_at | self.committed.keys())}.values():
            for zxid in range(last_zxid & ~COUNTER_MASK, last_zxid + 1):
                if zxid not in self.committed and zxid in self._logged:
                    self.committed[zxid] = self._logged[zxid][0]


class ObservedDisk:
    """The disk of a server; the ledger learns what is in a log before it is removed or cut."""

    def __init__(self, disk: SimulatedDisk, ledger: Ledger, node: ServerNode) -> None:
        self._disk = disk
        self._ledger = ledger
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    def remove(self, path: str) -> None:
        self._ledger.removal(self._node, path)
        self._disk.remove(path)

    def truncate(self, path: str, size_bytes: int) -> None:
        self._ledger.removal(self._node, path)
        self._disk.truncate(path, size_bytes)
