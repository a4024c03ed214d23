"""The witness must see what is wrong: logs made by hand, and clients that saw something else."""

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import adler32

import pytest

from simulation.codec import buffer, i32, string
from simulation.history import Violation
from simulation.log_files import HEADER_BYTES
from simulation.raw_client import RawClient, Reply, Sent, Session
from simulation.requests import CREATE, CREATE_SESSION, SEQUENTIAL, SET_DATA, Create, Exists, Request, SetData

from .witness import Witness

SESSION = 5
OPENED = (0, CREATE_SESSION, i32(1000))


@pytest.fixture
def client() -> Iterator[RawClient]:
    """A client of `SESSION` that has not heard of anything."""
    loop = asyncio.new_event_loop()

    async def make() -> RawClient:
        return RawClient()

    made = loop.run_until_complete(make())
    made.session = Session(SESSION, bytes(16), 1000)
    yield made
    loop.close()


@pytest.fixture
def witness(tmp_path: Path, client: RawClient) -> Witness:
    made = Witness(tmp_path)
    made.clients.append(client)
    return made


def write_log(folder: Path, *entries: tuple[int, int, bytes], first: int = 1) -> None:
    """A log of transactions of `SESSION`, given by xid, type and body; the others count from `first`."""
    data = bytes(HEADER_BYTES)
    for zxid, (xid, kind, body) in enumerate(entries, first):
        payload = struct.pack(">qiqqi", SESSION, xid, zxid, 0, kind) + body
        data += struct.pack(">qi", adler32(payload), len(payload)) + payload + b"B"
    (folder / f"log.{first:x}").write_bytes(data)


def send(witness: Witness, xid: int, request: Request) -> Sent:
    sent = witness.sent[SESSION, xid] = Sent(request, xid, SESSION, sent_s=1.0)
    return sent


def hear(client: RawClient, sent: Sent, zxid: int, body: bytes = b"", code: int = 0) -> None:
    sent.reply = Reply(sent, zxid, code, 1.0, body)
    client.frames.append(sent.reply)


def made(path: str) -> bytes:
    return string(path) + buffer(b"") + i32(0)


def test_what_was_acknowledged_and_is_there(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    hear(client, send(witness, 1, Create("/a", form=CREATE)), 2, string("/a"))
    send(witness, 2, Create("/b", form=CREATE))
    write_log(tmp_path, OPENED, (1, CREATE, made("/a")), (2, CREATE, made("/b")))
    witness.judge()
    assert witness.last_zxid == 3
    assert witness.counts["writes unknown that lasted"] == 1


def test_what_was_acknowledged_and_is_not_there(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    hear(client, send(witness, 1, Create("/a", form=CREATE)), 2, string("/a"))
    write_log(tmp_path, OPENED)
    with pytest.raises(Violation, match="the logs end at 1"):
        witness.judge()


def test_another_answer(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    hear(client, send(witness, 1, Create("/a", form=CREATE)), 2, string("/other"))
    write_log(tmp_path, OPENED, (1, CREATE, made("/a")))
    with pytest.raises(Violation, match="the model says"):
        witness.judge()


def test_another_zxid(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    hear(client, send(witness, 1, Create("/a", form=CREATE)), 3, string("/a"))
    send(witness, 2, SetData("/a"))
    write_log(tmp_path, OPENED, (1, CREATE, made("/a")), (2, SET_DATA, b""))
    with pytest.raises(Violation, match="acknowledged at zxid 3 and is at 2"):
        witness.judge()


def test_a_read_of_what_is_not_there(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    hear(client, send(witness, 1, Exists("/a")), 1, bytes(68))
    write_log(tmp_path, OPENED)
    with pytest.raises(Violation, match="the model says"):
        witness.judge()


def test_zxids_that_go_back(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    for zxid in (1, 0):
        hear(client, send(witness, 1, Exists("/a")), zxid, code=-101)
    write_log(tmp_path, OPENED)
    with pytest.raises(Violation, match="zxids went back"):
        witness.judge()


def test_a_log_that_changed(witness: Witness, tmp_path: Path) -> None:
    write_log(tmp_path, OPENED)
    witness.judge()
    write_log(tmp_path, (0, CREATE_SESSION, i32(2000)))
    with pytest.raises(Violation, match="zxid 1 was"):
        witness.judge()


def test_a_gap(witness: Witness, tmp_path: Path) -> None:
    write_log(tmp_path, OPENED)
    write_log(tmp_path, (1, CREATE, made("/a")), first=3)
    with pytest.raises(Violation, match="gaps"):
        witness.judge()


def test_a_write_of_an_earlier_life(witness: Witness, tmp_path: Path) -> None:
    send(witness, 1, Create("/a", form=CREATE))
    write_log(tmp_path, OPENED)
    witness.judge()
    write_log(tmp_path, (1, CREATE, made("/a")), first=2)
    with pytest.raises(Violation, match="asked for by nobody"):
        witness.judge()


def test_a_sequential_name_given_twice(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    """The parent went and came, which no client of the load does."""
    write_log(tmp_path, OPENED, *((xid, 1, made("")) for xid in range(1, 3)))
    for xid in (1, 2):
        request = Create("/k0", form=CREATE) if xid == 1 else Create("/k0/s-", b"", SEQUENTIAL, form=CREATE)
        hear(client, send(witness, xid, request), xid + 1, string("/k0" if xid == 1 else "/k0/s-0000000000"))
    witness.judge()
    model = witness.replay.model
    model.nodes = {path: node for path, node in model.nodes.items() if not path.startswith("/k0/")}
    model.nodes["/k0"] = model.nodes["/k0"]._replace(cversion=0, children=frozenset())
    witness.clients.append(client)
    client.frames.clear()
    hear(client, send(witness, 3, Create("/k0/s-", b"", SEQUENTIAL, form=CREATE)), 4, string("/k0/s-0000000000"))
    write_log(tmp_path, (3, CREATE, made("")), first=4)
    with pytest.raises(Violation, match="second time"):
        witness.judge()


def test_a_session_that_was_refused_and_lives(witness: Witness, client: RawClient, tmp_path: Path) -> None:
    witness.refused.append((SESSION, 0.5))
    hear(client, send(witness, 1, Create("/a", form=CREATE)), 2, string("/a"))
    write_log(tmp_path, OPENED, (1, CREATE, made("/a")))
    with pytest.raises(Violation, match="said to be over"):
        witness.judge()


def test_a_session_that_was_given_out_and_is_not_there(witness: Witness) -> None:
    with pytest.raises(Violation, match="did not last"):
        witness.judge()
