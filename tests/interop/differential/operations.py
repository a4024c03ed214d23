"""Single requests, drawn at random: one method for each operation, good and bad arguments in a fixed mixture.

Four things are never drawn, for they end Java for good or have no one right outcome (docs/differential.md): a createTTL
outside a multi with a negative ttl and flags that are not TTL flags, a quota on the root, a ``zookeeper_stats`` node
set to anything but statistics, and ephemeral quota limits.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from . import codec, pools
from .codec import AclEntry, Text
from .profiles import Profile
from .world import World


class Operation(NamedTuple):
    """An opcode with the body of its request.

    `last_write` asks for no write behind it in the same burst, since Java prepares those against a state that depends
    on how far it has got with this one.
    """

    op: int
    body: bytes
    words: str
    path: str | None = None
    last_write: bool = False


class Operations:
    """Draws operations from a seeded generator, steered by what is known of the servers' state."""

    def __init__(self, rng: random.Random, world: World, profile: Profile) -> None:
        self._rng = rng
        self._world = world
        self._hot = pools.HOT + profile.hot
        quota = profile.quota_weight
        self._writes: list[tuple[Callable[[], Operation], int]] = [
            (self.create, 30), (self.delete, 16), (self.set_data, 14), (self.set_acl, 5), (self.multi, 12),
            (self.reconfig, 1), (self.quota_create, 4 * quota), (self.quota_change, 3 * quota),
        ]  # fmt: skip
        self._reads: list[tuple[Callable[[], Operation], int]] = [
            (self.look, 30), (self.get_acl, 5), (self.sync, 3), (self.ping, 2), (self.multi_read, 5),
            (self.add_watch, 6), (self.change_watches, 8), (self.set_watches, 5), (self.get_ephemerals, 3),
            (self.get_all_children_number, 3), (self.who_am_i, 2), (self.quota_look, 3),
        ]  # fmt: skip

    def write(self) -> Operation:
        if self._world.has_many_names() and self._rng.random() < 0.4:
            return self._delete(self._rng.choice(self._world.sequential), -1)
        return self._draw(self._writes)

    def read(self) -> Operation:
        return self._draw(self._reads)

    def create(self) -> Operation:
        return self._create(in_multi=False)

    def delete(self) -> Operation:
        path = self.path()
        return self._delete(path, self._version(path, 0))

    def set_data(self) -> Operation:
        return self._set_data(self.path())

    def set_acl(self) -> Operation:
        path, acl = self.path(), self._acl()
        if path == "/" and acl:
            acl = [*pools.OPEN, *acl]
        version = self._version(path, 1)
        body = codec.text(path) + codec.acl(acl) + codec.i32(version)
        return Operation(codec.SET_ACL, body, f"{path!r} {acl} version {version}", _known(path), last_write=True)

    def reconfig(self) -> Operation:
        joining, leaving, members = (self._rng.choice((None, "", "1", "server.2=h:1:2")) for _ in range(3))
        body = codec.text(joining) + codec.text(leaving) + codec.text(members) + codec.i64(self._rng.choice((-1, 0, 7)))
        return Operation(codec.RECONFIG, body, f"{joining!r} {leaving!r} {members!r}")

    def multi(self) -> Operation:
        return self._operations(codec.MULTI, self._transaction_op, self._read_op)

    def multi_read(self) -> Operation:
        return self._operations(codec.MULTI_READ, self._read_op, self._transaction_op)

    def look(self) -> Operation:
        op = self._rng.choice((codec.EXISTS, codec.GET_DATA, codec.GET_CHILDREN, codec.GET_CHILDREN2))
        path, watch = self.path(), self._rng.choice((b"\x00", b"\x00", b"\x01", b"\x02"))
        return Operation(op, codec.text(path) + watch, f"{path!r} watch {watch[0]}", _known(path))

    def get_acl(self) -> Operation:
        return self._path_only(codec.GET_ACL, self.path())

    def sync(self) -> Operation:
        return self._path_only(codec.SYNC, self._rng.choice((self.path(), None, "any thing")))

    def ping(self) -> Operation:
        return Operation(codec.PING, self._rng.choice((b"", b"", b"junk")), "")

    def get_ephemerals(self) -> Operation:
        return self._path_only(codec.GET_EPHEMERALS, self._rng.choice((self.path(), None, "", "/", " ", "/e", "/e/")))

    def get_all_children_number(self) -> Operation:
        return self._path_only(codec.GET_ALL_CHILDREN_NUMBER, self._rng.choice((self.path(), "/", "/a")))

    def who_am_i(self) -> Operation:
        return Operation(codec.WHO_AM_I, b"", "")

    def add_watch(self) -> Operation:
        path = self._rng.choice((self.path(), self.path(), "/", None))
        mode = self._rng.choice((0, 0, 0, 0, 1, 1, 1, 1, 1, 2, -1))
        return Operation(codec.ADD_WATCH, codec.text(path) + codec.i32(mode), f"{path!r} mode {mode}")

    def change_watches(self) -> Operation:
        op = self._rng.choice((codec.CHECK_WATCHES, codec.CHECK_WATCHES, codec.REMOVE_WATCHES))
        path, kind = self.path(), self._rng.choice((*(1, 2, 3, 3, 4, 5) * 4, 0, 6, 9, -1))
        return Operation(op, codec.text(path) + codec.i32(kind), f"{path!r} type {kind}")

    def set_watches(self) -> Operation:
        op = self._rng.choice((codec.SET_WATCHES, codec.SET_WATCHES2))
        zxid = self._world.zxid
        relative = self._rng.choice((0, zxid, zxid, zxid - self._rng.randrange(200), -1, zxid + 100))
        lists = [self._paths() for _ in range(3 if op == codec.SET_WATCHES else 5)]
        body = codec.i64(relative) + b"".join(map(codec.texts, lists))
        return Operation(op, body, f"relative zxid {relative} {lists}")

    def quota_create(self) -> Operation:
        path = self._quota_path()
        limits = path.endswith(pools.LIMITS_NODE)
        data = self._limits() if limits else self._rng.choice(pools.DATA)
        flags = 0 if limits else self._rng.choice((0, 0, 0, 0, 1))
        body = codec.text(path) + codec.buffer(data) + codec.acl(pools.OPEN) + codec.i32(flags)
        return Operation(codec.CREATE, body, f"{path!r} {data!r} flags {flags}", path)

    def quota_change(self) -> Operation:
        path = self._quota_path()
        return self._delete(path, -1) if self._rng.random() < 0.4 else self._set_data(path)

    def quota_look(self) -> Operation:
        op = self._rng.choice((codec.EXISTS, codec.GET_DATA, codec.GET_CHILDREN2))
        path = self._quota_path()
        return Operation(op, codec.text(path) + b"\x01", f"{path!r} watch 1", path)

    def path(self) -> Text:
        """A path: most of the time one that may exist, sometimes a reserved, unknown or invalid one."""
        luck = self._rng.random()
        if luck < 0.80:
            return self._rng.choice(self._hot)
        if luck < 0.88 and self._world.sequential:
            return self._rng.choice(self._world.sequential)
        if luck < 0.92:
            return self._rng.choice(pools.RESERVED)
        return self._rng.choice(pools.DEEP) if luck < 0.96 else self._rng.choice(pools.INVALID)

    def _draw(self, table: list[tuple[Callable[[], Operation], int]]) -> Operation:
        return self._rng.choices([draw for draw, _ in table], [weight for _, weight in table])[0]()

    def _create(self, in_multi: bool) -> Operation:
        op = self._rng.choice((codec.CREATE,) * 4 + (codec.CREATE2,) * 3 + (codec.CREATE_CONTAINER, codec.CREATE_TTL))
        flags = self._flags(op)
        path = self._new_path(sequential=flags in (2, 3, 6))
        data, acl = self._rng.choice(pools.DATA), self._acl()
        body = codec.text(path) + codec.buffer(data) + codec.acl(acl) + codec.i32(flags)
        words = f"{path!r} {_short(data)} {acl} flags {flags}"
        if op == codec.CREATE_TTL:
            ttl = self._ttl(may_be_negative=in_multi or flags in (5, 6))
            body, words = body + codec.i64(ttl), f"{words} ttl {ttl}"
        unreadable_acl = any(ident is None for _, _, ident in acl or ())
        seems_ephemeral = op == codec.CREATE_CONTAINER and flags in (1, 3)
        last_write = seems_ephemeral or (in_multi and unreadable_acl)
        return Operation(op, body, words, _known(path), last_write)

    def _flags(self, op: int) -> int:
        if self._rng.random() < 0.06:
            return self._rng.choice((4, 5, 6, 7, 8, -1, 2**31 - 1))
        usual = {codec.CREATE_CONTAINER: (4, 4, 4, 0, 1, 2, 3), codec.CREATE_TTL: (5, 5, 5, 5, 6, 6, 0, 1, 2)}
        return self._rng.choice(usual.get(op, (0, 0, 0, 0, 0, 0, 1, 1, 2, 3)))

    def _ttl(self, may_be_negative: bool) -> int:
        bad = (0, 0x100_0000_0000, 2**63 - 1) + ((-1, -5, -(2**63)) if may_be_negative else ())
        return self._rng.choice(bad) if self._rng.random() < 0.2 else self._rng.choice((1, 1000, 0xFF_FFFF_FFFF))

    def _new_path(self, sequential: bool) -> Text:
        if sequential and self._rng.random() < 0.9:
            return self._rng.choice(pools.SEQUENTIAL)
        return self._rng.choice(pools.TOPS) if self._rng.random() < 0.2 else self.path()

    def _delete(self, path: Text, version: int) -> Operation:
        body = codec.text(path) + codec.i32(version)
        return Operation(codec.DELETE, body, f"{path!r} version {version}", _known(path))

    def _set_data(self, path: Text) -> Operation:
        data, version = self._data(path), self._version(path, 0)
        body = codec.text(path) + codec.buffer(data) + codec.i32(version)
        return Operation(codec.SET_DATA, body, f"{path!r} {_short(data)} version {version}", _known(path))

    def _data(self, path: Text) -> bytes | None:
        if isinstance(path, str) and path.endswith(pools.STATS_NODE):
            return self._rng.choice(pools.GOOD_STATS)
        if isinstance(path, str) and path.endswith(pools.LIMITS_NODE):
            return self._limits()
        return self._rng.choice(pools.DATA)

    def _limits(self) -> bytes | None:
        return self._rng.choice(pools.GOOD_LIMITS if self._rng.random() < 0.8 else pools.LIMITS)

    def _version(self, path: Text, which: int) -> int:
        known = self._world.versions.get(path) if isinstance(path, str) else None
        luck = self._rng.random()
        if luck < 0.55:
            return -1
        return known[which] if known and luck < 0.9 else self._rng.choice((0, 1, 2, 7, -2, 2**31 - 1))

    def _acl(self) -> list[AclEntry] | None:
        luck = self._rng.random()
        if luck < 0.78:
            return pools.OPEN
        return self._rng.choice(pools.USABLE_ACLS) if luck < 0.94 else self._rng.choice(pools.UNUSABLE_ACLS)

    def _paths(self) -> list[Text] | None:
        if self._rng.random() < 0.02:
            return None
        return [self.path() if self._rng.random() < 0.995 else None for _ in range(self._rng.randrange(4))]

    def _path_only(self, op: int, path: Text) -> Operation:
        return Operation(op, codec.text(path), repr(path), _known(path))

    def _quota_path(self) -> str:
        of = self._rng.choice(pools.QUOTAS)
        parent = self._rng.random() < 0.25
        node = "" if parent else "/" + self._rng.choice((pools.LIMITS_NODE, pools.STATS_NODE))
        return f"/zookeeper/quota{of}{node}"

    def _transaction_op(self) -> Operation:
        luck = self._rng.random()
        if luck < 0.4:
            return self._create(in_multi=True)
        path = self.path()
        if luck < 0.6:
            return self._delete(path, self._version(path, 0))
        if luck < 0.8:
            return self._set_data(path)
        version = self._version(path, 0)
        return Operation(codec.CHECK, codec.text(path) + codec.i32(version), f"{path!r} version {version}")

    def _read_op(self) -> Operation:
        op, path = self._rng.choice((codec.GET_DATA, codec.GET_CHILDREN)), self.path()
        return Operation(op, codec.text(path) + b"\x01", repr(path))

    def _foreign_op(self) -> Operation:
        return self._rng.choice((self.set_acl, self.get_acl, self.who_am_i, self.ping, self.sync, self.look))()

    def _operations(self, op: int, usual: Callable[[], Operation], unusual: Callable[[], Operation]) -> Operation:
        inner = [usual() for _ in range(self._rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 6)))]
        if self._rng.random() < 0.06:
            stranger = self._rng.choice((unusual, self._foreign_op, self.multi))()
            inner.insert(self._rng.randrange(len(inner) + 1), stranger)
        if op == codec.MULTI and self._rng.random() < 0.3:
            inner = self._coherent()
        end = codec.i32(self._rng.choice((-1, -1, 5))) + b"\x01" + codec.i32(-1)
        if self._rng.random() < 0.02:
            end = b""
        body = b"".join(codec.i32(each.op) + b"\x00" + codec.i32(-1) + each.body for each in inner) + end
        words = "; ".join(f"{codec.op_name(each.op)} {each.words}" for each in inner)
        return Operation(op, body, words, last_write=any(each.last_write for each in inner))

    def _coherent(self) -> list[Operation]:
        """A node that is made, used and perhaps deleted in one multi."""
        path = self._rng.choice(("/a/m", "/e/m", "/q/in/m", "/b/m"))
        flags = codec.i32(self._rng.choice((0, 0, 1, 2, 3)))
        made = codec.text(path) + codec.buffer(b"m") + codec.acl(pools.OPEN) + flags
        rest = [self._set_data(path), self._delete(path, -1), self._delete(path + "/x", -1), self._set_data(path)]
        rest += [Operation(codec.CHECK, codec.text(path) + codec.i32(0), f"{path!r} version 0")]
        chosen = self._rng.sample(rest, self._rng.randrange(4))
        create = Operation(self._rng.choice((codec.CREATE, codec.CREATE2)), made, repr(path))
        return [create, *chosen, self._delete(path, -1)] if self._rng.random() < 0.7 else [create, *chosen]


def _known(path: Text) -> str | None:
    return path if isinstance(path, str) else None


def _short(data: bytes | None) -> str:
    return repr(data) if data is None or len(data) <= 20 else f"{len(data)} bytes"
