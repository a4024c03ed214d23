"""The server of ours as a learner of a scripted leader, server 3."""

from typing import Any

from raw_jute import i32

from ..raw_client import RawClient  # noqa: TID252  the package has one name in pytest and another as a program
from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    DIFF,
    FOLLOWER_INFO,
    INFORM,
    LEADER_INFO,
    NEW_LEADER,
    OBSERVER_INFO,
    REQUEST,
    UP_TO_DATE,
    Packet,
    create_session_txn,
    create_txn,
    epoch,
)
from .peers import Link, Peer
from .world import RolesWorld


class LearnerWorld(RolesWorld):
    """Server 1 is ours and follows 3, which the test speaks for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(1, zxid=epoch(100), peer_epoch=100, **settings)
        self.is_observer = 1 in settings.get("observers", ())

    @property
    def leader(self) -> Peer:
        return self.peers[3]

    def begin(self) -> Link:
        """Starts all; the connection of our server to the leader."""
        self.start()
        self.leader.listen()
        return self.leader.next_learner()

    def lead_in(self, link: Link, number: int) -> Packet:
        """The leader's half of discovery; the learner's ACKEPOCH."""
        link.expect(OBSERVER_INFO if self.is_observer else FOLLOWER_INFO)
        link.send(LEADER_INFO, epoch(number), i32(0x10000))
        return link.expect(ACK_EPOCH)

    def lead_in_or_die(self, link: Link, number: int) -> None:
        """As `lead_in`, with a learner that may die of it."""
        try:
            self.lead_in(link, number)
        except ConnectionError:
            assert not self.node.machine.is_alive

    def new_leader(self, link: Link, number: int) -> None:
        """NEWLEADER, until it is acknowledged."""
        link.send(NEW_LEADER, epoch(number), self.text.encode())
        link.expect(ACK, epoch(number))

    def up_to_date(self, link: Link, number: int) -> None:
        link.send(UP_TO_DATE, -1)
        link.expect(ACK, epoch(number))
        self.run_until(self.node.serves)
        link.keep_alive()

    def serve(self, link: Link, number: int, count: int = 0) -> None:
        """Brings our server into service in an epoch, with that many transactions in it: /e<epoch>-<number>."""
        self.lead_in(link, number)
        link.send(DIFF, 0)
        for counter in range(1, count + 1):
            link.propose(epoch(number) + counter, made(epoch(number) + counter), commit=True)
        self.new_leader(link, number)
        self.up_to_date(link, number)

    def rejoin(self, link: Link) -> Link:
        """The leader leaves the learner, which comes again."""
        link.close()
        return self.leader.next_learner()

    def paths(self) -> set[str]:
        """What clients would see, beside the reserved znodes."""
        return {path for path in self.node.photo().nodes if path.startswith("/e")}

    def open_session(self, link: Link, zxid: int, name: str = "client") -> RawClient:
        """A session whose creation is transaction `zxid`."""
        connecting = self.begin_connect(name)
        asked = link.take(REQUEST)
        assert asked.data is not None
        self.commit(link, zxid, create_session_txn(zxid, int.from_bytes(asked.data[:8], signed=True)))
        self.run_until(connecting.done)
        return connecting.result()

    def commit(self, link: Link, zxid: int, payload: bytes) -> None:
        """A transaction from proposal to commit."""
        if self.is_observer:
            link.send(INFORM, zxid, payload)
            return
        link.propose(zxid, payload)
        link.wait_for(ACK, zxid)
        link.send(COMMIT, zxid)


def made(zxid: int) -> bytes:
    return create_txn(zxid, path_of(zxid))


def path_of(zxid: int) -> str:
    return f"/e{zxid >> 32}-{zxid & 0xFFFFFFFF}"


def paths(*zxids: int) -> set[str]:
    return {path_of(zxid) for zxid in zxids}
