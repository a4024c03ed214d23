"""Which znodes have an owner: the ephemerals of each session, the containers, those with a ttl.

A path is here, under its owner or kind, exactly as long as the tree has a znode with that owner there.
"""

from typing import final

from mypy_extensions import i64

from zkeeper.database.znode import CONTAINER, EPHEMERAL, TTL, OwnerRules


@final
class OwnerIndex:
    """`ephemerals` are by session id."""

    def __init__(self, rules: OwnerRules) -> None:
        self._rules = rules
        self.ephemerals: dict[int, set[bytes]] = {}
        self.containers: set[bytes] = set()
        self.ttls: set[bytes] = set()

    def ephemerals_of(self, session_id: i64) -> list[bytes]:
        """Sorted, so that every run goes through them alike."""
        owned = self.ephemerals.get(session_id)
        return sorted(owned) if owned is not None else []

    def ephemeral_count(self, session_id: i64) -> i64:
        owned = self.ephemerals.get(session_id)
        return len(owned) if owned is not None else 0

    def add(self, path: bytes, owner: i64) -> None:
        """A znode whose owner field is `owner` is in the tree now."""
        kind = self._rules.kind(owner)
        if kind == EPHEMERAL:
            self.ephemerals.setdefault(owner, set()).add(path)
        elif kind == CONTAINER:
            self.containers.add(path)
        elif kind == TTL:
            self.ttls.add(path)

    def discard(self, path: bytes, owner: i64) -> None:
        """The znode is gone."""
        kind = self._rules.kind(owner)
        if kind == EPHEMERAL:
            owned = self.ephemerals.get(owner)
            if owned is not None:
                owned.discard(path)
                if not owned:
                    del self.ephemerals[owner]
        elif kind == CONTAINER:
            self.containers.discard(path)
        elif kind == TTL:
            self.ttls.discard(path)
