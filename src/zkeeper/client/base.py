"""What all parts of the client stand on: the session and the root below which paths are meant."""

from collections.abc import Callable, Iterable

from zkeeper import arguments
from zkeeper.client.session import Session
from zkeeper.values import OPEN_ACL, Acl, WatchEvent
from zkeeper.wire import protocol
from zkeeper.wire.client_watches import Watcher

WatchCallback = Callable[[WatchEvent], object]


class Base:
    """`root` is "" or the chroot."""

    def __init__(self, session: Session, root: str) -> None:
        self._session = session
        self._exchange = session.exchange
        self._outbox = session.exchange.outbox
        self._root = root
        self._root_length = len(root)

    def _watcher(self, callback: WatchCallback | None) -> Watcher | None:
        return None if callback is None else Watcher(arguments.plain_callback(callback), self._root_length)


def acl_entries(acl: Iterable[Acl]) -> tuple[Acl, ...]:
    """A tuple stays the object it is: the list that all may use is known by identity."""
    if acl is OPEN_ACL:
        return OPEN_ACL
    if isinstance(acl, (Acl, str)):
        raise TypeError(f"an ACL is a list of entries, not {acl!r}")
    entries = acl if isinstance(acl, tuple) else tuple(acl)
    for entry in entries:
        arguments.acl_entry(entry)
    return entries


def create_flags(ephemeral: bool, sequential: bool, container: bool, ttl_ms: int | None) -> tuple[int, int]:
    """The opcode that makes such a znode, and its flags. `ValueError` for what no znode can be."""
    arguments.flag("ephemeral", ephemeral)
    arguments.flag("sequential", sequential)
    arguments.flag("container", container)
    if ttl_ms is not None:
        arguments.whole_number("ttl_ms", ttl_ms, 1, protocol.MAX_TTL_MS)
    if container + ephemeral + (ttl_ms is not None) > 1:
        raise ValueError("a znode is at most one of ephemeral, container and with a ttl")
    if container:
        if sequential:
            raise ValueError("a container cannot be sequential")
        return protocol.CREATE_CONTAINER, protocol.FLAGS_CONTAINER
    if ttl_ms is not None:
        return protocol.CREATE_TTL, protocol.FLAGS_SEQUENTIAL_TTL if sequential else protocol.FLAGS_TTL
    return protocol.CREATE2, ephemeral * protocol.FLAG_EPHEMERAL + sequential * protocol.FLAG_SEQUENTIAL
