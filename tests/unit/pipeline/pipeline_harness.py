"""A request road without sockets and disk: a log that is durable when the test says so, clients that speak bytes."""

from collections.abc import Sequence

import raw_wire as raw
from raw_wire import Event, OpResult, Reply, Stat

from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.prepare import PrepareOptions
from zkeeper.pipeline.service import Service
from zkeeper.pipeline.settings import ServiceSettings
from zkeeper.pipeline.surroundings import Surroundings

FIRST_SESSION = 0x0100000D47A00000
START_MS = 1_700_000_000_000
LIMIT_BYTES = 2 * 0xFFFFF


class Outlet:
    """Records what a connection would send. With `is_behind` the client does not read it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_behind = False
        self.is_paused = False
        self.is_closed = False

    def send(self, data: bytes) -> bool:
        assert not self.is_closed, "sent after the close"
        self.data += data
        return not self.is_behind

    def pause(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume(self) -> None:
        assert self.is_paused
        self.is_paused = False

    def close(self) -> None:
        assert not self.is_closed, "closed twice"
        self.is_closed = True

    def take(self) -> bytes:
        data = bytes(self.data)
        self.data.clear()
        return data


class Server:
    """A `Service` whose log grows in `log` and is durable up to where `commit` was called."""

    def __init__(
        self, *, extended_types: bool = False, enforce_quota: bool = False, reconfig: bool = False,
        list_ephemerals: bool = True, auth: AuthRules | None = None, first_session: int = FIRST_SESSION,
        outstanding_limit: int = 1000, database: Database | None = None, read_only: bool = False,
    ) -> None:  # fmt: skip
        self.wall_ms = START_MS
        self.now_ms = 0
        self.log: list[tuple[int, bytes]] = []
        self.told: list[str] = []
        self.wakes = 0
        self.options = DatabaseOptions(extended_types=extended_types)
        self.database = database or Database(self.options, self.told.append)
        self.service = Service(
            self.database, auth or AuthRules(), ServiceSettings(4000, 40000, 2000, outstanding_limit=outstanding_limit),
            PrepareOptions(enforce_quota, reconfig, list_ephemerals), first_session,
            Surroundings(lambda: self.wall_ms, lambda: self.now_ms, self.told.append),
        )  # fmt: skip
        if read_only:
            self.service.serve_reads_only()
            return
        self.service.connect_log(self, self._wake)
        self.service.start()

    def append(self, zxid: int, payload: bytes) -> bool:
        """A batch goes on as long as not all of the log is durable."""
        assert not self.log or zxid == self.log[-1][0] + 1
        is_first = self.service.committed_zxid() == zxid - 1
        self.log.append((zxid, payload))
        return is_first

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def last_logged(self) -> int:
        return self.log[-1][0] if self.log else int(self.database.last_zxid)

    def commit(self, count: int | None = None) -> None:
        """Makes the next `count` transactions durable, or all that there are, also those that follow from it."""
        if count is not None:
            self.service.committed(min(int(self.database.last_zxid) + count, self.last_logged))
            return
        self.service.committed(self.last_logged)
        while self.database.last_zxid < self.last_logged:
            self.service.committed(self.last_logged)

    def open(self, address: bytes = b"127.0.0.1") -> "Client":
        return Client(self, address)

    def connect(self, timeout_ms: int = 10000, address: bytes = b"127.0.0.1") -> "Client":
        client = self.open(address)
        client.handshake(raw.connect(timeout_ms))
        assert client.session_id
        return client


class Client:
    """One connection, `session_id` 0 before the handshake."""

    def __init__(self, server: Server, address: bytes) -> None:
        self.server = server
        self.outlet = Outlet()
        self.link = ClientLink(server.service, self.outlet, address, "peer:1")
        self.session_id = 0
        self.timeout_ms = 0
        self.password = bytes(16)
        self.xid = 0

    @property
    def is_closed(self) -> bool:
        return self.outlet.is_closed

    def send(self, data: bytes) -> None:
        self.link.receive(data)

    def post(self, op: int, body: bytes = b"") -> int:
        """Sends a request and returns its xid; commits nothing."""
        self.xid += 1
        self.send(raw.request(self.xid, op, body))
        return self.xid

    def take(self) -> list[Reply]:
        return [raw.reply(payload) for payload in raw.split(self.outlet.take())]

    def events(self) -> list[Event]:
        return [reply.event() for reply in self.take()]

    def handshake(self, data: bytes) -> bytes:
        self.send(data)
        self.server.commit()
        sent = self.outlet.take()
        if sent:
            cursor = raw.Cursor(raw.split(sent)[0])
            assert cursor.i32() == 0
            self.timeout_ms, self.session_id, self.password = cursor.i32(), cursor.i64(), cursor.buffer() or b""
        return sent

    def call(self, op: int, body: bytes = b"") -> Reply:
        """The reply to one request; notifications that came before it are kept for `noted`."""
        xid = self.post(op, body)
        self.server.commit()
        replies = self.take()
        assert replies, "no reply"
        assert replies[-1].xid == xid
        self.noted = [reply.event() for reply in replies[:-1]]
        return replies[-1]

    def err(self, op: int, body: bytes = b"") -> int:
        reply = self.call(op, body)
        assert reply.err == 0 or not reply.body
        return reply.err

    def ok(self, op: int, body: bytes = b"") -> Reply:
        reply = self.call(op, body)
        assert reply.err == 0, f"error {reply.err}"
        return reply

    # The common requests.

    def create(
        self, path: bytes, data: bytes | None = b"", flags: int = 0, entries: Sequence[raw.RawEntry] = tuple(raw.OPEN)
    ) -> bytes:
        made = self.ok(raw.CREATE, raw.create(path, data, flags, entries)).cursor().buffer()
        assert made is not None
        return made

    def stat(self, path: bytes) -> Stat:
        return self.ok(raw.EXISTS, raw.read(path)).cursor().stat()

    def get(self, path: bytes) -> tuple[bytes | None, Stat]:
        cursor = self.ok(raw.GET_DATA, raw.read(path)).cursor()
        return cursor.buffer(), cursor.stat()

    def children(self, path: bytes) -> list[bytes]:
        return sorted(self.ok(raw.GET_CHILDREN, raw.read(path)).cursor().buffers())

    def delete(self, path: bytes) -> Reply:
        return self.ok(raw.DELETE, raw.versioned(path))

    def write(self, path: bytes, data: bytes | None, version: int = -1) -> Stat:
        return self.ok(raw.SET_DATA, raw.set_data(path, data, version)).cursor().stat()

    def multi(self, *ops: tuple[int, bytes]) -> list[OpResult]:
        return raw.results(self.ok(raw.MULTI, raw.multi(*ops)).body)

    def log_in(self, user: bytes) -> None:
        self.ok(raw.AUTH, raw.auth(b"digest", user))

    def who_am_i(self) -> set[tuple[bytes | None, bytes | None]]:
        cursor = self.ok(raw.WHO_AM_I).cursor()
        return {(cursor.buffer(), cursor.buffer()) for _ in range(cursor.i32())}
