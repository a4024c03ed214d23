"""Requests that change nothing on disk: answered from the tree as it stands, watches registered on the way.

1. Each answer writes the reply's body behind a header that the caller wrote, or raises: `ZooKeeperError` for its code,
   `DecodeError` for a body that does not decode, `TooManyWatchesError`. Nothing is written before the last check has
   passed.
2. What an answer costs beyond its place in a batch is counted, in steps of about a microsecond, so that nobody takes
   more than a turn of the loop has (`effort` tells beforehand, `spent` afterwards).
3. A multiRead's reply ends at `MAX_MULTI_READ_BYTES`.
"""

from typing import Final, final

from librt.strings import BytesWriter, write_i32_be
from mypy_extensions import i32, i64

from zkeeper.database import paths
from zkeeper.database.acls import Identity
from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database
from zkeeper.database.watch_table import Watcher
from zkeeper.database.watches import NULL_PATH
from zkeeper.database.znode import ZNode
from zkeeper.errors import (
    BadArgumentsError,
    DecodeError,
    MarshallingError,
    NoAuthError,
    NoNodeError,
    NoWatcherError,
    ZooKeeperError,
)
from zkeeper.pipeline.requests import decode_multi_op, is_multi_read_op
from zkeeper.wire import protocol
from zkeeper.wire.acl import Acl, write_acl
from zkeeper.wire.jute import Reader, java_string, write_bool, write_buffer, write_strings

MAX_MULTI_READ_BYTES: Final = 1 << 25
"""Many times of what a client takes; without a bound a small request makes a reply of gigabytes."""
TRIMMED: Final = bytes(range(0x21))
"""What Java trims from both ends of a string."""


def is_read(op: i64) -> bool:
    """Whether `ReadAnswers.answer` serves `op`."""
    return (
        (op >= protocol.EXISTS and op <= protocol.GET_DATA)
        or op == protocol.PING
        or op == protocol.GET_CHILDREN2
        or op == protocol.GET_CHILDREN
        or op == protocol.GET_ACL
        or op == protocol.SYNC
        or (op >= protocol.CHECK_WATCHES and op <= protocol.REMOVE_WATCHES)
        or op == protocol.MULTI_READ
        or op == protocol.SET_WATCHES
        or (op >= protocol.GET_EPHEMERALS and op <= protocol.WHO_AM_I)
    )


class ReplyTooLargeError(Exception):
    """The connection is closed: no code of ZooKeeper's says it, and a client could not read such a reply."""


