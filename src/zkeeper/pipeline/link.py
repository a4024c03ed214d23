"""One client connection, without its socket: frames in, replies and notifications out.

A notification of a transaction is written before any reply that shows the transaction's effect.
"""

from typing import TYPE_CHECKING, Final, Protocol, final

from librt.strings import read_i32_be
from mypy_extensions import i64

from zkeeper.database.acls import IP, AclList, Identity
from zkeeper.database.sessions import Session
from zkeeper.database.watch_table import Watcher
from zkeeper.errors import ThrottledOpError
from zkeeper.pipeline.intake import Intake
from zkeeper.pipeline.link_state import CLOSED, NEW
from zkeeper.pipeline.link_stats import LinkStats
from zkeeper.pipeline.op_kinds import is_write
from zkeeper.pipeline.reads import is_read
from zkeeper.pipeline.replies import ReplyWriter
from zkeeper.pipeline.turns import Turns, Waiting
from zkeeper.wire import protocol
from zkeeper.wire.jute import Reader

if TYPE_CHECKING:
    from zkeeper.pipeline.proposals import Proposal
    from zkeeper.pipeline.service import Service

FORGET_SLICE_WATCHES: Final = 1000
"""Watches of a connection that is gone that are forgotten before others have their turn: about a millisecond."""
STMK: Final = b"stmk"
STMK_ARGUMENT_BYTES: Final = 8


