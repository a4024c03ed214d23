"""What the client gives and takes: small typed values. They hold no state and do nothing.

1. Numbers are plain integers, times are milliseconds since 1970, paths are strings without the chroot.
2. All of them are immutable; all but the enums are tuples, and compare and unpack as such.
"""

import enum
from typing import Final, NamedTuple


class Stat(NamedTuple):
    """What ZooKeeper keeps about a znode beside its data.

    Example:
        stat = await zk.exists("/a")
        if stat is not None and stat.ephemeral_owner == zk.session_id:
            ...
    """

    czxid: int
    """zxid of the transaction that created the znode."""
    mzxid: int
    """zxid of the transaction that last set its data."""
    ctime_ms: int
    """The server's clock when it was created, in ms since 1970."""
    mtime_ms: int
    """The server's clock when its data was last set, in ms since 1970."""
    version: int
    """How often its data was set."""
    cversion: int
    """How often children were created or deleted."""
    aversion: int
    """How often its ACL was set."""
    ephemeral_owner: int
    """Id of the session that an ephemeral belongs to; 0 for all others."""
    data_length: int
    """Bytes of data."""
    num_children: int
    """Number of children now."""
    pzxid: int
    """zxid of the transaction that last created or deleted a child."""


class NodeData(NamedTuple):
    """Data and `Stat` of a znode. Data that was set as null reads as `b""`, with `is_null`.

    Example:
        data, stat, is_null = await zk.get("/a")
    """

    data: bytes
    stat: Stat
    is_null: bool = False


class Children(NamedTuple):
    """Names of a znode's children, in no order that means anything, and the znode's own `Stat`.

    Example:
        names, stat = await zk.children2("/members")
    """

    names: list[str]
    stat: Stat


class Created(NamedTuple):
    """The path that a create made. `stat` is None where the server did not tell it.

    Example:
        path, stat = await zk.create2("/jobs/j-", sequential=True)
    """

    path: str
    stat: Stat | None


class Permission(enum.IntFlag):
    """What an ACL entry allows. CREATE and DELETE are about children.

    Example:
        acl = [zkeeper.Acl(zkeeper.Permission.READ | zkeeper.Permission.WRITE, "world", "anyone")]
    """

    READ = 1
    WRITE = 2
    CREATE = 4
    DELETE = 8
    ADMIN = 16
    ALL = 31


class Acl(NamedTuple):
    """One entry of an ACL: whoever has the credential `scheme:id` has the permissions.

    Example:
        readers = zkeeper.Acl(zkeeper.Permission.READ, "ip", "10.0.0.0/8")
        await zk.create("/a", acl=[readers, *zkeeper.CREATOR_ALL_ACL])
    """

    permissions: Permission
    scheme: str
    id: str


class AclData(NamedTuple):
    """The ACL of a znode and its `Stat`.

    Example:
        acl, stat = await zk.acl("/a")
        await zk.set_acl("/a", [*acl, *zkeeper.READ_ONLY_ACL], stat.aversion)
    """

    acl: list[Acl]
    stat: Stat


OPEN_ACL: Final[tuple[Acl, ...]] = (Acl(Permission.ALL, "world", "anyone"),)
"""Everybody may do everything."""
READ_ONLY_ACL: Final[tuple[Acl, ...]] = (Acl(Permission.READ, "world", "anyone"),)
"""Everybody may read; nobody may do anything else but delete it, if the parent allows that."""
CREATOR_ALL_ACL: Final[tuple[Acl, ...]] = (Acl(Permission.ALL, "auth", ""),)
"""All permissions for every credential that the creating connection has proven (see `AsyncClient.add_auth`)."""


class EventType(enum.IntEnum):
    """What happened to a znode that is watched. The numbers are those of the wire.

    Example:
        async for event in zk.watch("/a"):
            if event.type in (zkeeper.EventType.DATA_CHANGED, zkeeper.EventType.NONE):
                print((await zk.get("/a")).data)
    """

    NONE = -1
    """No change: the session is over, or events may be missing ("resync"); read again what you care about."""
    CREATED = 1
    DELETED = 2
    DATA_CHANGED = 3
    CHILDREN_CHANGED = 4
    DATA_WATCH_REMOVED = 5
    CHILD_WATCH_REMOVED = 6
    PERSISTENT_WATCH_REMOVED = 7


class WatchEvent(NamedTuple):
    """A change at `path`. `zxid` is the transaction's, or -1 where the server does not tell it.

    Example:
        await zk.exists("/a", watch=lambda event: print(event.type.name, event.path))
    """

    type: EventType
    path: str
    zxid: int


class SessionState(enum.Enum):
    """Where a client stands with the servers.

    CONNECTING -> CONNECTED or CONNECTED_READ_ONLY <-> SUSPENDED -> LOST -> CONNECTED (a new session) ...; CLOSED and
    AUTH_FAILED are final.

    Example:
        if zk.state is zkeeper.SessionState.SUSPENDED:
            await zk.wait_for(zkeeper.SessionState.CONNECTED, timeout_s=10)
    """

    CONNECTING = "connecting"
    """There was no session yet."""
    CONNECTED = "connected"
    CONNECTED_READ_ONLY = "connected read-only"
    """Connected to a server that has no quorum: reads are answered, writes refused."""
    SUSPENDED = "suspended"
    """The connection is lost; the session may be alive. Nothing that depends on it is certain."""
    LOST = "lost"
    """The session is over and its ephemerals are gone, or will be. The client opens a new session by itself."""
    AUTH_FAILED = "authentication failed"
    CLOSED = "closed"


class RemoveWatches(enum.IntEnum):
    """Which watches `AsyncClient.remove_watches` removes. The numbers are those of the wire.

    Example:
        await zk.remove_watches("/a", zkeeper.RemoveWatches.DATA)
    """

    CHILDREN = 1
    DATA = 2
    ANY = 3
    PERSISTENT = 4
    PERSISTENT_RECURSIVE = 5
