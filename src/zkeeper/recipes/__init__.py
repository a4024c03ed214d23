"""Recipes: what programs do with ZooKeeper again and again, on the public client only. See docs/recipes.md.

1. Whatever is held can be lost, and says so: `Held.lost`, a fencing token, a guarded block that is cancelled.
2. Whatever is created by a recipe that is given up is deleted, or goes with the session.
3. Waiting goes on across lost connections and sessions, until it is cancelled or its time is over.
"""

from .atomic_value import AtomicValue, Versioned
from .barrier import Barrier
from .caches import ChildrenCache, NodeCache, TreeCache
from .config_watch import ConfigWatch, SettingError
from .counter import Counter
from .double_barrier import DoubleBarrier
from .election import Election
from .errors import ForeignDataError, LockLostError, LockTimeoutError, NotHeldError, RecipeError
from .group import Group, Member
from .held import Held
from .id_generator import IdGenerator
from .leader_latch import LeaderLatch
from .leaders import Leader
from .lease import Lease, LeaseHolder
from .lock import Lock
from .mirror import Change
from .multi_lock import MultiLock
from .names import Layout
from .partitioner import Partitioner, Share
from .persistent_node import PersistentNode
from .queue import Item, Queue
from .read_write_lock import ReadWriteLock
from .semaphore import Semaphore
from .service_discovery import ServiceDiscovery
from .service_instance import ServiceInstance, ServiceType
from .service_provider import ServiceProvider, random_choice, round_robin, sticky

__all__ = [
    "AtomicValue",
    "Barrier",
    "Change",
    "ChildrenCache",
    "ConfigWatch",
    "Counter",
    "DoubleBarrier",
    "Election",
    "ForeignDataError",
    "Group",
    "Held",
    "IdGenerator",
    "Item",
    "Layout",
    "Leader",
    "LeaderLatch",
    "Lease",
    "LeaseHolder",
    "Lock",
    "LockLostError",
    "LockTimeoutError",
    "Member",
    "MultiLock",
    "NodeCache",
    "NotHeldError",
    "Partitioner",
    "PersistentNode",
    "Queue",
    "ReadWriteLock",
    "RecipeError",
    "Semaphore",
    "ServiceDiscovery",
    "ServiceInstance",
    "ServiceProvider",
    "ServiceType",
    "SettingError",
    "Share",
    "TreeCache",
    "Versioned",
    "random_choice",
    "round_robin",
    "sticky",
]