@final
class ReadAnswers:
    def __init__(self, database: Database, auth: AuthRules) -> None:
        self._database = database
        self._auth = auth
        self._walked: i64 = 0

    def spent(self) -> i64:
        """The sum of what all answers cost so far."""
        return self._walked

    def effort(self, op: i64, reader: Reader, watcher: Watcher) -> i64:
        """About what `answer` will cost, replies included; the request stays unread."""
        peeked = Reader(reader.data, reader.position, reader.end, reader.limit_bytes)
        if op == protocol.GET_EPHEMERALS:
            return self._database.tree.owners.ephemeral_count(watcher.session_id) >> 1
        if op == protocol.GET_ALL_CHILDREN_NUMBER:
            return self._database.tree.node_count >> 5
        if op == protocol.PING or (op >= protocol.CHECK_WATCHES and op != protocol.MULTI_READ):
            return peeked.remaining() >> 6
        try:
            if op == protocol.MULTI_READ:
                return sum([self._effort_of_one(one, path) for one, path in _decode_multi_read(peeked)])
            return self._effort_of_one(op, peeked.buffer())
        except (DecodeError, ZooKeeperError):  # Its turn will say what is wrong with it.
            return 0

    def _effort_of_one(self, op: i64, path: bytes | None) -> i64:
        node = self._database.tree.lookup(path) if path is not None else None
        if node is None:
            return 0
        if op == protocol.GET_DATA:
            return node.data_bytes() >> 12
        if op == protocol.GET_CHILDREN or op == protocol.GET_CHILDREN2:
            return node.child_count() >> 4
        return len(node.acl.entries) >> 3 if op == protocol.GET_ACL else 0

    def answer(self, op: i64, reader: Reader, out: BytesWriter, watcher: Watcher, who: list[Identity]) -> None:
        """Writes the body of the reply to `op`; `who` are the credentials of the connection `watcher`."""
        if op == protocol.GET_DATA:
            self._get_data(reader, out, watcher, who)
        elif op == protocol.EXISTS:
            self._exists(reader, out, watcher, who)
        elif op == protocol.GET_CHILDREN2 or op == protocol.GET_CHILDREN:
            self._get_children(op, reader, out, watcher, who)
        elif op == protocol.GET_ACL:
            self._get_acl(reader, out, who)
        elif op == protocol.SYNC:
            path = reader.buffer()
            write_buffer(out, None if path is None else java_string(path))
        elif op == protocol.MULTI_READ:
            self._multi_read(reader, out, who)
        else:
            self._answer_rare(op, reader, out, watcher, who)

    def _answer_rare(self, op: i64, reader: Reader, out: BytesWriter, watcher: Watcher, who: list[Identity]) -> None:
        if op == protocol.SET_WATCHES or op == protocol.SET_WATCHES2:
            raise AssertionError("setWatches writes notifications, which is the link's to do")
        if op == protocol.ADD_WATCH:
            self._add_watch(reader, out, watcher)
        elif op == protocol.CHECK_WATCHES or op == protocol.REMOVE_WATCHES:
            self._check_or_remove(op, reader, watcher)
        elif op == protocol.GET_EPHEMERALS:
            self._get_ephemerals(reader, out, watcher)
        elif op == protocol.GET_ALL_CHILDREN_NUMBER:
            path = reader.need_buffer()
            node = self._readable(path, who)
            # By its empty alias Java counts the root among its own descendants.
            count = _count_below(node) + (0 if path else 1)
            self._walked += count >> 5
            write_i32_be(out, i32(count))
        else:
            assert op == protocol.WHO_AM_I
            self._who_am_i(out, who)

    def _readable(self, path: bytes, who: list[Identity]) -> ZNode:
        node = self._database.tree.lookup(path)
        if node is None:
            raise NoNodeError
        self._need_read(node, who)
        return node

    def _need_read(self, node: ZNode, who: list[Identity]) -> None:
        acl = node.acl
        if not acl.world_permissions & protocol.READ and not self._auth.allows(acl, protocol.READ, who):
            raise NoAuthError

    def _get_data(self, reader: Reader, out: BytesWriter, watcher: Watcher, who: list[Identity]) -> None:
        path = reader.need_buffer()
        watch = reader.boolean()
        node = self._readable(path, who)
        if watch:
            self._database.watches.watch_data(watcher, path)
        write_buffer(out, node.data)
        self._database.write_stat(out, node)

    def _exists(self, reader: Reader, out: BytesWriter, watcher: Watcher, who: list[Identity]) -> None:
        path = reader.need_buffer()
        watch = reader.boolean()
        if b"\x00" in path:
            raise BadArgumentsError("the path holds a zero byte")
        node = self._database.tree.lookup(path)
        if node is not None:
            self._need_read(node, who)
        if watch:
            self._database.watches.watch_data(watcher, java_string(path))
        if node is None:
            raise NoNodeError
        self._database.write_stat(out, node)

    def _get_children(self, op: i64, reader: Reader, out: BytesWriter, watcher: Watcher, who: list[Identity]) -> None:
        path = reader.need_buffer()
        watch = reader.boolean()
        node = self._readable(path, who)
        if watch:
            self._database.watches.watch_children(watcher, path)
        self._walked += node.child_count() >> 4
        _write_names(out, node)
        if op == protocol.GET_CHILDREN2:
            self._database.write_stat(out, node)

    def _get_acl(self, reader: Reader, out: BytesWriter, who: list[Identity]) -> None:
        node = self._database.tree.lookup(reader.need_buffer())
        if node is None:
            raise NoNodeError
        if not self._auth.allows(node.acl, protocol.READ | protocol.ADMIN, who):
            raise NoAuthError
        entries = node.acl.entries
        if not self._auth.allows(node.acl, protocol.ADMIN, who):
            entries = tuple([_masked(entry) for entry in entries])
        self._walked += len(entries) >> 3
        write_acl(out, entries)
        self._database.write_stat(out, node)

    def _multi_read(self, reader: Reader, out: BytesWriter, who: list[Identity]) -> None:
        """Every operation is answered for itself. A list of writes fails, but has a body: one without results."""
        is_read_list = True
        start = len(out)
        for op, path in _decode_multi_read(reader):
            is_read_list = is_multi_read_op(op)
            if is_read_list:
                self._multi_read_one(op, path, out, who)
            if len(out) - start > MAX_MULTI_READ_BYTES:
                raise ReplyTooLargeError(f"a multiRead asks for more than {MAX_MULTI_READ_BYTES} bytes")
        write_i32_be(out, -1)
        write_bool(out, True)
        write_i32_be(out, -1)
        if not is_read_list:
            raise MarshallingError("multiRead takes getData and getChildren only")

    def _multi_read_one(self, op: i64, path: bytes | None, out: BytesWriter, who: list[Identity]) -> None:
        try:
            if path is None:
                raise MarshallingError("the path is null")
            node = self._readable(path, who)
        except ZooKeeperError as error:
            write_i32_be(out, -1)
            write_bool(out, False)
            write_i32_be(out, error.code)
            write_i32_be(out, error.code)
            return
        write_i32_be(out, i32(op))
        write_bool(out, False)
        write_i32_be(out, 0)
        if op == protocol.GET_CHILDREN:
            _write_names(out, node)
        else:
            write_buffer(out, node.data)
            self._database.write_stat(out, node)

    def _add_watch(self, reader: Reader, out: BytesWriter, watcher: Watcher) -> None:
        path = reader.buffer()
        mode = reader.int32()
        if mode != protocol.ADD_WATCH_PERSISTENT and mode != protocol.ADD_WATCH_RECURSIVE:
            raise DecodeError(f"unknown mode {mode} of addWatch")
        recursive = mode == protocol.ADD_WATCH_RECURSIVE
        self._database.watches.add_watch(watcher, watched_path(path), recursive)
        write_i32_be(out, 0)

    def _check_or_remove(self, op: i64, reader: Reader, watcher: Watcher) -> None:
        path = watched_path(reader.buffer())
        watcher_type = reader.int32()
        if watcher_type < protocol.WATCHER_CHILDREN or watcher_type > protocol.WATCHER_RECURSIVE:
            raise DecodeError(f"unknown type {watcher_type} of watcher")
        watches = self._database.watches
        if op == protocol.CHECK_WATCHES:
            found = watches.has(watcher, path, watcher_type)
        else:
            found = watches.remove(watcher, path, watcher_type)
        if not found:
            raise NoWatcherError

    def _get_ephemerals(self, reader: Reader, out: BytesWriter, watcher: Watcher) -> None:
        prefix = reader.buffer()
        owned = self._database.tree.owners.ephemerals_of(watcher.session_id)
        self._walked += len(owned) >> 1
        if prefix is not None and prefix.strip(TRIMMED) not in (b"", paths.ROOT):
            owned = [path for path in owned if path.startswith(prefix)]
        write_strings(out, owned)

    def _who_am_i(self, out: BytesWriter, who: list[Identity]) -> None:
        write_i32_be(out, i32(len(who)))
        for scheme, identity in who:
            write_buffer(out, scheme)
            write_buffer(out, self._auth.user_name(scheme, identity))


