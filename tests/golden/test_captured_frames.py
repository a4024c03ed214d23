"""A conversation that was captured between a client and the Java server, replayed byte for byte."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import raw_wire as raw
from pipeline_harness import Client, Server

from zkeeper.database.database import Database
from zkeeper.wire import protocol
from zkeeper.wire.acl import WORLD_ANYONE
from zkeeper.wire.txns import CreateBody, ErrorBody, SetDataBody, Txn

LINES = (Path(__file__).parent / "captured_frames.txt").read_text().splitlines()
T_CREATED_MS = 0x1A203CC05F6


def apply_create(database: Database, zxid: int, path: bytes, parent_cversion: int) -> None:
    body = CreateBody(protocol.CREATE, path, b"x", (WORLD_ANYONE,), False, parent_cversion, 0)
    database.apply(Txn(1, 0, zxid, T_CREATED_MS, protocol.CREATE, body))


def skip_to(database: Database, zxid: int) -> Database:
    database.apply(Txn(1, 0, zxid, T_CREATED_MS, protocol.ERROR, ErrorBody(-101)))
    return database


def with_t() -> Database:
    """As the server was when the frames A30 and A31 were captured."""
    database = Database()
    apply_create(database, 2, b"/t", -1)
    database.apply(Txn(1, 0, 6, T_CREATED_MS, protocol.SET_DATA, SetDataBody(b"/t", b"w", 1)))
    for number in range(1, 16):
        apply_create(database, 0x55 - 15 + number, b"/t/%d" % number, number)
    return skip_to(database, 0x7B)


def with_jt() -> Database:
    database = Database()
    apply_create(database, 2, b"/jt", -1)
    return skip_to(database, 0x2E)


STATES = {"nothing": Database, "t-with-15-children": with_t, "jt": with_jt}


@dataclass
class Step:
    """What is sent in one piece, what has to come back, and whether the connection is closed then."""

    title: str
    commands: list[list[str]] = field(default_factory=list)
    sent: str = ""
    expected: str = ""
    closes: bool = False
    any_order: bool = False


def scripts() -> list[list[Step]]:
    """The steps of each server."""
    found: list[list[Step]] = []
    step, title, side = Step(""), "", ""
    for line in LINES:
        word, _, rest = line.partition(" ")
        if word == "server":
            step = Step(title)
            found.append([step])
        if word == "#":
            title = rest
        if word in ("C>", ""):
            side = word or side
        if not found or not line.strip() or word == "#":
            continue
        if word == "S>":
            side = word
        if (word == "C>" and step.expected) or (word in ("open", "login", "time", "any-order") and step.sent):
            step = Step(title)
            found[-1].append(step)
        step.title = title
        if word in ("C>", "S>", ""):
            if side == "C>":
                step.sent += rest.replace(" ", "")
            else:
                step.expected += rest.replace(" ", "")
        elif word == "closed":
            step.closes = True
        elif word == "any-order":
            step.any_order = True
        else:
            step.commands.append([word, *rest.split()])
    return found


class Replay:
    def __init__(self) -> None:
        self.server = Server()
        self.client: Client | None = None

    def do(self, word: str, *arguments: str) -> None:
        if word == "server":
            self.server = Server(first_session=int(arguments[0], 16), database=STATES[arguments[1]]())
        elif word == "time":
            self.server.wall_ms = int(arguments[0], 16)
        else:
            self.client = self.server.open()
            if word == "login":
                self.client.handshake(raw.connect())

    def check(self, step: Step) -> None:
        for command in step.commands:
            self.do(*command)
        assert self.client is not None
        self.client.send(bytes.fromhex(step.sent))
        self.server.commit()
        answer, expected = self.client.outlet.take(), bytes.fromhex(step.expected)
        if step.any_order:
            assert sorted(answer) == sorted(expected), step.title
        else:
            assert answer.hex() == expected.hex(), step.title
        assert self.client.is_closed == step.closes, step.title


@pytest.mark.parametrize("script", scripts(), ids=["A1-A29", "A30-A31", "A32"])
def test_the_answers_are_the_same_bytes(script: list[Step]) -> None:
    replay = Replay()
    for step in script:
        replay.check(step)


def test_the_whole_capture_is_replayed() -> None:
    titles = {step.title.split()[0] for script in scripts() for step in script}
    assert titles == {f"A{number}" for number in range(1, 33)}
