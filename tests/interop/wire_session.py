"""A session of a wire client without a library: one request at a time, or many without waiting for their replies.

It knows what libraries keep to themselves: null data, containers and ttls, ids of ACLs as they are stored.
"""

from collections.abc import Iterable
from typing import NamedTuple

from .differential import codec
from .differential.codec import AclEntry, Cursor
from .differential.connection import Connection
from .servers import HOST, Server

OPEN: tuple[AclEntry, ...] = ((31, "world", "anyone"),)
NO_PASSWORD = bytes(16)
AUTH_XID = -4
PING_XID = -2
STAT_FIELDS = (
    "czxid", "mzxid", "ctime", "mtime", "version", "cversion", "aversion", "ephemeralOwner", "dataLength",
    "numChildren", "pzxid",
)  # fmt: skip


class Refused(Exception):
    """The server knows no such session."""


class ServerError(Exception):
    """A reply with an error; `code` says which."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the server answered {code}")
        self.code = code


class Credentials(NamedTuple):
    """What resumes a session."""

    session_id: int
    password: bytes


NO_SESSION = Credentials(0, NO_PASSWORD)


class WireSession:
    """Opens a session, or resumes one. Closing the socket leaves the session alive."""

    def __init__(self, server: Server, timeout_ms: int, resumed: Credentials = NO_SESSION) -> None:
        self._connection = Connection((HOST, server.port))
        self._xid = 0
        request = codec.i32(0) + codec.i64(0) + codec.i32(timeout_ms) + codec.i64(resumed.session_id)
        self._connection.send(codec.framed(request + codec.buffer(resumed.password) + b"\0"))
        answer = Cursor(self._connection.frame(), 4)
        self.timeout_ms, session_id, password = answer.i32(), answer.i64(), answer.buffer()
        if self.timeout_ms <= 0:
            self.drop()
            raise Refused
        assert password is not None
        self.credentials = Credentials(session_id, password)

    def drop(self) -> None:
        """Closes the connection, not the session."""
        self._connection.close()

    def close(self) -> None:
        """Closes the session."""
        self.call(codec.CLOSE_SESSION)
        self.drop()

    def authenticate(self, scheme: str, credentials: bytes) -> None:
        body = codec.i32(0) + codec.text(scheme) + codec.buffer(credentials)
        self._connection.send(codec.framed(codec.i32(AUTH_XID) + codec.i32(codec.AUTH) + body))
        self.reply()

    def ping(self) -> None:
        self._connection.send(codec.framed(codec.i32(PING_XID) + codec.i32(codec.PING)))
        self.reply()

    def send(self, op: int, body: bytes = b"") -> None:
        """Sends a request whose reply is for `reply` to read."""
        self._xid += 1
        self._connection.send(codec.framed(codec.i32(self._xid) + codec.i32(op) + body))

    def reply(self) -> Cursor:
        """The body of the next reply; raises `ServerError`."""
        frame = self._connection.frame()
        _, _, code = codec.REPLY_HEADER.unpack_from(frame)
        if code:
            raise ServerError(code)
        return Cursor(frame, codec.REPLY_HEADER.size)

    def call(self, op: int, body: bytes = b"") -> Cursor:
        self.send(op, body)
        return self.reply()

    # Writes.

    def create(
        self, path: str, data: bytes | None = b"", flags: int = 0, acl: Iterable[AclEntry] = OPEN, ttl_ms: int = 0
    ) -> str:
        """Creates a znode of the kind that `flags` says, and returns its path."""
        name = self.call(op_for(flags), create_body(path, data, flags, acl, ttl_ms)).buffer()
        assert name is not None
        return name.decode()

    def set_data(self, path: str, data: bytes | None, version: int = -1) -> None:
        self.call(codec.SET_DATA, codec.text(path) + codec.buffer(data) + codec.i32(version))

    def delete(self, path: str) -> None:
        self.call(codec.DELETE, codec.text(path) + codec.i32(-1))

    def set_acl(self, path: str, acl: Iterable[AclEntry]) -> None:
        self.call(codec.SET_ACL, codec.text(path) + codec.acl(acl) + codec.i32(-1))

    def multi(self, *operations: tuple[int, bytes]) -> None:
        """Errors of its operations are in the body of the reply and are not looked at."""
        parts = [codec.i32(op) + b"\0" + codec.i32(-1) + body for op, body in operations]
        self.call(codec.MULTI, b"".join(parts) + codec.i32(-1) + b"\1" + codec.i32(-1))

    # Reads.

    def exists(self, path: str) -> bool:
        try:
            self.call(codec.EXISTS, codec.text(path) + b"\0")
        except ServerError:
            return False
        return True

    def data(self, path: str) -> tuple[bytes | None, dict[str, int]]:
        """Data and Stat."""
        reply = self.call(codec.GET_DATA, codec.text(path) + b"\0")
        data = reply.buffer()
        return data, dict(zip(STAT_FIELDS, codec.STAT.unpack(reply.take(codec.STAT.size)), strict=True))

    def acl(self, path: str) -> list[tuple[int, bytes | None, bytes | None]]:
        reply = self.call(codec.GET_ACL, codec.text(path))
        return reply.vector(lambda: (reply.i32(), reply.buffer(), reply.buffer())) or []

    def children(self, path: str) -> list[str]:
        reply = self.call(codec.GET_CHILDREN, codec.text(path) + b"\0")
        return sorted((name or b"").decode() for name in reply.vector(reply.buffer) or [])

    def ephemerals(self) -> list[str]:
        reply = self.call(codec.GET_EPHEMERALS, codec.text("/"))
        return sorted((name or b"").decode() for name in reply.vector(reply.buffer) or [])


def op_for(flags: int) -> int:
    """The request that creates a znode of that kind."""
    return {4: codec.CREATE_CONTAINER, 5: codec.CREATE_TTL, 6: codec.CREATE_TTL}.get(flags, codec.CREATE)


def create_body(
    path: str, data: bytes | None = b"", flags: int = 0, acl: Iterable[AclEntry] = OPEN, ttl_ms: int = 0
) -> bytes:
    body = codec.text(path) + codec.buffer(data) + codec.acl(acl) + codec.i32(flags)
    return body + codec.i64(ttl_ms) if op_for(flags) == codec.CREATE_TTL else body
