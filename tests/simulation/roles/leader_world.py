"""The server of ours as a leader of scripted learners, servers 1 and 2."""

from typing import Any

from raw_jute import ERROR, buffer, i32, text

from zkeeper.storage.epochs import ACCEPTED_NAME, CURRENT_NAME
from zkeeper.storage.log_writer import TxnLog
from zkeeper.storage.whole_files import replace_file

from ..node import FOLDER  # noqa: TID252  the package has one name in pytest and another as a program
from ..raw_client import RawClient, Sent  # noqa: TID252  the package has one name in pytest and another as a program
from ..requests import Create, Request  # noqa: TID252  as above
from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    LEADER_INFO,
    NEW_LEADER,
    PROPOSAL,
    REQUEST,
    UP_TO_DATE,
    Packet,
    epoch,
    read_txn,
    request,
)
from .peers import Link, follow_to_service, introduce
from .world import RolesWorld

SESSION = 0x0100000000000001
"""One of a learner's clients."""
IDS = [(b"ip", b"127.0.0.1")]


class LeaderWorld(RolesWorld):
    """The server of ours has the highest id of the participants and leads; the test speaks for the others."""

    def __init__(self, participants: tuple[int, ...] = (1, 2, 3), **settings: Any) -> None:
        super().__init__(max(participants), participants, **settings)

    def learner(self, sid: int = 1) -> Link:
        """A connection of a learner, that has said nothing yet."""
        return self.peers[sid].connect(self.node.machine.name)

    def serve(self, sid: int = 1, **history: int) -> Link:
        """Starts all; a follower, with which our server leads in epoch 1. It acknowledges what is proposed."""
        self.start()
        link = self.learner(sid)
        follow_to_service(link, sid, **history)
        self.run_until(self.node.serves)
        acknowledge(link)
        return link

    def follow(self, sid: int, zxid: int = 0, *, accepted: int = 0, current: int = 0) -> Link:
        """One more follower, up to service."""
        link = self.learner(sid)
        follow_to_service(link, sid, zxid, accepted=accepted, current=current)
        acknowledge(link)
        return link

    def write(self, client: RawClient, *paths: str) -> list[int]:
        """Creates znodes; their zxids."""
        return [self.call(client, Create(path)).zxid for path in paths]

    def propose(self, client: RawClient, link: Link, request: Request) -> tuple[Sent, Packet]:
        """Has a client ask for something; what the follower hears of it."""
        sent = self.post(client, request)
        return sent, link.take(PROPOSAL)

    def begin_with(self, history: dict[int, bytes]) -> None:
        """Before anything is started: gives our server a log with these transactions, by zxid, and their last epoch."""
        self.node.start()
        disk, storage = self.node.disk, self.node.member._node.storage
        self.node.machine.restart()

        async def write() -> None:
            log = TxnLog(disk, storage, 0, lambda _: None)
            for zxid, payload in history.items():
                log.append(zxid, payload)
            await log.sync()
            await log.close()
            for name in (ACCEPTED_NAME, CURRENT_NAME):
                replace_file(disk, f"{FOLDER}/{name}", b"%d" % (max(history) >> 32))

        self.run(write(), self.node.machine)
        self.node.machine.kill()

    def lead_again(self) -> None:
        """All look for a leader again, and our server is it."""
        for peer in self.peers.values():
            peer.look_again()
        self.run_until(lambda: all(peer.has_role() for peer in self.peers.values()))


def acknowledge(link: Link) -> None:
    """From now on, as a follower whose disk is fast; what has come already, too."""

    def answer(packet: Packet) -> None:
        if packet.kind == PROPOSAL and link.acknowledges:
            link.send(ACK, packet.zxid)

    link.acknowledges = True
    link.on_packet = answer
    for packet in list(link.got):
        answer(packet)


def hold_back(link: Link) -> None:
    """As a follower whose disk stands still; what has come is not looked at any more."""
    link.acknowledges = False
    link.left()


def discover(link: Link, sid: int, zxid: int = 0, *, accepted: int = 0, current: int = 0) -> Packet:
    """The learner's half of discovery; what the leader sends first then."""
    led = introduce(link, sid, accepted)
    assert led.kind == LEADER_INFO, led
    link.send(ACK_EPOCH, zxid, i32(current))
    return link.next()


def until_new_leader(link: Link) -> list[Packet]:
    got: list[Packet] = []
    while not got or got[-1].kind != NEW_LEADER:
        got.append(link.next())
    return got


def catch_up(link: Link, number: int) -> None:
    """From NEWLEADER, which has come, to service."""
    link.send(ACK, epoch(number))
    link.wait_for(UP_TO_DATE, -1)
    link.send(ACK, epoch(number))
    link.answers_pings = True


# What a learner asks for its clients.


def create_body(path: str, data: bytes = b"", flags: int = 0) -> bytes:
    return text(path) + buffer(data) + i32(1) + i32(31) + text("world") + text("anyone") + i32(flags)


def ask(link: Link, op: int, body: bytes, session_id: int = SESSION, cxid: int = 1) -> tuple[int, int]:
    """The type of the transaction that came of it, and its error code if it is one."""
    link.left()
    link.send(REQUEST, -1, request(session_id, cxid, op, body), IDS)
    head = read_txn(link.take(PROPOSAL).data)
    link.take(COMMIT)
    assert (head.session_id, head.cxid) == (session_id, cxid)
    return head.kind, int.from_bytes(head.body[:4], signed=True) if head.kind == ERROR else 0
