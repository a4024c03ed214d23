"""Connections of the election port, one for each pair of servers: QuorumCnxManager's rules (quorum, section 3).

1. Of a pair of servers the one with the greater sid opens the connection that is used. One that the other opened tells
   the greater one to call back, and is closed.
2. There is at most one connection to a server that messages are sent on; a newer one replaces it.
3. Of the messages to a server only the last is kept: until it is sent, and then to be sent again on the next
   connection, as nobody knows whether it arrived.
4. Strangers, who are in no membership, such as one that wants to join, are talked to on the connections that they
   open, if their numbers are such as servers may have. Lines about them are few: they come and go as they like.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from zkeeper.quorum.members import LARGEST_SID, LEAST_SID
from zkeeper.quorum.memberships import Memberships
from zkeeper.server.ensemble.dialing import dial
from zkeeper.server.ensemble.election_port import DEFAULT_BIND_RETRIES, ElectionPort
from zkeeper.server.ensemble.peer_connection import PeerConnection
from zkeeper.server.ensemble.peers import Address, Peer, Peers
from zkeeper.server.log_noise import QuietLog
from zkeeper.wire.notifications import Introduction, encode_introduction
from zkeeper.wire.quorum_packets import FOLLOWER_INFO, OBSERVER_INFO

MAX_UNKNOWN: Final = 256
"""Connections whose openers have not said yet who they are."""

_ANONYMOUS: Final = (1 << 63) - 1
"""The sid by which an observer of old introduces itself."""

logger = logging.getLogger("zkeeper.election")


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerSettings:
    """`connect_timeout_s` is cnxTimeout; `introduction_timeout_s` is quorumCnxnTimeoutMs, or syncLimit ticks;
    `bind_retries` is electionPortBindRetry, 0 for no end; then quorumListenOnAllIPs and multiAddress.enabled."""

    introduction_timeout_s: float
    connect_timeout_s: float = 5.0
    bind_retries: int = DEFAULT_BIND_RETRIES
    listens_on_all: bool = False
    is_multi_address: bool = False


class PeerConnections:
    """`receive` takes the sid and the payload of every message; it may call any method of this class."""

    def __init__(
        self, own_sid: int, memberships: Memberships, settings: PeerSettings, receive: Callable[[int, bytes], None]
    ) -> None:
        self.own_sid = own_sid
        self._settings = settings
        self._receive = receive
        self._port = ElectionPort(lambda: PeerConnection(self, None), settings.bind_retries)
        self._own_addresses: list[Address] = []
        self._peers = Peers(memberships)
        self._connections: dict[PeerConnection, None] = {}
        self._unknown: set[PeerConnection] = set()
        self._noise: QuietLog | None = None
        self._strangers: QuietLog | None = None
        self._is_closed = True

    async def start(self) -> None:
        """Opens the port on this server's addresses. Raises `ElectionPortError`."""
        if self._noise is None:
            loop = asyncio.get_running_loop()
            self._noise = QuietLog("connections of peers", logger.warning, loop)
            self._strangers = QuietLog("servers of no membership", logger.info, loop)
        self._is_closed = False
        self._own_addresses = self._find_own_addresses()
        await self._port.listen([(self._listening_host(host), port) for host, port in self._own_addresses])

    def _find_own_addresses(self) -> list[Address]:
        """One who is left out of the membership stays where it is."""
        places = self._peers.places(self.own_sid)
        return places[0] if places else self._own_addresses

    def has_to_move(self) -> bool:
        """Whether the port belongs somewhere else by now."""
        return self._find_own_addresses() != self._own_addresses

    def _listening_host(self, host: str) -> str | None:
        return None if self._settings.listens_on_all else host

    async def restart(self) -> None:
        """Forgets all peers, and opens the port where the committed membership says."""
        self._drop_all()
        await self.start()

    async def stop(self) -> None:
        self._drop_all()
        await self._port.close()
        for noise in (self._noise, self._strangers):
            if noise is not None:
                noise.summarize()

    def _drop_all(self) -> None:
        self._is_closed = True
        for peer in self._peers.all():
            if peer.attempt is not None:
                peer.attempt.cancel()
        self._peers.clear()
        for connection in list(self._connections):
            connection.abort()

    # Sending.

    def send(self, sid: int, payload: bytes) -> None:
        """Sends `payload` as soon as there is a connection, unless another message takes its place before."""
        assert sid != self.own_sid
        peer = self._peers.get(sid) or (self._peers.admit(sid) if self._peers.is_member(sid) else None)
        if peer is None:
            return
        peer.unsent = payload
        if peer.connection is None:
            self.connect(sid)
        else:
            self._flush(peer)

    def has_delivered(self) -> bool:
        """Whether there is a server to which nothing waits to be sent."""
        return any(peer.unsent is None for peer in self._peers.all())

    def connect_all(self) -> None:
        """Connects to all servers to which there was something to send."""
        for sid in self._peers.sids():
            self.connect(sid)

    def connect(self, sid: int, called_from: list[Address] | None = None) -> None:
        """Connects to a server, unless there is a connection or an attempt. `called_from` says where it may be."""
        peer = self._peers.admit(sid)
        if peer is None:
            return
        if peer.connection is None and peer.attempt is None and not self._is_closed:
            peer.attempt = asyncio.get_running_loop().create_task(self._attempt(sid, peer, called_from or []))

    def _flush(self, peer: Peer) -> None:
        if peer.unsent is not None and peer.connection is not None and not peer.connection.is_full:
            peer.connection.send(peer.unsent)
            peer.last_sent, peer.unsent = peer.unsent, None

    # Connecting.

    async def _attempt(self, sid: int, peer: Peer, called_from: list[Address]) -> None:
        try:
            connection = await self._reach(sid, [called_from] if called_from else self._peers.places(sid))
        except OSError as error:
            self._tell_reachable(sid, peer, False, f"server {sid} cannot be reached: {error}")
            self._peers.forget_stranger(sid)
        else:
            self._opened_to(sid, peer, connection)
        finally:
            peer.attempt = None

    async def _reach(self, sid: int, places: list[list[Address]]) -> PeerConnection:
        failure = OSError("no address of it is known")
        for addresses in places:
            try:
                return await dial(lambda: PeerConnection(self, sid), addresses, self._settings.connect_timeout_s)
            except OSError as error:
                failure = error
        raise failure

    def _opened_to(self, sid: int, peer: Peer, connection: PeerConnection) -> None:
        """Rule 1. If the other one has called meanwhile, that connection is left alone.

        One that is lost by now has said so before it was known here, and will not do so again.
        """
        if peer.connection is not None or not connection.is_open():
            connection.abort()
            return
        self._connections[connection] = None
        introduction = encode_introduction(self.own_sid, self._own_addresses, self._settings.is_multi_address)
        connection.introduce(introduction)
        # SASL as the client belongs here.
        if sid > self.own_sid:
            connection.close()
        else:
            self._keep(sid, peer, connection)

    # What connections tell: the `Keeper`.

    def opened(self, connection: PeerConnection) -> None:
        if self._is_closed or len(self._unknown) >= MAX_UNKNOWN:
            connection.abort()
            return
        self._connections[connection] = None
        self._unknown.add(connection)
        connection.expect_introduction(self._settings.introduction_timeout_s)

    def introduced(self, connection: PeerConnection, introduction: Introduction) -> None:
        self._unknown.discard(connection)
        sid = introduction.sid
        # SASL as the server belongs here.
        peer = self._peers.admit(sid) if sid != self.own_sid else None
        if peer is None:
            is_own = sid == self.own_sid
            self.misbehaved(connection, "it has the sid of this server" if is_own else _why_no_server(sid))
            connection.close()
            return
        connection.sid = sid
        if sid < self.own_sid:
            self._call_back(sid, peer, connection, introduction.addresses)
        else:
            self._keep(sid, peer, connection)

    def _call_back(self, sid: int, peer: Peer, connection: PeerConnection, addresses: list[Address]) -> None:
        """What there was to the server is given up: it would not open a connection if it still had one."""
        connection.close()
        if peer.connection is not None:
            peer.connection.close()
            peer.connection = None
        self.connect(sid, addresses)

    def _keep(self, sid: int, peer: Peer, connection: PeerConnection) -> None:
        """Rules 2 and 3."""
        if peer.connection is not None:
            peer.connection.close()
        self._tell_reachable(sid, peer, True, f"connected with server {sid} at {connection.peer}")
        peer.connection = connection
        connection.is_kept = True
        if peer.unsent is None:
            peer.unsent = peer.last_sent
        self._flush(peer)

    def received(self, connection: PeerConnection, payload: bytes) -> None:
        assert connection.sid is not None
        self._receive(connection.sid, payload)

    def drained(self, connection: PeerConnection) -> None:
        peer = self._peers.get(connection.sid) if connection.sid is not None else None
        if peer is not None and peer.connection is connection:
            self._flush(peer)

    def misbehaved(self, connection: PeerConnection, reason: str) -> None:
        who = "" if connection.sid is None else f" of server {connection.sid}"
        if self._noise is not None:
            self._noise.tell(f"the connection{who} from {connection.peer} is closed: {reason}")

    def lost(self, connection: PeerConnection) -> None:
        self._connections.pop(connection, None)
        self._unknown.discard(connection)
        sid = connection.sid
        peer = self._peers.get(sid) if sid is not None else None
        if sid is None or peer is None or peer.connection is not connection:
            return
        logger.debug("the connection with server %d is lost", sid)
        peer.connection = None
        self._peers.forget_stranger(sid)

    def _tell_reachable(self, sid: int, peer: Peer, is_reachable: bool, sentence: str) -> None:
        """Of a member once, until it changes: among those who start together there is much coming and going until each
        pair has the right connection."""
        has_changed = peer.is_reachable is not is_reachable
        peer.is_reachable = is_reachable
        if not has_changed:
            logger.debug("%s", sentence)
        elif self._peers.is_member(sid):
            logger.info("%s", sentence)
        elif self._strangers is not None:
            self._strangers.tell(f"{sentence}; it is no member")


def _why_no_server(sid: int) -> str:
    if sid == _ANONYMOUS:
        return "it is an observer without a number, which cannot be called back"
    if sid >> 32 in (FOLLOWER_INFO, OBSERVER_INFO):
        return (
            "it greets a leader, and this is the election port: in its configuration the first port of this server has "
            "to be the quorum port"
        )
    return f"its number is {sid}, and servers have {LEAST_SID} to {LARGEST_SID}"