def _write_names(out: BytesWriter, node: ZNode) -> None:
    children = node.children
    if children is None:
        write_i32_be(out, 0)
        return
    write_i32_be(out, i32(len(children)))
    for name in children:
        write_i32_be(out, i32(len(name)))
        out.write(name)


def _count_below(node: ZNode) -> i64:
    count: i64 = 0
    waiting = [node]
    while waiting:
        children = waiting.pop().children
        if children is not None:
            count += len(children)
            waiting.extend(children.values())
    return count


def watched_path(path: bytes | None) -> bytes:
    """The path under which a watch is kept; one that is malformed as Java understands it."""
    return NULL_PATH if path is None else java_string(path)


def _masked(entry: Acl) -> Acl:
    permissions, scheme, identity = entry
    if scheme != b"digest" or b":" not in identity:
        return entry
    return permissions, scheme, identity.split(b":", 1)[0] + b":x"


def _decode_multi_read(reader: Reader) -> list[tuple[i64, bytes | None]]:
    """Operations and paths, all of one kind: reads, or what a transaction may hold, whose content does not matter."""
    ops: list[tuple[i64, bytes | None]] = []
    while True:
        op = reader.int32()
        done = reader.boolean()
        reader.int32()
        if done:
            return ops
        if ops and is_multi_read_op(ops[0][0]) != is_multi_read_op(op):
            raise DecodeError("reads and writes in one list")
        if is_multi_read_op(op):
            path = reader.buffer()
            reader.boolean()
            ops.append((op, path))
        else:
            ops.append((op, decode_multi_op(op, reader).path))