class Outlet(Protocol):
    """The socket behind a link."""

    def send(self, data: bytes) -> bool:
        """Writes or buffers `data`; False when the client is behind in reading and no more should be made for it."""
        ...

    def pause(self) -> None:
        """Stops delivering what the client sends."""
        ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Closes the connection once what was sent has left."""
        ...


@final
class ClientLink(Watcher):
    """`address` is the client's, as ACLs of scheme ip know it; `peer` is host and port for people."""

    def __init__(self, service: "Service", outlet: Outlet, address: bytes, peer: str) -> None:
        super().__init__()
        self.service = service
        self.outlet = outlet
        self.address = address
        self.peer = peer
        self.credentials: list[Identity] = [(IP, address)]
        self.state: i64 = NEW
        self.session: Session | None = None
        self.timeout_ms: i64 = 0
        self.sends_read_only = False
        self.stats = LinkStats(service.wall_ms())
        self.replies = ReplyWriter(self.stats, service.stats)
        self._dirty = False
        self._turns = Turns(service, self.stats, self.replies)
        self._intake = Intake(service, self._turns, self.replies)

    # Frames in.

    def receive(self, data: bytes) -> None:
        """Takes what arrived, cut anywhere."""
        self._intake.receive(self, data)

    def maybe_resume(self) -> None:
        """Goes on reading if nothing forbids it any more."""
        self._intake.maybe_resume(self)

    def is_paused(self) -> bool:
        """Whether the client is not read from for now."""
        return self._intake.is_paused

    def outstanding(self) -> i64:
        return self._turns.outstanding()

    def frame(self, data: bytes, start: i64, end: i64) -> None:
        """Serves the frame between `start` and `end`."""
        self.stats.received += 1
        self.service.stats.packets_received += 1
        reader = Reader(data, start, end, self.service.settings.max_field_bytes)
        if self.state == NEW:
            self.service.handshake.take(self, reader)
            return
        if end - start < 8:
            self.service.tell(f"connection from {self.peer}: a frame is shorter than a request header; closed")
            self.close()
            return
        xid = reader.int32()
        op = reader.int32()
        self._turns.request(self, xid, op, reader)

    def overdue_frame(self, data: bytes, start: i64, end: i64) -> None:
        """Refuses a request; pings, authentication and the end of a session are served all the same."""
        op = i64(read_i32_be(data, start + 4)) if end - start >= 8 else protocol.PING
        if op == protocol.PING or op == protocol.CLOSE_SESSION or not (is_read(op) or is_write(op)):
            self.frame(data, start, end)
            return
        self.stats.received += 1
        self.service.stats.packets_received += 1
        self.service.stats.throttled_ops += 1
        self._turns.fail(self, i64(read_i32_be(data, start)), op, Reader(data, start, end), ThrottledOpError.code)

    def odd_length(self, data: bytes, position: i64) -> i64:
        """A length that cannot be: a four-letter word, or the end of the connection. How many bytes it takes to know,
        if that is more than came."""
        word = data[position : position + 4]
        if self.state == NEW and self.service.knows_word(word):
            argument = data[position + 4 :]
            if word == STMK and len(argument) < STMK_ARGUMENT_BYTES:
                return 4 + STMK_ARGUMENT_BYTES
            self.service.stats.packets_received += 1
            self.stats.received += 1
            self.replies.out.write(self.service.answer_word(word, argument, self))
            self.close()
            return 0
        self.service.tell(f"connection from {self.peer}: {self._oddity(word)}; closed")
        self.close()
        return 0

    def _oddity(self, word: bytes) -> str:
        """What is wrong with `word`, which stands where the length of a frame should."""
        if self.state == NEW and word.isascii() and bytes(word).decode("latin-1").isprintable():
            return f"{word!r} is neither a four-letter word nor the beginning of ZooKeeper's protocol"
        length = int.from_bytes(word, "big", signed=True)
        if length < 0:
            return f"{word!r} is no length of a frame"
        return (
            f"a request of {length} bytes, where jute.maxbuffer allows {self.service.settings.max_frame_bytes}; "
            "send less, or raise jute.maxbuffer on servers and clients"
        )

    # Writes.

    def expect_write(self) -> None:
        """A write is proposed on behalf of this connection."""
        self._turns.expect_write()

    def written(self, proposal: "Proposal", code: i64, now_ms: i64) -> None:
        """One of this connection's writes was applied with `code`: replies, then answers what waited for it."""
        self.replies.now_ms = now_ms
        self._turns.write_done()
        self.mark_dirty()
        if self.state == CLOSED:
            return
        if proposal.op == protocol.CREATE_SESSION:
            self.service.handshake.session_created(self)
            return
        self._turns.answer_write(self, proposal, code, now_ms)
        self._intake.answered()

    def synced(self, item: Waiting, now_ms: i64) -> None:
        """What was proposed before a sync of this connection's was applied."""
        self.replies.now_ms = now_ms
        self._turns.write_done()
        self.mark_dirty()
        if self.state != CLOSED:
            self._turns.answer_sync(self, item, now_ms)

    # Replies out.

    def reply_now(self, xid: i64, zxid: i64, code: i64) -> None:
        """A reply out of turn."""
        self.replies.aside(xid, zxid, code)
        self.flush()

    def send_connect_response(self, timeout_ms: i64, session_id: i64, password: bytes) -> None:
        is_read_only = self.service.is_read_only
        self.replies.connect_response(timeout_ms, session_id, password, self.sends_read_only, is_read_only)
        self.flush()

    def notify(self, event: i64, path: bytes, zxid: i64, acl: AclList) -> None:
        if self.state >= CLOSED:
            return
        if acl.world_permissions & protocol.READ or self.service.auth.allows(acl, protocol.READ, self.credentials):
            self.replies.event(event, path, zxid)
            self.mark_dirty()

    def mark_dirty(self) -> None:
        """Has what was written sent at the end of the batch."""
        if not self._dirty:
            self._dirty = True
            self.service.dirty.append(self)

    def flush(self) -> None:
        """Hands what was written to the socket."""
        self._dirty = False
        if len(self.replies.out) == 0 or self.state == CLOSED:
            return
        if not self.outlet.send(self.replies.take()):
            self._intake.is_unread = True

    def stalled(self) -> None:
        """The client does not read what was sent."""
        self._intake.is_unread = True

    def drained(self) -> None:
        """The client has read what was sent."""
        self._intake.is_unread = False
        self.maybe_resume()

    # The end.

    def close_silently(self) -> None:
        """Closes without sending what an expired session's ephemerals caused, as Java does."""
        self.replies.out.truncate(0)
        self.close()

    def close(self) -> None:
        """Sends what was written, then closes; the session lives on unless it was closed by a transaction."""
        if self.state != CLOSED:
            self.flush()
            self.state = CLOSED
            self.outlet.close()
            self.forget()

    def lost(self) -> None:
        """The connection is gone."""
        if self.state != CLOSED:
            self.service.stats.connections_dropped += 1
            self.state = CLOSED
            self.forget()

    def forget(self) -> None:
        self._turns.clear()
        self._intake.forget()
        self._forget_watches()
        self.service.link_closed(self)

    def _forget_watches(self) -> None:
        """In slices: somebody who watched much does not stop the others by leaving."""
        while not self.service.database.watches.remove_some(self, FORGET_SLICE_WATCHES):
            if self.service.later is not None:
                self.service.later(self._forget_watches)
                return
