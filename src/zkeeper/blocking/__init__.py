"""The blocking client, for threads and scripts: the twin of `zkeeper.client`, with the same words; and its recipes.

Sessions live on one background thread. What is asked in other threads is handed over to it, and waited for. Recipes and
what few programs need are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from zkeeper.blocking.client import Client
from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.blocking.retry import Retry
from zkeeper.blocking.steps import States, Steps
from zkeeper.blocking.transaction import ReadBatch, Transaction
from zkeeper.blocking.watch import Watch
from zkeeper.errors import ForkedError

if TYPE_CHECKING:
    from zkeeper.blocking.protected import create_protected, find_protected, insist, new_guid, settle
    from zkeeper.blocking.recipes.acquirable import Acquirable
    from zkeeper.blocking.recipes.barriers import Barrier, DoubleBarrier
    from zkeeper.blocking.recipes.block import Block
    from zkeeper.blocking.recipes.caches import ChildrenCache, ConfigWatch, NodeCache, TreeCache
    from zkeeper.blocking.recipes.discovery import ServiceDiscovery, ServiceProvider
    from zkeeper.blocking.recipes.held import Held
    from zkeeper.blocking.recipes.leading import Election, LeaderLatch
    from zkeeper.blocking.recipes.locks import Lock, ReadWriteLock, Semaphore
    from zkeeper.blocking.recipes.membership import Group, Partitioner, PersistentNode, Share
    from zkeeper.blocking.recipes.multi_lock import MultiLock
    from zkeeper.blocking.recipes.queues import Item, Queue
    from zkeeper.blocking.recipes.recipe import Flag
    from zkeeper.blocking.recipes.values import AtomicValue, Counter, IdGenerator, Lease

_HOMES: Final = {
    "zkeeper.blocking.protected": ("create_protected", "find_protected", "insist", "new_guid", "settle"),
    "zkeeper.blocking.recipes.acquirable": ("Acquirable",),
    "zkeeper.blocking.recipes.barriers": ("Barrier", "DoubleBarrier"),
    "zkeeper.blocking.recipes.block": ("Block",),
    "zkeeper.blocking.recipes.caches": ("ChildrenCache", "ConfigWatch", "NodeCache", "TreeCache"),
    "zkeeper.blocking.recipes.discovery": ("ServiceDiscovery", "ServiceProvider"),
    "zkeeper.blocking.recipes.held": ("Held",),
    "zkeeper.blocking.recipes.leading": ("Election", "LeaderLatch"),
    "zkeeper.blocking.recipes.locks": ("Lock", "ReadWriteLock", "Semaphore"),
    "zkeeper.blocking.recipes.membership": ("Group", "Partitioner", "PersistentNode", "Share"),
    "zkeeper.blocking.recipes.multi_lock": ("MultiLock",),
    "zkeeper.blocking.recipes.queues": ("Item", "Queue"),
    "zkeeper.blocking.recipes.recipe": ("Flag",),
    "zkeeper.blocking.recipes.values": ("AtomicValue", "Counter", "IdGenerator", "Lease"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Acquirable",
    "AtomicValue",
    "Barrier",
    "Block",
    "CallTimeoutError",
    "ChildrenCache",
    "Client",
    "ConfigWatch",
    "Counter",
    "DoubleBarrier",
    "Election",
    "Flag",
    "ForkedError",
    "Group",
    "Held",
    "IdGenerator",
    "Item",
    "LeaderLatch",
    "Lease",
    "Lock",
    "MultiLock",
    "NodeCache",
    "Partitioner",
    "PersistentNode",
    "Queue",
    "ReadBatch",
    "ReadWriteLock",
    "Retry",
    "Semaphore",
    "ServiceDiscovery",
    "ServiceProvider",
    "Share",
    "States",
    "Steps",
    "Transaction",
    "TreeCache",
    "Watch",
    "create_protected",
    "find_protected",
    "insist",
    "new_guid",
    "settle",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'zkeeper.blocking' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
