"""The exchange, frame by frame: golden bytes of the Java server, and what a server may do wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zkeeper.errors import (
    BadVersionError,
    ConnectionLossError,
    DecodeError,
    FrameTooLongError,
    NoNodeError,
    Outcome,
    ZooKeeperError,
)
from zkeeper.values import OPEN_ACL, Children, Created, EventType, NodeData, Stat, WatchEvent
from zkeeper.wire import client_replies as shapes
from zkeeper.wire import protocol
from zkeeper.wire.client_exchange import MAX_IN_FLIGHT, Exchange
from zkeeper.wire.client_outbox import MAX_CHUNK_REQUESTS
from zkeeper.wire.client_pending import RISKY
from zkeeper.wire.client_replies import read_welcome
from zkeeper.wire.client_requests import connect_frame, create_body, set_data_body, set_watches_bodies
from zkeeper.wire.client_watches import Watcher

FRAMES = Path(__file__).parents[2] / "golden" / "captured_frames.txt"


class Future:
    """What the exchange needs of one."""

    def __init__(self) -> None:
        self.outcome: Any = None
        self.is_cancelled = False

    def done(self) -> bool:
        return self.outcome is not None or self.is_cancelled

    def set_result(self, value: Any) -> None:
        assert not self.done()
        self.outcome = ("result", value)

    def set_exception(self, error: Exception) -> None:
        assert not self.done()
        self.outcome = ("error", error)

    @property
    def value(self) -> Any:
        assert self.outcome[0] == "result", self.outcome
        return self.outcome[1]

    @property
    def error(self) -> ZooKeeperError:
        assert self.outcome[0] == "error", self.outcome
        found: ZooKeeperError = self.outcome[1]
        return found


class Bench:
    """An exchange that is connected to the test."""

    def __init__(self, max_frame_bytes: int = 1000) -> None:
        self.wakes = 0
        self.specials: list[tuple[int, int]] = []
        self.errors: list[Exception] = []
        self.exchange = Exchange(
            Future, self._wake, self.errors.append, lambda xid, code: self.specials.append((xid, code)), max_frame_bytes
        )
        self.exchange.outbox.refusal = None

    def _wake(self) -> None:
        self.wakes += 1

    def get(self, path: str = "/t", watch: Any = None) -> Any:
        watcher = None if watch is None else Watcher(watch, 0)
        return self.exchange.outbox.read(protocol.GET_DATA, shapes.NODE_DATA, "", path, watcher)

    def create(self, path: str, data: bytes = b"") -> Any:
        body = create_body(protocol.CREATE, path.encode(), data, OPEN_ACL, 0, 0)
        return self.exchange.outbox.request(protocol.CREATE, shapes.PATH, RISKY, 0, path, body)

    def sent(self, now_s: float = 0.0) -> bytes:
        found = b""
        while data := self.exchange.take(now_s):
            found += data
        return found


def reply(xid: int, zxid: int = 7, code: int = 0, body: bytes = b"") -> bytes:
    payload = xid.to_bytes(4, signed=True) + zxid.to_bytes(8, signed=True) + code.to_bytes(4, signed=True) + body
    return len(payload).to_bytes(4) + payload


def event(kind: int, path: str, zxid: int = 7) -> bytes:
    raw = path.encode()
    return reply(-1, zxid, 0, kind.to_bytes(4) + (3).to_bytes(4) + len(raw).to_bytes(4) + raw)


# Golden frames.


def golden(name: str) -> tuple[bytes, list[bytes]]:
    """What the client sent in the step of that name, and the frames that the Java server answered."""
    sent, answers, is_answer = "", [], False
    for line in _lines_of(name):
        if line.startswith("C>"):
            sent, is_answer = line[2:], False
        elif line.startswith("S>"):
            answers.append(line[2:])
            is_answer = True
        elif line.startswith(" "):
            if is_answer:
                answers[-1] += line
            else:
                sent += line
    return bytes.fromhex(sent), [bytes.fromhex(answer) for answer in answers]


def _lines_of(name: str) -> Iterator[str]:
    is_inside = False
    for line in FRAMES.read_text().splitlines():
        if line.startswith("# "):
            is_inside = line.startswith(f"# {name} ")
        elif is_inside:
            yield line


def test_the_handshake() -> None:
    sent, (answer,) = golden("A1")
    assert connect_frame(0, 10_000, 0, bytes(16), False) == sent
    welcome = read_welcome(answer[4:])
    assert (welcome.timeout_ms, welcome.session_id, welcome.read_only) == (10_000, 0x0100000D47A00000, False)
    assert welcome.password.hex() == "d29fb5a9f7e918ae0054840c980c723d"


def exchange_of(name: str, first_xid: int, ask: Any) -> tuple[Any, Bench]:
    """Asks, compares what is sent with the golden bytes, feeds the golden answer one byte at a time."""
    sent, answers = golden(name)
    bench = Bench()
    bench.exchange.outbox._xid = first_xid - 1 if hasattr(bench.exchange.outbox, "_xid") else 0
    future = ask(bench.exchange)
    assert bench.sent() == sent
    for byte in b"".join(answers):
        bench.exchange.feed(bytes([byte]))
    assert bench.exchange.last_zxid == int.from_bytes(answers[-1][8:16])
    return future, bench


T_STAT = Stat(2, 2, 0x1A203CC05F6, 0x1A203CC05F6, 0, 2, 0, 0, 5, 2, 4)


def create(path: bytes, data: bytes, op: int, flags: int, shape: int) -> Any:
    body = create_body(op, path, data, OPEN_ACL, flags, 0)
    return lambda exchange: exchange.outbox.request(op, shape, RISKY, 0, path.decode(), body)


def read(op: int, shape: int, path: str, watch: bool = False) -> Any:
    return lambda exchange: exchange.outbox.read(op, shape, "", path, Watcher(lambda event: None, 0) if watch else None)


GOLDEN: list[tuple[str, int, Any, Any]] = [
    ("A2", 1, create(b"/t", b"hello", protocol.CREATE, 0, shapes.PATH), "/t"),
    ("A3", 2, create(b"/t/a", b"x", protocol.CREATE2, 0, shapes.CREATED), "/t/a"),
    ("A4", 3, create(b"/t/s-", b"", protocol.CREATE2, 2, shapes.CREATED), "/t/s-0000000001"),
    ("A5", 4, read(protocol.EXISTS, shapes.STAT, "/nope", True), None),
    ("A6", 5, read(protocol.GET_DATA, shapes.NODE_DATA, "/t", True), NodeData(b"hello", T_STAT)),
    ("A7", 6, read(protocol.GET_CHILDREN2, shapes.CHILDREN, "/t"), Children(["a", "s-0000000001"], T_STAT)),
    ("A8", 7, read(protocol.GET_CHILDREN, shapes.CHILD_NAMES, "/t"), ["a", "s-0000000001"]),
]


@pytest.mark.parametrize(("name", "xid", "ask", "expected"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_golden_frames(name: str, xid: int, ask: Any, expected: Any) -> None:
    future, _ = exchange_of(name, xid, ask)
    value = future.value
    assert (value.path if isinstance(value, Created) else value) == expected


def test_a_golden_error() -> None:
    body = set_data_body(b"/t", b"w", 7)
    future, _ = exchange_of(
        "A9", 8, lambda exchange: exchange.outbox.request(protocol.SET_DATA, shapes.STAT, RISKY, 0, "/t", body)
    )
    assert isinstance(future.error, BadVersionError)
    assert future.error.path == "/t"


# Order.


def test_replies_complete_futures_in_order_and_events_come_between() -> None:
    bench = Bench()
    told: list[tuple[WatchEvent, bool]] = []
    first = bench.get("/t", lambda event: told.append((event, second.done())))
    second = bench.get("/u")
    bench.sent()
    node = b"\0\0\0\x01x" + bytes(68)
    bench.exchange.feed(reply(1, body=node) + event(3, "/t", 9) + event(3, "/t", 10) + reply(2, code=-101))
    assert first.value == NodeData(b"x", Stat(*[0] * 11))
    assert isinstance(second.error, NoNodeError)
    assert told == [(WatchEvent(EventType.DATA_CHANGED, "/t", 9), False)], "told once, before the reply behind it"


def test_null_data() -> None:
    bench = Bench()
    future = bench.get()
    bench.sent()
    bench.exchange.feed(reply(1, body=b"\xff\xff\xff\xff" + bytes(68)))
    assert (future.value.data, future.value.is_null) == (b"", True)


def test_a_reply_to_a_cancelled_request_is_dropped() -> None:
    bench = Bench()
    first, second = bench.get(), bench.get()
    first.is_cancelled = True
    bench.sent()
    bench.exchange.feed(reply(1, code=-101) + reply(2, code=-101))
    assert first.outcome is None
    assert isinstance(second.error, NoNodeError)


@pytest.mark.parametrize(
    "data",
    [
        reply(2, code=-101),
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\0\0\0\x04abcd",
        reply(1, body=b"\0\0\0\x09x"),
        reply(-1, body=b"\0\0\0\x03"),
    ],
    ids=["not due", "negative length", "huge length", "short frame", "cut value", "cut event"],
)
def test_what_no_server_sends_ends_the_connection(data: bytes) -> None:
    bench = Bench()
    bench.get()
    bench.sent()
    with pytest.raises(DecodeError):
        bench.exchange.feed(data)


def test_a_reply_that_is_too_long_says_so_to_its_request() -> None:
    bench = Bench()
    future = bench.get("/big")
    bench.sent()
    with pytest.raises(DecodeError):
        bench.exchange.feed((1 << 30).to_bytes(4))
    assert isinstance(future.error, FrameTooLongError)
    assert "/big" in str(future.error)


def test_a_request_that_is_too_long_is_refused_at_once() -> None:
    bench = Bench(max_frame_bytes=1000)
    with pytest.raises(FrameTooLongError, match=r"^/a: the request has \d+ bytes, but at most 1000 are sent"):
        bench.create("/a", bytes(1000))
    assert bench.sent() == b""


def test_special_replies_stand_outside_the_order() -> None:
    bench = Bench()
    future = bench.get()
    bench.sent()
    bench.exchange.feed(reply(-2) + reply(-4, 0, -115) + reply(-8) + reply(1, code=-101))
    assert bench.specials == [(-2, 0), (-4, -115), (-8, 0)]
    assert future.done()


# Flow.


def test_it_wakes_once_for_all_that_is_asked_in_one_turn() -> None:
    bench = Bench()
    for _ in range(3):
        bench.get()
    assert bench.wakes == 1
    bench.sent()
    bench.exchange.outbox.is_asleep = True
    bench.get()
    assert bench.wakes == 2


def test_no_more_is_in_flight_than_a_bound() -> None:
    bench = Bench()
    futures = [bench.get() for _ in range(MAX_IN_FLIGHT + 2 * MAX_CHUNK_REQUESTS)]
    bench.sent()
    assert bench.exchange.in_flight() == MAX_IN_FLIGHT
    bench.exchange.feed(b"".join(reply(xid, code=-101) for xid in range(1, MAX_CHUNK_REQUESTS + 1)))
    bench.sent()
    assert bench.exchange.in_flight() == MAX_IN_FLIGHT
    assert sum(future.done() for future in futures) == MAX_CHUNK_REQUESTS


def test_touched_is_the_time_at_which_an_answered_request_was_sent() -> None:
    bench = Bench()
    bench.get()
    bench.sent(1.0)
    bench.get()
    bench.get()
    bench.sent(2.0)
    bench.exchange.feed(event(3, "/t"))
    assert bench.exchange.touched_s == 0.0, "a notification proves nothing"
    bench.exchange.feed(reply(1, code=-101))
    assert bench.exchange.touched_s == 1.0
    bench.exchange.feed(reply(2, code=-101))
    assert bench.exchange.touched_s == 2.0


def test_touched_begins_anew_on_the_next_connection() -> None:
    bench = Bench()
    for now_s in (1.0, 2.0):
        bench.get()
        bench.sent(now_s)
    bench.exchange.connection_lost("gone")
    bench.get()
    bench.sent(3.0)
    bench.exchange.feed(reply(3, code=-101))
    assert bench.exchange.touched_s == 3.0


# The end of connections.


def test_what_is_in_flight_fails_and_what_waits_goes_on() -> None:
    bench = Bench()
    sent, read_sent = bench.create("/a"), bench.get("/a")
    bench.sent()
    waiting = bench.create("/b")
    bench.exchange.feed(reply(1)[:7])
    bench.exchange.connection_lost("gone")
    assert isinstance(sent.error, ConnectionLossError)
    assert (sent.error.outcome, sent.error.path, sent.error.is_repeatable) == (Outcome.UNKNOWN, "/a", False)
    assert (read_sent.error.outcome, read_sent.error.is_repeatable) == (Outcome.NOT_APPLIED, True)
    assert not waiting.done()
    assert b"/b" in bench.sent()
    bench.exchange.feed(reply(3, body=b"\0\0\0\x02/b"))
    assert waiting.value == "/b"


def test_each_request_that_will_not_be_sent_gets_an_error_of_its_own() -> None:
    bench = Bench()
    first, second = bench.create("/a"), bench.create("/b")
    bench.exchange.outbox.fail_waiting(ConnectionLossError("never sent"))
    assert (first.error.path, second.error.path) == ("/a", "/b")
    assert first.error is not second.error
    assert bench.sent() == b""


def test_last_zxid_never_goes_back_and_notifications_do_not_count() -> None:
    bench = Bench()
    for _ in range(3):
        bench.get()
    bench.sent()
    bench.exchange.feed(reply(1, 9, -101) + reply(2, 8, -101) + event(3, "/t", 11) + reply(3, -1, -6))
    assert bench.exchange.last_zxid == 9


# Setting watches again.


def test_watches_are_set_in_chunks() -> None:
    paths = [f"/{number:06d}{'x' * 100}" for number in range(5000)]
    bodies = set_watches_bodies(5, [paths, [], paths[:10], [], []])
    assert {op for op, _ in bodies} == {protocol.SET_WATCHES}
    assert len(bodies) == 5
    assert max(len(body) for _, body in bodies) <= 128 * 1024
    assert sum(body.count(b"x" * 100) for _, body in bodies) == 5010


def test_persistent_watches_need_the_newer_request() -> None:
    ((op, body),) = set_watches_bodies(5, [["/a"], [], [], ["/b"], ["/c"]])
    assert op == protocol.SET_WATCHES2
    assert body == bytes.fromhex("0000000000000005 00000001 00000002 2f61 00000000 00000000 00000001 00000002 2f62") + (
        bytes.fromhex("00000001 00000002 2f63")
    )
    assert set_watches_bodies(5, [[], [], [], [], []]) == []
