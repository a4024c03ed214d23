"""The seeded generator of steps: bursts mostly, and what opens or ends a connection alone in its step.

1. A request that may end its connection is the only one of its step, for Java answers unknown opcodes and refused
   credentials past the queue; so closeSession, save as the last of a burst.
2. Credentials are given at the start of a burst only: Java takes them past the queue, too.
3. Under enforced quotas a burst holds at most one write, for Java checks quotas against what is already applied; and
   no burst has a write behind one that says `last_write`.
"""

import random
from collections.abc import Callable

from . import codec, pools
from .codec import Text
from .handshakes import bad_handshake, good_handshake
from .malformed import bend
from .operations import Operation, Operations
from .profiles import Profile
from .steps import Burst, Connect, Drop, Raw, Request, Step
from .world import World

MAX_FRAME_BYTES = 0xFFFFF
_WRITES = 0.55
_UNKNOWN_OPCODES = (0, 10, codec.CHECK, 23, 24, 99, 108, 1000, -1, -2, -5, -12, 2**31 - 1, -(2**31))
_ODD_XIDS = (0, -2, -4, -8, 2**31 - 1, -(2**31))
_XID_OF_EVENTS = -1
_ANSWERED_WITHOUT_DOUBT = frozenset({codec.EXISTS, codec.DELETE, codec.SET_DATA, codec.SET_ACL})


