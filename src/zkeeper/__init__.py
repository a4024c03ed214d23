"""zkeeper: Apache ZooKeeper in Python.

What a program needs is here: `connect` makes a client, `errors` has what can go wrong. Everything is loaded when it is
first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

__version__: Final = "0.1.0"

if TYPE_CHECKING:
    from zkeeper.blocking.client import Client
    from zkeeper.client.client import AsyncClient, connect
    from zkeeper.client.digest import digest_acl
    from zkeeper.client.protected import Protected, create_protected, find_protected, new_guid
    from zkeeper.client.retry import Retry
    from zkeeper.client.settling import insist, settle
    from zkeeper.client.transaction import ReadBatch, Transaction
    from zkeeper.client.watch import Watch
    from zkeeper.errors import Outcome, TransactionFailed, ZooKeeperError
    from zkeeper.values import (
        CREATOR_ALL_ACL,
        OPEN_ACL,
        READ_ONLY_ACL,
        Acl,
        AclData,
        Children,
        Created,
        EventType,
        NodeData,
        Permission,
        RemoveWatches,
        SessionState,
        Stat,
        WatchEvent,
    )

_HOMES: Final = {
    "zkeeper.blocking.client": ("Client",),
    "zkeeper.client.client": ("AsyncClient", "connect"),
    "zkeeper.client.digest": ("digest_acl",),
    "zkeeper.client.protected": ("Protected", "create_protected", "find_protected", "new_guid"),
    "zkeeper.client.retry": ("Retry",),
    "zkeeper.client.settling": ("insist", "settle"),
    "zkeeper.client.transaction": ("ReadBatch", "Transaction"),
    "zkeeper.client.watch": ("Watch",),
    "zkeeper.errors": ("Outcome", "TransactionFailed", "ZooKeeperError"),
    "zkeeper.values": (
        *("CREATOR_ALL_ACL", "OPEN_ACL", "READ_ONLY_ACL", "Acl", "AclData", "Children", "Created", "EventType"),
        *("NodeData", "Permission", "RemoveWatches", "SessionState", "Stat", "WatchEvent"),
    ),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CREATOR_ALL_ACL",
    "OPEN_ACL",
    "READ_ONLY_ACL",
    "Acl",
    "AclData",
    "AsyncClient",
    "Children",
    "Client",
    "Created",
    "EventType",
    "NodeData",
    "Outcome",
    "Permission",
    "Protected",
    "ReadBatch",
    "RemoveWatches",
    "Retry",
    "SessionState",
    "Stat",
    "Transaction",
    "TransactionFailed",
    "Watch",
    "WatchEvent",
    "ZooKeeperError",
    "__version__",
    "connect",
    "create_protected",
    "digest_acl",
    "find_protected",
    "insist",
    "new_guid",
    "settle",
]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("zkeeper.errors")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'zkeeper' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "errors"})
