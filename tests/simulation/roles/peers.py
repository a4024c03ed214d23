"""Scripted members of an ensemble: they elect as real ones do, and say between a leader and its learners what a test
tells them to say.
"""

import asyncio
from collections.abc import Callable

from raw_jute import i32

from zkeeper.quorum.election import Decision
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.quorum.votes import LOOKING, Vote
from zkeeper.server.ensemble.election import Election, ElectionSettings
from zkeeper.server.ensemble.peer_connections import PeerSettings
from zkeeper.testing.simulation import Machine, Simulation

from .packets import (
    ACK,
    ACK_EPOCH,
    COMMIT,
    FOLLOWER_INFO,
    LEADER_INFO,
    NAMES,
    NEW_LEADER,
    PING,
    PROPOSAL,
    SIGNATURE,
    SNAP,
    UP_TO_DATE,
    Packet,
    PacketReader,
    epoch,
    learner_info,
)

QUORUM_PORT = 2888
WAIT_S = 60.0


class Link:
    """One raw connection on the quorum port: `got` has all packets that came, `is_over` says that it has ended."""

    def __init__(self, sim: Simulation, machine: Machine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.sim = sim
        self.machine = machine
        self.got: list[Packet] = []
        self.is_over = False
        self.parser = PacketReader()
        self.on_packet: Callable[[Packet], None] = lambda packet: None
        self.answers_pings = False
        self.acknowledges = False
        self._seen = 0
        self._pinging: asyncio.Task[None] | None = None
        self._writer = writer
        self._task = asyncio.get_running_loop().create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(1 << 16):
                for packet in self.parser.feed(data):
                    self.got.append(packet)
                    if self.answers_pings and packet.kind == PING:
                        self._writer.write(Packet(PING, packet.zxid, b"").encode())
                    self.on_packet(packet)
        except ConnectionError:
            pass
        self.is_over = True

    def send(
        self, kind: int, zxid: int = 0, data: bytes | None = None, authinfo: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        self.send_raw(Packet(kind, zxid, data, None if authinfo is None else tuple(authinfo)).encode())

    def send_raw(self, data: bytes) -> None:
        self.machine.life.context.copy().run(self._writer.write, data)

    def keep_alive(self, interval_s: float = 0.5) -> None:
        """Pings as a leader does, until the connection is over."""

        async def ping() -> None:
            while not self.is_over:
                self._writer.write(Packet(PING, 0).encode())
                await asyncio.sleep(interval_s)

        self._pinging = self.machine.start(ping)

    def stop_pings(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()

    def close(self) -> None:
        self.machine.life.context.copy().run(self._writer.close)

    # For the test, which waits on virtual time.

    def next(self, timeout_s: float = WAIT_S) -> Packet:
        """The next packet that was not looked at yet, pings left out."""
        self._skip_pings()
        self.sim.run_until(lambda: self._skip_pings() < len(self.got) or self.is_over, timeout_s)
        if self._seen >= len(self.got):
            raise ConnectionError("the connection has ended")
        self._seen += 1
        return self.got[self._seen - 1]

    def _skip_pings(self) -> int:
        while self._seen < len(self.got) and self.got[self._seen].kind == PING:
            self._seen += 1
        return self._seen

    def expect(self, kind: int, zxid: int | None = None, timeout_s: float = WAIT_S) -> Packet:
        packet = self.next(timeout_s)
        assert packet.kind == kind, f"{packet} came instead of {NAMES[kind]}"
        assert zxid is None or packet.zxid == zxid, f"{packet} came instead of {NAMES[kind]} 0x{zxid:x}"
        return packet

    def take(self, kind: int, timeout_s: float = WAIT_S) -> Packet:
        """The next packet of a kind; what comes before it is left out."""
        while (packet := self.next(timeout_s)).kind != kind:
            pass
        return packet

    def has(self, kind: int, zxid: int) -> bool:
        return any(packet.kind == kind and packet.zxid == zxid for packet in self.got)

    def wait_for(self, kind: int, zxid: int, timeout_s: float = WAIT_S) -> None:
        """Waits for a packet, whatever else comes before it."""
        self.sim.run_until(lambda: self.has(kind, zxid) or self.is_over, timeout_s)
        assert self.has(kind, zxid), f"{NAMES[kind]} 0x{zxid:x} did not come"

    def wait_over(self, timeout_s: float = WAIT_S) -> None:
        self.sim.run_until(lambda: self.is_over, timeout_s)

    def left(self) -> list[Packet]:
        """What came and was not looked at yet, pings left out."""
        left = [packet for packet in self.got[self._seen :] if packet.kind != PING]
        self._seen = len(self.got)
        return left

    # What a leader says.

    def propose(self, zxid: int, payload: bytes, *, commit: bool = False) -> None:
        self.send(PROPOSAL, zxid, payload)
        if commit:
            self.send(COMMIT, zxid)


class Peer:
    """`vote` is what it says of itself in elections: zxid and currentEpoch. It keeps the role that it was given until
    `look_again`."""

    def __init__(self, sim: Simulation, sid: int, membership: Membership, zxid: int = 0, peer_epoch: int = 0) -> None:
        self.sim = sim
        self.sid = sid
        self.machine = sim.machine(f"s{sid}")
        self.zxid = zxid
        self.peer_epoch = peer_epoch
        self.membership = membership
        self.decision: Decision | None = None
        self.links: list[Link] = []
        self._all_links: list[Link] = []
        self.election: Election
        self._looks: asyncio.Event

    def start(self) -> None:
        known = Memberships(self.membership, self.membership, False, _NoFiles())
        settings = ElectionSettings(peers=PeerSettings(introduction_timeout_s=10.0))
        self.election = Election(self.sid, known, settings, Vote(self.sid, self.zxid, -1, self.peer_epoch))
        self.machine.start(self._run)

    async def _run(self) -> None:
        self._looks = asyncio.Event()
        await self.election.start()
        while True:
            self.decision = await self.election.look_for_leader(self.zxid, self.peer_epoch)
            await self._looks.wait()
            self._looks.clear()
            self.decision = None
            self.election.set_role(LOOKING, self.election.vote)

    def look_again(self) -> None:
        self.machine.life.context.copy().run(self._looks.set)

    def leads_in(self, peer_epoch: int) -> None:
        """What a leader tells the others once it serves."""
        self.machine.life.context.copy().run(self.election.update_epoch, peer_epoch)

    def has_role(self) -> bool:
        return self.decision is not None

    # As a leader.

    def listen(self) -> None:
        self.sim.run(self._listen(), self.machine)

    async def _listen(self) -> None:
        await asyncio.start_server(self._accept, "0.0.0.0", QUORUM_PORT)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.links.append(self._keep(Link(self.sim, self.machine, reader, writer)))

    def _keep(self, link: Link) -> Link:
        """For as long as the world lasts, whatever the test does with it."""
        self._all_links.append(link)
        return link

    def next_learner(self, timeout_s: float = WAIT_S) -> Link:
        """The next connection that was not taken yet."""
        self.sim.run_until(lambda: bool(self.links), timeout_s)
        return self.links.pop(0)

    # As a learner.

    def connect(self, host: str, port: int = QUORUM_PORT) -> Link:
        return self.sim.run(self._connect(host, port), self.machine)

    async def _connect(self, host: str, port: int) -> Link:
        deadline_s = self.sim.time() + WAIT_S
        while True:
            try:
                return self._keep(Link(self.sim, self.machine, *await asyncio.open_connection(host, port)))
            except OSError:
                if self.sim.time() > deadline_s:
                    raise
                await asyncio.sleep(0.1)


class _NoFiles:
    def write_next(self, membership: Membership) -> None: ...

    def activate(self, membership: Membership) -> None: ...

    def remove_next(self) -> None: ...


# What comes before a synchronisation.


def send_image(link: Link, zxid: int, image: bytes, signature: bytes = SIGNATURE) -> None:
    link.send_raw(Packet(SNAP, zxid).encode() + image + signature)


def introduce(
    link: Link, sid: int, accepted_epoch: int = 0, *, kind: int = FOLLOWER_INFO, info: bytes | None = None
) -> Packet:
    """The learner's first packet; the leader's answer."""
    link.send(kind, epoch(accepted_epoch), learner_info(sid) if info is None else info)
    return link.next()


def follow_to_service(
    link: Link, sid: int, zxid: int = 0, *, accepted: int = 0, current: int = 0, kind: int = FOLLOWER_INFO
) -> list[Packet]:  # fmt: skip
    """The learner's half of everything; the packets between ACKEPOCH and UPTODATE."""
    led = introduce(link, sid, accepted, kind=kind)
    assert led.kind == LEADER_INFO, led
    link.send(ACK_EPOCH, zxid, i32(current))
    got = [link.next()]
    while got[-1].kind != NEW_LEADER:
        got.append(link.next())
    link.send(ACK, got[-1].zxid)
    link.wait_for(UP_TO_DATE, -1)
    got += link.left()
    link.send(ACK, led.zxid)
    link.answers_pings = True
    return got