class Generator:
    """Draws the next step from a seed and from what is known of the servers."""

    def __init__(self, rng: random.Random, world: World, profile: Profile) -> None:
        self._rng = rng
        self._world = world
        self._profile = profile
        self._operations = Operations(rng, world, profile)
        self._xid = 0

    def next_step(self) -> Step:
        world, luck = self._world, self._rng.random()
        free = world.free_slots()
        if free and (len(world.attached) < 2 or luck < 0.25):
            return self._connect(self._rng.choice(free))
        slot = self._rng.choice(sorted(world.attached))
        if luck < 0.955:
            return self._burst(slot)
        rare: list[Callable[[int], Step]] = [
            Drop, self._raw, self._unknown_opcode, self._refused_credential, self._broken_auth, self._close, self._large
        ]  # fmt: skip
        return self._rng.choice(rare)(slot)

    def _connect(self, slot: int) -> Connect:
        if self._rng.random() < 0.25:
            return bad_handshake(self._rng, self._world, slot)
        early: list[Request] = []
        if self._rng.random() < 0.4:
            early = [self._good_auth() for _ in range(self._rng.randrange(3))]
            early += self._requests(self._rng.randrange(4))
        return Connect(slot, good_handshake(self._rng, self._world), tuple(early))

    def _burst(self, slot: int) -> Burst:
        requests: list[Request] = []
        if self._rng.random() < 0.06:
            requests = [self._good_auth() for _ in range(self._rng.choice((1, 1, 2)))]
        most = self._profile.max_burst
        fewest = self._rng.choice((1, most // 2, most // 2, most // 2))
        requests += self._requests(1 if self._rng.random() < 0.2 else self._rng.randint(fewest, most))
        return Burst(slot, tuple(requests), self._cuts(requests), settles=self._rng.random() < 0.35)

    def _requests(self, count: int) -> list[Request]:
        return [self._request(operation) for operation in self._drawn(count)]

    def _drawn(self, count: int) -> list[Operation]:
        drawn: list[Operation] = []
        writes_left = 1 if self._profile.one_write_per_burst else count
        for _ in range(count):
            write = writes_left > 0 and self._rng.random() < _WRITES
            operation = self._operations.write() if write else self._operations.read()
            if self._rng.random() < 0.05:
                operation = bend(self._rng, operation)
            writes_left = 0 if operation.last_write else writes_left - write
            drawn.append(operation)
        return drawn

    def _request(self, operation: Operation) -> Request:
        self._xid += 1
        xid = self._xid
        if self._rng.random() < 0.02:
            odd = (*_ODD_XIDS, _XID_OF_EVENTS) if operation.op in _ANSWERED_WITHOUT_DOUBT else _ODD_XIDS
            xid = self._rng.choice(odd)
        return Request(operation.op, xid, operation.body, operation.words, operation.path)

    def _cuts(self, requests: list[Request]) -> tuple[int, ...]:
        if self._rng.random() < 0.9:
            return ()
        size = sum(len(request.body) + 12 for request in requests)
        return tuple(sorted(self._rng.randrange(1, size) for _ in range(self._rng.randrange(1, 4))))

    def _good_auth(self) -> Request:
        if self._rng.random() < 0.15:
            token = self._rng.choice((b"", b"token"))
            return self._request(Operation(codec.SASL, codec.buffer(token), repr(token)))
        scheme, token = self._rng.choice(pools.CREDENTIALS)
        if self._rng.random() < 0.25:
            scheme, token = "digest", pools.SUPER_CREDENTIAL
        return self._auth(scheme, token)

    def _auth(self, scheme: Text, token: bytes | None) -> Request:
        kind, xid = self._rng.choice((0, 0, 7)), self._rng.choice((-4, -4, -4, 5))
        body = codec.i32(kind) + codec.text(scheme) + codec.buffer(token)
        return Request(codec.AUTH, xid, body, f"{scheme!r} {token!r}")

    def _refused_credential(self, slot: int) -> Burst:
        return Burst(slot, (self._auth(*self._rng.choice(pools.REFUSED_CREDENTIALS)),), ends=True)

    def _broken_auth(self, slot: int) -> Burst:
        op = self._rng.choice((codec.AUTH, codec.SASL))
        body = self._rng.choice((b"", b"\x00" * 3, b"\x00\x00\x00\x09ab", b"\xff\xff\xff\xfe", codec.buffer(None)))
        return Burst(slot, (self._request(Operation(op, body, f"undecodable or null: {body.hex()}")),), ends=True)

    def _unknown_opcode(self, slot: int) -> Burst:
        op, body = self._rng.choice(_UNKNOWN_OPCODES), codec.text("/a") + codec.i32(0)
        return Burst(slot, (self._request(Operation(op, body, "unknown opcode")),), ends=True)

    def _close(self, slot: int) -> Burst:
        close = Operation(codec.CLOSE_SESSION, self._rng.choice((b"", b"junk")), "")
        before = [] if self._profile.one_write_per_burst else self._drawn(self._rng.choice((0, 0, 3, 6)))
        operations = [operation for operation in (*before, close) if not operation.last_write]
        return Burst(slot, tuple(map(self._request, operations)), ends=True)

    def _raw(self, slot: int) -> Raw:
        words, data = self._rng.choice((
            ("empty frame", codec.framed(b"")),
            ("negative length", codec.i32(-1)), ("most negative", codec.i32(-(2**31))),
            ("length too large", codec.i32(MAX_FRAME_BYTES + 1)), ("largest length", codec.i32(2**31 - 1)),
            ("half a header", codec.framed(b"\x00\x00\x00\x01")), ("header but a byte", codec.framed(bytes(7))),
            ("letters", b"ruok"), ("more letters", b"abcd"),
        ))  # fmt: skip
        return Raw(slot, data, words)

    def _large(self, slot: int) -> Burst:
        """The largest frame that is allowed, once in a while: the node is gone again within the burst."""
        if self._rng.random() < 0.8:
            return self._burst(slot)
        path, tail = codec.text("/large"), codec.acl(pools.OPEN) + codec.i32(0)
        data = bytes(MAX_FRAME_BYTES - 8 - len(path) - 4 - len(tail))
        create = Operation(codec.CREATE2, path + codec.buffer(data) + tail, "'/large', as large as a frame may be")
        look = Operation(codec.GET_DATA, path + b"\x01", "'/large' watch 1")
        delete = Operation(codec.DELETE, path + codec.i32(-1), "'/large' version -1")
        operations = (create,) if self._profile.one_write_per_burst else (create, look, delete)
        return Burst(slot, tuple(map(self._request, operations)))
