"""The image of a database: sessions, ACL table and znodes, as in snapshots and in transfers to learners.

`sessions | ACL table | znodes, parents first | "/"` (storage, section 5.2, parts 2 to 5). An image is fuzzy: the tree
may change between two slices, and replay of the log from the zxid at its beginning mends what is mixed.
"""

from typing import Final, final

from librt.strings import BytesWriter, write_i32_be, write_i64_be
from mypy_extensions import i32, i64

from zkeeper.database import paths
from zkeeper.database.acls import OPEN_INDEX
from zkeeper.database.database import Database
from zkeeper.database.quota_usage import find_quotas
from zkeeper.database.tree import DataTree
from zkeeper.database.znode import ZNode
from zkeeper.errors import DecodeError, EndOfDataError
from zkeeper.wire.acl import read_acl, write_acl
from zkeeper.wire.jute import Reader, write_buffer

END_MARK: Final = b"\x00\x00\x00\x01/"


@final
class _Branch:
    """A znode whose children are being written: their names, as they were when it was written itself."""

    def __init__(self, path: bytes, node: ZNode, names: list[bytes]) -> None:
        self.path = path
        self.node = node
        self.names = names
        self.next: i64 = 0


@final
class ImageWriter:
    """Writes an image in slices. Sessions and ACLs are those of the moment of construction."""

    def __init__(self, database: Database) -> None:
        self._tree = database.tree
        self._sessions = list(database.sessions.items())
        self._acls = database.tree.acls.items()
        self._branches: list[_Branch] = []
        self._state = 0

    def next_slice(self, max_nodes: i64, max_bytes: i64) -> bytes | None:
        """The next piece of the image, None once all was given out.

        It ends after `max_nodes` znodes, or with the one that reaches `max_bytes`. Beyond that, sessions and ACLs
        are written in one go, and so are the names of a znode's children copied: about 10 ms for a million.
        """
        out = BytesWriter()
        if self._state == 0:
            self._write_head(out)
            self._write_node(out, b"", self._tree.root)
            self._state = 1
        elif self._state == 2:
            return None
        self._write_nodes(out, max_nodes, max_bytes)
        if not self._branches:
            out.write(END_MARK)
            self._state = 2
        return out.getvalue()

    def _write_head(self, out: BytesWriter) -> None:
        write_i32_be(out, i32(len(self._sessions)))
        for session_id, timeout_ms in self._sessions:
            write_i64_be(out, session_id)
            write_i32_be(out, i32(timeout_ms))
        write_i32_be(out, i32(len(self._acls)))
        for index, entries in self._acls:
            write_i64_be(out, index)
            write_acl(out, entries)

    def _write_nodes(self, out: BytesWriter, max_nodes: i64, max_bytes: i64) -> None:
        written: i64 = 0
        while self._branches and written < max_nodes and len(out) < max_bytes:
            branch = self._branches[-1]
            if branch.next >= len(branch.names):
                self._branches.pop()
                continue
            name = branch.names[branch.next]
            branch.next += 1
            children = branch.node.children
            child = children.get(name) if children is not None else None
            if child is not None:
                self._write_node(out, branch.path + b"/" + name, child)
                written += 1

    def _write_node(self, out: BytesWriter, path: bytes, node: ZNode) -> None:
        write_buffer(out, path)
        write_buffer(out, node.data)
        write_i64_be(out, node.acl.index)
        write_i64_be(out, node.czxid)
        write_i64_be(out, node.mzxid)
        write_i64_be(out, node.ctime_ms)
        write_i64_be(out, node.mtime_ms)
        write_i32_be(out, node.version)
        write_i32_be(out, node.cversion)
        write_i32_be(out, node.aversion)
        write_i64_be(out, node.owner)
        write_i64_be(out, node.pzxid)
        children = node.children
        if children:
            self._branches.append(_Branch(path, node, list(children)))


@final
class ImageReader:
    """Fills a fresh database from the pieces of an image, however they are cut."""

    def __init__(self, database: Database, limit_bytes: i64) -> None:
        self._database = database
        self._tree = DataTree(database.tree.owner_rules, database.tree.with_digest)
        self._limit_bytes = limit_bytes
        self._rest = b""
        self._state = 0
        self._left: i64 = 0

    def feed(self, chunk: bytes) -> bytes | None:
        """Takes the next piece; returns what followed the image once it is complete, None before that.

        Raises `DecodeError` when the bytes are not an image.
        """
        reader = Reader(self._rest + chunk if self._rest else chunk, 0, -1, self._limit_bytes)
        start = reader.position
        try:
            while self._state < 6:
                start = reader.position
                self._step(reader)
        except EndOfDataError:
            self._rest = reader.data[start:]
            return None
        self._rest = b""
        self._finish()
        return reader.data[reader.position :]

    def _step(self, reader: Reader) -> None:
        """Reads one item; on `EndOfDataError` nothing has changed."""
        if self._state == 0:
            self._left = reader.int32()
            self._state = 1
        elif self._state == 1:
            self._read_sessions(reader)
        elif self._state == 2:
            self._left = reader.int32()
            self._state = 3
        elif self._state == 3:
            self._read_acls(reader)
        else:
            self._read_node(reader)

    def _read_sessions(self, reader: Reader) -> None:
        if self._left <= 0:
            self._state = 2
            return
        session_id = reader.int64()
        self._database.sessions[session_id] = int(reader.int32())
        self._left -= 1

    def _read_acls(self, reader: Reader) -> None:
        if self._left <= 0:
            self._state = 4
            return
        index = reader.int64()
        entries = read_acl(reader)
        self._tree.acls.load(index, entries)
        self._left -= 1

    def _read_node(self, reader: Reader) -> None:
        path = reader.need_buffer()
        if path == paths.ROOT:
            self._state = 6
            return
        data = reader.buffer()
        acl_index = reader.int64()
        if reader.position + 60 > reader.end:
            raise EndOfDataError("a Stat is cut off")
        acls = self._tree.acls
        acl = acls.open if acl_index == OPEN_INDEX else acls.load_user(acl_index)
        node = ZNode(data, acl, 0, 0, 0)
        node.czxid = reader.int64()
        node.mzxid = reader.int64()
        node.ctime_ms = reader.int64()
        node.mtime_ms = reader.int64()
        node.version = i32(reader.int32())
        node.cversion = i32(reader.int32())
        node.aversion = i32(reader.int32())
        node.owner = reader.int64()
        node.pzxid = reader.int64()
        if path:
            if not self._tree.attach(path, node):
                raise DecodeError(f"znode {path!r} comes before its parent")
        else:
            self._tree.replace_root(node)

    def _finish(self) -> None:
        if self._tree.lookup(paths.QUOTA) is None or self._tree.lookup(paths.CONFIG) is None:
            raise DecodeError("the image lacks /zookeeper/quota or /zookeeper/config")
        self._tree.acls.drop_unused()
        find_quotas(self._tree)
        self._database.tree = self._tree
