"""The judge, judged: what it hides, what it must not hide, and what it must never send. Needs no server."""

import json
import random
import time

import pytest

from . import codec, pools
from .generator import Generator
from .normal import Normaliser
from .profiles import PROFILES
from .shrink import shrink
from .steps import Burst, Drop, Request, Step, from_json, to_json
from .world import World

_SESSION = 0x0100000D47A00000
_WRITES = frozenset({
    codec.CREATE, codec.CREATE2, codec.CREATE_CONTAINER, codec.CREATE_TTL, codec.DELETE, codec.SET_DATA, codec.SET_ACL,
    codec.MULTI, codec.RECONFIG, codec.CLOSE_SESSION,
})  # fmt: skip


def _stat(*, ctime: int = 0, mtime: int = 0, owner: int = 0, czxid: int = 4, mzxid: int = 4, version: int = 0) -> bytes:
    return codec.STAT.pack(czxid, mzxid, ctime, mtime, version, 0, 0, owner, 1, 0, 4)


def _reply(body: bytes) -> bytes:
    return codec.REPLY_HEADER.pack(1, 9, 0) + body


def _now_ms() -> int:
    return int(time.time() * 1000)


def _connected(session_id: int) -> Normaliser:
    normaliser = Normaliser()
    password = codec.session_password(session_id)
    normaliser.connect(codec.i32(0) + codec.i32(10_000) + codec.i64(session_id) + codec.buffer(password) + b"\x00")
    return normaliser


def _steps(profile: str, seed: int, count: int) -> list[Step]:
    world = World(5, attached={0: 0, 1: 1, 2: 2}, alive={0, 1, 2}, closed={3}, zxid=77)
    generator = Generator(random.Random(seed), world, PROFILES[profile])
    return [generator.next_step() for _ in range(count)]


def test_a_password_is_what_the_protocol_says() -> None:
    assert codec.session_password(_SESSION).hex() == "d29fb5a9f7e918ae0054840c980c723d"


def test_times_and_session_ids_are_hidden() -> None:
    now = _now_ms()
    left = _reply(_stat(ctime=now, mtime=now, owner=_SESSION))
    right = _reply(_stat(ctime=now - 50, mtime=now - 50, owner=_SESSION + 7))
    assert _connected(_SESSION).reply(codec.EXISTS, left) == _connected(_SESSION + 7).reply(codec.EXISTS, right)


@pytest.mark.parametrize(
    "other",
    [
        {"ctime": 0, "mtime": 0},
        {"ctime": 12_345, "mtime": 12_345},
        {"mtime": 1},
        {"owner": 99},
        {"version": 1},
        {"mzxid": 5},
        {"czxid": 3},
    ],
)
def test_all_else_in_a_stat_is_shown(other: dict[str, int]) -> None:
    now = _now_ms()
    normaliser = _connected(_SESSION)
    usual = {"ctime": now, "mtime": now, "owner": _SESSION}
    shown = [normaliser.reply(codec.EXISTS, _reply(_stat(**fields))) for fields in (usual, usual | other)]
    assert shown[0] != shown[1]


def test_children_are_a_set_but_null_is_not_empty() -> None:
    normaliser = Normaliser()
    one, other, null, empty = (
        normaliser.reply(codec.GET_CHILDREN, _reply(codec.texts(names))) for names in (["a", "b"], ["b", "a"], None, [])
    )
    assert one == other
    assert null != empty


def test_only_neighbouring_digest_entries_of_an_acl_may_change_places() -> None:
    digests = [(31, "digest", "a:1"), (31, "digest", "b:2")]
    others = [(31, "ip", "1.1.1.1"), (31, "ip", "2.2.2.2")]

    def shown(entries: list[tuple[int, str, str]]) -> bytes:
        return Normaliser().reply(codec.GET_ACL, _reply(codec.acl(entries) + _stat()))

    assert shown(digests) == shown(digests[::-1])
    assert shown(others) != shown(others[::-1])


def test_what_is_no_record_is_compared_as_it_is() -> None:
    broken = _reply(codec.i32(5) + b"\x00")
    assert Normaliser().reply(codec.GET_CHILDREN, broken) == broken


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_seed_gives_the_same_steps_and_a_file_gives_them_back(profile: str) -> None:
    steps = _steps(profile, 3, 500)
    assert steps == _steps(profile, 3, 500)
    assert [from_json(json.loads(json.dumps(to_json(step)))) for step in steps] == steps


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_what_kills_java_is_never_sent(profile: str) -> None:
    requests = [request for step in _steps(profile, 4, 5000) if isinstance(step, Burst) for request in step.requests]
    assert not any(request.op in (codec.DELETE_CONTAINER, codec.CREATE_SESSION) for request in requests)
    assert not any(b"/zookeeper/quota/zookeeper_" in request.body for request in requests)
    assert not any(map(_is_deadly_ttl, requests))
    assert all(map(_keeps_statistics, requests))
    assert not any(_makes_ephemeral_limits(request) for request in requests)


def _is_deadly_ttl(request: Request) -> bool:
    """A createTTL that Java can decode, with a negative ttl and flags that are not TTL flags."""
    cursor = codec.Cursor(request.body)
    try:
        cursor.buffer(), cursor.buffer()
        cursor.vector(lambda: (cursor.i32(), cursor.buffer(), cursor.buffer()))
        return request.op == codec.CREATE_TTL and cursor.i32() in range(5) and cursor.i64() < 0
    except codec.DecodeError:
        return False


def _keeps_statistics(request: Request) -> bool:
    """Whether it is no setData, in a multi or alone, of a quota's statistics with anything else."""
    if request.op == codec.MULTI:
        return pools.STATS_NODE.encode() not in request.body
    cursor = codec.Cursor(request.body)
    try:
        path, data, _ = cursor.buffer() or b"", cursor.buffer(), cursor.i32()
    except codec.DecodeError:
        return True
    return request.op != codec.SET_DATA or not path.endswith(pools.STATS_NODE.encode()) or data in pools.GOOD_STATS


def _makes_ephemeral_limits(request: Request) -> bool:
    named = (request.path or "").endswith(pools.LIMITS_NODE)
    return named and request.op == codec.CREATE and not request.body.endswith(codec.i32(0))


def _seems_ephemeral(request: Request) -> bool:
    return request.op == codec.CREATE_CONTAINER and request.body[-4:] in (codec.i32(1), codec.i32(3))


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_nothing_is_written_behind_what_java_does_not_see_in_time(profile: str) -> None:
    for step in _steps(profile, 5, 3000):
        writes = [request for request in getattr(step, "requests", ()) if request.op in _WRITES]
        assert not any(request.op == codec.SET_ACL or _seems_ephemeral(request) for request in writes[:-1])
        assert len(writes) <= 1 or not PROFILES[profile].one_write_per_burst


def test_shrinking_keeps_what_is_needed() -> None:
    steps = [Drop(slot) for slot in range(40)]
    assert shrink(steps, lambda kept: {Drop(3), Drop(31)} <= set(kept), 200) == [Drop(3), Drop(31)]
