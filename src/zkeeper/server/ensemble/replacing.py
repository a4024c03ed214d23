"""Whether what a leader sends in place of a learner's history leaves out transactions that the learner has.

1. A znode keeps the zxid that created it. So one that was created before the learner's last transaction is in both
   trees with the same zxid, or the histories are different ones; and children of a znode that did not change since then
   are the same. The root and its children are looked at, which does not take long, so this does not notice everything.
2. A counter of 0 is no transaction: one that has led an epoch without any has lost none of it.
"""

from zkeeper.database.database import Database
from zkeeper.wire.zxids import counter_of


def what_is_lost(own: Database, new: Database, new_zxid: int) -> str:
    """Why `own` is not a beginning of `new`, which is sent as the state at `new_zxid`; empty when nobody can tell."""
    if own.last_zxid == 0:
        return ""
    if new_zxid < own.last_zxid and counter_of(own.last_zxid):
        return "which is earlier"
    return "" if _agree(own, new) else "which does not contain it"


def _agree(own: Database, new: Database) -> bool:
    """Rule 1."""
    last_zxid = own.last_zxid
    mine, theirs = (_children(database) for database in (own, new))
    if any(zxid <= last_zxid and mine.get(name) != zxid for name, zxid in theirs.items()):
        return False
    return new.tree.root.pzxid > last_zxid or mine == theirs


def _children(database: Database) -> dict[bytes, int]:
    return {name: int(node.czxid) for name, node in (database.tree.root.children or {}).items()}
