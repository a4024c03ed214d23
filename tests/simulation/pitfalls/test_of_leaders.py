"""Pitfalls of a server that leads, and of whole ensembles."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from unittest import mock

import pytest
from raw_jute import i32, text

from zkeeper.errors import ConnectionLossError
from zkeeper.server.config.ensemble import LearnersConfig
from zkeeper.server.config.model import LimitsConfig, StorageConfig
from zkeeper.server.ensemble import leading
from zkeeper.storage.whole_files import replace_file
from zkeeper.wire.zxids import follows

from ..log_files import entry_of, log_names, read_logs  # noqa: TID252  the package has two names
from ..member_world import CLIENT_PORT, MemberWorld, client_of  # noqa: TID252
from ..node import DATA_DIR, FOLDER  # noqa: TID252
from ..raw_client import RawClient, Sent, connect  # noqa: TID252
from ..requests import EPHEMERAL, CloseSession, Create  # noqa: TID252
from ..roles.leader_world import LeaderWorld, acknowledge, catch_up, discover, hold_back, until_new_leader  # noqa: TID252
from ..roles.packets import (  # noqa: TID252
    ACK,
    COMMIT,
    DIFF,
    PROPOSAL,
    REQUEST,
    SNAP,
    TRUNC,
    Packet,
    create_txn,
    epoch,
    request,
)
from ..roles.peers import Link, follow_to_service  # noqa: TID252

E1, E2 = epoch(1), epoch(2)
SMALL_LOGS = StorageConfig(data_dir=DATA_DIR, pre_alloc_size_kb=0, txn_log_size_limit_kb=1)
FROM_DISK = LearnersConfig(max_committed_txns=2, snapshot_size_factor=0.0)
"""The committed log holds next to nothing, and whatever the logs have may be sent."""
CHECK, ERROR, UNIMPLEMENTED, CREATE_SESSION = 13, -1, -6, -10
SESSION = 0x0100000000000001
STRANGER = 0x0200000000000077


# What a learner is sent.


def offered(world: LeaderWorld, zxid: int) -> list[Packet]:
    """What a learner that stands there is sent up to NEWLEADER."""
    link = world.learner(2)
    got = [discover(link, 2, zxid)]
    if got[0].kind == SNAP:
        return got
    return [*got, *until_new_leader(link)]


def proposed(packets: Iterable[Packet]) -> list[int]:
    return [packet.zxid for packet in packets if packet.kind == PROPOSAL]


def test_2418_a_history_from_the_logs_joins_what_the_learner_has_and_what_is_in_memory() -> None:
    """Between the learner and the committed log lie files of the log; when one is missing, a snapshot is sent."""
    with LeaderWorld(storage=SMALL_LOGS, learners=FROM_DISK) as world:
        world.serve()
        client = world.connect()
        zxids = [world.call(client, Create(f"/n{number}", bytes(300))).zxid for number in range(20)]
        got = offered(world, zxids[0])
        assert got[0] == Packet(DIFF, zxids[-1])
        assert proposed(got) == zxids[1:]
        logs = log_names(world.node.disk)
        assert len(logs) > 4
        world.node.disk.remove(logs[2])
        got = offered(world, zxids[0])
        assert (got[0].kind, proposed(got)) == (SNAP, [])


# What an acknowledgement says.


@pytest.mark.parametrize("is_snapshot_forced", [False, True])
def test_own_an_ack_counts_only_while_the_log_holds_what_it_was_for(is_snapshot_forced: bool) -> None:
    """Server 2 has acknowledged a write, and comes back to be cut back; nobody else has it."""
    with acknowledged_by_one(is_snapshot_forced) as (world, link, sent, zxid):
        link.close()
        world.run_until(lambda: link.is_over)
        again = joined_anew(world, zxid)
        world.run_until(lambda: zxid in world.node.logged())
        world.run_for(0.1)
        assert sent.reply is None, "the leader alone has it"
        again.send(ACK, zxid)
        assert world.reply(sent).zxid == zxid


def test_own_an_ack_that_a_new_connection_has_overtaken_does_not_count() -> None:
    with acknowledged_by_one(is_snapshot_forced=False) as (world, link, sent, zxid):
        again = joined_anew(world, zxid)
        link.send(ACK, zxid)
        world.run_until(lambda: zxid in world.node.logged())
        world.run_for(0.1)
        assert sent.reply is None, "the leader alone has it"
        again.send(ACK, zxid)
        assert world.reply(sent).zxid == zxid


@contextmanager
def acknowledged_by_one(is_snapshot_forced: bool) -> Iterator[tuple[LeaderWorld, Link, Sent, int]]:
    """A write that server 2 has acknowledged on its connection, and neither server 1 nor the leader, whose disk takes
    its time."""
    with LeaderWorld(learners=LearnersConfig(is_snapshot_sync_forced=is_snapshot_forced)) as world:
        other = world.serve(1)
        link = world.follow(2, E1)
        client = world.connect()
        hold_back(other)
        hold_back(link)
        world.node.disk.set_latency(2, 2, "log")
        sent, proposal = world.propose(client, link, Create("/a"))
        link.send(ACK, proposal.zxid)
        world.run_for(0.1)
        assert sent.reply is None
        yield world, link, sent, proposal.zxid


def joined_anew(world: LeaderWorld, zxid: int) -> Link:
    """One more connection of server 2, which has everything up to `zxid`, loses that and is sent it again."""
    link = world.learner(2)
    first = discover(link, 2, zxid, accepted=1, current=1)
    assert first.kind in {TRUNC, SNAP}
    assert first.zxid < zxid
    assert [packet.zxid for packet in until_new_leader(link) if packet.kind == PROPOSAL] == [zxid]
    catch_up(link, 1)
    return link


# Whoever asks.


def test_2623_4680_a_bare_check_is_no_transaction() -> None:
    with LeaderWorld() as world:
        link = world.serve()
        link.send(REQUEST, -1, request(SESSION, 0, CREATE_SESSION, i32(10_000)))
        link.take(COMMIT)
        link.send(REQUEST, -1, request(SESSION, 1, CHECK, text("/") + i32(-1)), [(b"ip", b"127.0.0.1")])
        entry = entry_of(link.take(PROPOSAL).body)
        assert (entry.kind, int.from_bytes(entry.body[:4], signed=True)) == (ERROR, UNIMPLEMENTED)


def test_3496_a_transaction_is_not_longer_than_logs_and_peers_take() -> None:
    """The end of a session with many ephemerals: a list of their paths would be longer than any packet may be."""
    limits = LimitsConfig(jute_max_buffer_bytes=4000, jute_max_buffer_extra_bytes=1000)
    with LeaderWorld(limits=limits) as world:
        link = world.serve()
        client = world.connect()
        for number in range(100):
            assert world.call(client, Create(f"/{number:0100}", b"", EPHEMERAL)).code == 0
        other = world.connect("other")
        world.call(client, CloseSession())
        zxid = world.call(other, Create("/after")).zxid
        assert max(len(packet.body) for packet in link.got if packet.kind == PROPOSAL) <= 5000
        assert set(world.node.photo().nodes) - {"/", "/after"} == {path for path in world.node.photo().nodes
                                                                   if path.startswith("/zookeeper")}  # fmt: skip
        world.node.machine.kill()
        world.node.start()
        assert world.node.failure is None
        assert world.node.photo().zxid == zxid


# Ephemerals and their sessions.


def test_4837_5010_an_ephemeral_does_not_outlive_its_session_through_a_partition() -> None:
    """The session ends while the server that has its client is cut off; afterwards that server leads."""
    with MemberWorld() as world:
        sim = world.sim
        world.start(*world.sids)
        world.await_serving(*world.sids)
        far = next(sid for sid in world.sids if sid != world.leader)
        near = [sim.machine(f"m{sid}") for sid in world.sids if sid != far]
        client = open_session(world, far)
        create(world, client, "/e", EPHEMERAL)
        create(world, client, "/p")
        sim.partition([sim.machine(f"m{far}"), world.client()], near)
        first, second = (sid for sid in world.sids if sid != far)
        sim.run_until(lambda: not has(world, first, "/e") and not has(world, second, "/e"))
        assert not any(has_session(world, sid, client) for sid in (first, second))
        world.sim.machine("client").kill()
        sim.heal()
        world.await_serving(*world.sids)
        sim.run_until(lambda: len({last_zxid(world, sid) for sid in world.sids}) == 1)
        assert (has(world, far, "/p"), has(world, far, "/e")) == (True, False)
        assert not has_session(world, far, client)
        world.kill(world.leader)
        left = list(world.servers)
        world.await_serving(*left)
        assert not any(has(world, sid, "/e") or has_session(world, sid, client) for sid in left)


def open_session(world: MemberWorld, sid: int) -> RawClient:
    return world.sim.run(connect(f"m{sid}", 2000), world.client())


def create(world: MemberWorld, client: RawClient, path: str, flags: int = 0) -> None:
    sent = world.client().life.context.copy().run(client.post, Create(path, b"", flags))
    world.sim.run_until(lambda: sent.reply is not None)
    assert sent.reply is not None
    assert sent.reply.code == 0


def has(world: MemberWorld, sid: int, path: str) -> bool:
    return world.servers[sid].service.database.tree.lookup(path.encode()) is not None


def has_session(world: MemberWorld, sid: int, client: RawClient) -> bool:
    return client.session.session_id in world.servers[sid].service.database.sessions


def last_zxid(world: MemberWorld, sid: int) -> int:
    return int(world.servers[sid].service.database.last_zxid)


def test_4837_5010_who_begins_to_lead_closes_sessions_of_which_only_ephemerals_are_left() -> None:
    """Such a tree comes from a crash of an older server, or from a snapshot of one."""
    with LeaderWorld() as world:
        world.begin_with({E1 + 1: create_txn(E1 + 1, "/p"),
                          E1 + 2: create_txn(E1 + 2, "/e", session_id=STRANGER, ephemeral=True)})  # fmt: skip
        world.start()
        assert {"/p", "/e"} <= set(world.node.photo().nodes)
        link = world.learner(1)
        follow_to_service(link, 1, E1 + 2, accepted=1, current=1)
        acknowledge(link)
        world.run_until(lambda: "/e" not in world.node.photo().nodes)
        assert "/p" in world.node.photo().nodes
        assert any(entry.zxid == E2 + 1 and entry.session_id == STRANGER for entry in world.node.entries())


# The end of an epoch.


def test_own_a_leader_makes_way_for_the_epoch_after_one_that_a_voter_has_accepted() -> None:
    """As a server that was to lead has accepted it, more than once, and nobody else did."""
    with MemberWorld() as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        far = next(sid for sid in world.sids if sid != world.leader)
        world.kill(far)
        replace_file(world.sim.machine(f"m{far}").disk, f"{FOLDER}/acceptedEpoch", b"7")
        world.start(far)
        world.await_serving(*world.sids)
        assert [world.servers[sid].context.epochs.current for sid in world.sids] == [8, 8, 8]


def test_1277_2789_4883_when_the_zxids_of_an_epoch_are_used_up_the_next_one_begins() -> None:
    """With room for 30 transactions in an epoch a client writes 100; the ensemble goes on by itself."""
    with mock.patch.object(leading, "LAST_COUNTER", 30), MemberWorld() as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        hosts = ",".join(f"m{sid}:{CLIENT_PORT}" for sid in world.sids)
        writing = world.client().start(lambda: _write_on(hosts, 100))
        world.sim.run_until(writing.done)
        written = writing.result()
        world.sim.run_until(lambda: len({last_zxid(world, sid) for sid in world.sids}) == 1)
        assert len(written) == 100
        for sid in world.sids:
            assert all(has(world, sid, path) for path in written)
            zxids = sorted(read_logs(world.sim.machine(f"m{sid}").disk))
            assert all(follows(after, before) for before, after in pairwise(zxids))
            assert max(zxid & 0xFFFFFFFF for zxid in zxids) <= 30
            assert zxids[-1] >> 32 >= 4
        assert f"Zxid: 0x{zxids[-1]:x}" in world.ask(1, "srvr"), "how far the counter is can be seen"


async def _write_on(hosts: str, count: int) -> list[str]:
    """The paths of which the client was told that they are there."""
    written: list[str] = []
    async with client_of(hosts, 20_000) as zk:
        number = 0
        while len(written) < count:
            number += 1
            try:
                written.append(await zk.create(f"/w{number}"))
            except ConnectionLossError:
                await asyncio.sleep(0.01)
    return written
