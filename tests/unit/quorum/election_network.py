"""Electors of several servers and the messages between them, on virtual time, from one seed.

Messages take a while, overtake each other between different servers only, and are lost while links are cut. A server
whose leader does not lead, or that leads nobody, looks for a leader again, as a server does when it cannot reach it.
"""

import heapq
from collections.abc import Callable
from random import Random

from election_transcripts import memberships
from membership_support import voters

from zkeeper.quorum.election import Decision, Elector
from zkeeper.quorum.votes import FOLLOWING, LEADING, LOOKING, Vote
from zkeeper.wire.notifications import Notification, decode_notification, encode_notification

PATIENCE_MS = 1000


class Node:
    def __init__(self, network: "Network", sid: int, zxid: int, epoch: int) -> None:
        self.network = network
        self.sid = sid
        self.zxid = zxid
        self.epoch = epoch
        self.is_up = False
        self.life = 0
        self.elector: Elector
        self.decisions: list[Decision] = []

    def start(self) -> None:
        self.is_up = True
        self.life += 1
        self.network.hand_over(self.sid)
        known, vote = memberships(voters(*self.network.sids)), Vote(self.sid, self.zxid, -1, self.epoch)
        self.elector = Elector(self.sid, known, vote, self._tell, _ignore)
        self.look()

    def stop(self) -> None:
        self.is_up = False

    def look(self) -> None:
        self.elector.begin(self.zxid, self.epoch, False, self.network.now_ms)
        self._settle()

    def receive(self, sender: int, notification: Notification) -> None:
        self.elector.receive(sender, notification, self.network.now_ms)
        self._settle()

    def _settle(self) -> None:
        for sid, message in self.elector.outbox:
            self.network.send(self.sid, sid, message)
        self.elector.outbox.clear()
        if self.elector.decision is not None:
            self.decisions.append(self.elector.decision)
            self.elector.decision = None
            self.network.after(PATIENCE_MS, self._in_life(self._look_around))
        if self.elector.deadline_ms >= 0:
            self.network.at(self.elector.deadline_ms, self._in_life(self._expire))

    def _expire(self) -> None:
        if 0 <= self.elector.deadline_ms <= self.network.now_ms:
            self.elector.expire(self.network.now_ms, has_delivered=True)
            self._settle()

    def _look_around(self) -> None:
        if self.elector.state == LOOKING:
            return
        if self._is_in_order():
            self.network.after(PATIENCE_MS, self._in_life(self._look_around))
        else:
            self.look()

    def _is_in_order(self) -> bool:
        leader = self.elector.current.leader
        if leader != self.sid:
            return self.network.leads(leader, self.sid)
        followers = [node for node in self.network.nodes.values() if node.follows(self.sid)]
        connected = [node for node in followers if self.network.are_connected(node.sid, self.sid)]
        return len(connected) + 1 > len(self.network.sids) // 2

    def follows(self, leader: int) -> bool:
        return self.is_up and self.elector.state == FOLLOWING and self.elector.current.leader == leader

    def _in_life(self, action: Callable[[], None]) -> Callable[[], None]:
        life = self.life
        return lambda: action() if self.is_up and self.life == life else None

    def _tell(self, sentence: str) -> None:
        self.network.log.append(f"{self.network.now_ms} server {self.sid}: {sentence}")


class Network:
    def __init__(self, seed: object, size: int) -> None:
        self.random = Random(f"{seed}")
        self.sids = frozenset(range(1, size + 1))
        self.now_ms = 0
        self.log: list[str] = []
        self.cut: set[tuple[int, int]] = set()
        self.loss = 0.0
        self.latency_ms = (1, 20)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._last_arrival: dict[tuple[int, int], int] = {}
        self._kept: dict[tuple[int, int], Notification] = {}
        self.nodes = {sid: self._node(sid) for sid in sorted(self.sids)}

    def _node(self, sid: int) -> Node:
        epoch = self.random.randrange(3)
        return Node(self, sid, (epoch << 32) + self.random.randrange(3), epoch)

    def best(self) -> int:
        return max(self.nodes, key=lambda sid: (self.nodes[sid].epoch, self.nodes[sid].zxid, sid))

    def at(self, when_ms: int, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when_ms, self._count, action))

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        self.at(self.now_ms + delay_ms, action)

    def send(self, sender: int, receiver: int, notification: Notification) -> None:
        if (sender, receiver) in self.cut or self.random.random() < self.loss:
            return
        decoded = decode_notification(encode_notification(notification))
        assert decoded is not None
        arrival = self.now_ms + self.random.randint(*self.latency_ms)
        arrival = self._last_arrival[sender, receiver] = max(arrival, self._last_arrival.get((sender, receiver), 0))
        self.at(arrival, lambda: self._deliver(sender, receiver, decoded))

    def _deliver(self, sender: int, receiver: int, notification: Notification) -> None:
        if self.nodes[receiver].is_up:
            self.nodes[receiver].receive(sender, notification)
        else:
            self._kept[sender, receiver] = notification

    def hand_over(self, receiver: int) -> None:
        """The last message of each server that found this one down comes when it is up again."""
        for sender in sorted(self.sids):
            notification = self._kept.pop((sender, receiver), None)
            if notification is not None:
                self.send(sender, receiver, notification)

    def run(self, until_ms: int) -> None:
        while self._events and self._events[0][0] <= until_ms:
            self.now_ms, _, action = heapq.heappop(self._events)
            action()
        self.now_ms = until_ms

    def are_connected(self, one: int, other: int) -> bool:
        return not {(one, other), (other, one)} & self.cut

    def leads(self, leader: int, follower: int) -> bool:
        node = self.nodes[leader]
        return node.is_up and node.elector.state == LEADING and self.are_connected(leader, follower)

    def agreed_leader(self) -> int | None:
        """The leader that all servers have, itself included."""
        states = {(node.elector.state, node.elector.current.leader) for node in self.nodes.values() if node.is_up}
        leaders = {leader for _, leader in states}
        if len(leaders) != 1 or LOOKING in {state for state, _ in states}:
            return None
        [leader] = leaders
        return leader if self.nodes[leader].elector.state == LEADING else None


def _ignore(sid: int, vote: Vote) -> None:
    """Nobody asks in these runs who looks for a leader."""
