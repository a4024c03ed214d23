"""Pitfalls of what is kept across connections, roles and memberships, and on the disk while a history is replaced."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from raw_jute import RECONFIG, i32, i64

from zkeeper.server.config.ensemble import LearnersConfig
from zkeeper.server.config.model import LimitsConfig

from ..raw_client import connect  # noqa: TID252  the package has two names
from ..reconfig_world import Member, ReconfigWorld, line  # noqa: TID252
from ..requests import Create, Multi, Sync  # noqa: TID252
from ..roles.leader_world import LeaderWorld, hold_back  # noqa: TID252
from ..roles.learner_world import LearnerWorld, made  # noqa: TID252
from ..roles.packets import (  # noqa: TID252
    ACK,
    ACK_EPOCH,
    DIFF,
    FOLLOWER_INFO,
    INFORM,
    INFORM_AND_ACTIVATE,
    LEADER_INFO,
    NEW_LEADER,
    OBSERVER_INFO,
    TRUNC,
    UP_TO_DATE,
    Packet,
    epoch,
    image,
    set_data_txn,
)
from ..roles.peers import introduce, send_image  # noqa: TID252
from ..roles.world import RolesWorld, config_text  # noqa: TID252
from .test_of_leaders import acknowledged_by_one

E1 = epoch(1)


def test_own_what_is_committed_is_not_taken_from_a_log_because_it_is_not_applied_yet() -> None:
    """Server 2 comes back while the leader applies a long batch. What the batch ends with is in the logs of these two
    alone, and its client is about to be told of it: if server 2 gave it up for a moment, and the leader were lost
    then, it would be lost, too."""
    with LeaderWorld() as world:
        other = world.serve(1)
        link = world.follow(2, E1)
        client = world.connect()
        hold_back(other)
        hold_back(link)
        service = world.node.member.service
        turns: list[Callable[[], None]] = []
        service.later = turns.append  # The next slice comes when the test says so.
        world.post(client, Multi(tuple(Create(f"/a{number}") for number in range(1000))))
        sent = world.post(client, Create("/b"))
        world.run_until(lambda: len(world.node.logged()) == 3)
        zxid = world.node.logged()[-1]
        link.send(ACK, zxid)
        world.run_until(lambda: bool(turns))
        assert (service.committed_zxid(), sent.reply) == (zxid, None)
        link.close()
        world.run_until(lambda: link.is_over)
        again = world.learner(2)
        assert introduce(again, 2, 1).kind == LEADER_INFO
        again.send(ACK_EPOCH, zxid, i32(1))
        assert again.next() == Packet(DIFF, zxid), "with TRUNC the leader alone would have it for a while"
        assert world.reply(sent).zxid == zxid


def test_own_a_sync_amid_a_change_does_not_wait_for_who_has_left_with_it() -> None:
    """The leader asks the old members and the new ones whether it leads still. The one old follower has acknowledged
    the change, and is gone before it answers; under the new membership nobody asks for it any more. Nothing behind a
    sync is committed before it is confirmed, so nothing would be for ever."""
    with ReconfigWorld() as world:
        world.start()
        leader = world.leader
        gone, old = world.followers
        new = [world.join(sid) for sid in (4, 5)]
        client = world.run(connect(f"s{leader.sid}"), world.machine("client"))
        gone.kill()
        world.run_for(0.5)
        leader.disk.set_latency(0.2, 0.2, "log")
        arguments = {"joining": [line(4), line(5)], "leaving": [gone.sid, old.sid]}
        change = world.begin_call(lambda zk: zk.reconfig(**arguments), leader.sid)
        world.run_until(lambda: leader.last_seen.version > leader.committed.version)
        version = leader.last_seen.version
        world.run_until(lambda: has_acknowledged(leader, old, version))
        world.partition(old.machine, [member.machine for member in world.alive if member is not old])
        sent = world.machine("client").life.context.copy().run(client.post, Sync())
        world.run_until(change.done)
        assert leader.committed.version == version
        leader.disk.set_latency(0.001, 0.001, "log")
        writing = world.begin_call(lambda zk: zk.create("/a"), 4, 5)
        world.run_for(30)
        assert (leader.mode, [member.mode for member in new]) == ("leader", ["follower", "follower"])
        assert (sent.reply is not None, writing.done()) == (True, True)


def has_acknowledged(leader: Member, follower: Member, zxid: int) -> bool:
    assert leader.server is not None
    return follower.sid in leader.server._leader._broadcasting.acks.acked_by(zxid)  # type: ignore[union-attr]


def test_own_an_observer_without_a_log_that_learns_in_an_election_that_it_votes_goes_on_from_its_disk() -> None:
    """It was cut off when it became a participant. What it has in memory alone is no history with which it may vote,
    nor one that its log may go on from: a crash left a log with a hole, with which no server starts."""
    with ReconfigWorld("pppo", settings={"syncEnabled": "false"}) as world:
        world.start()
        observer = world[4]
        writer = world.writer(1, 2, 3)
        writer.await_progress()
        world.partition(observer.machine, [world[sid].machine for sid in (1, 2, 3)])
        world.reconfig(1, 2, 3, joining=[line(4)])
        world.run_until(lambda: not observer.is_serving)
        world.heal()
        world.await_membership({1: "p", 2: "p", 3: "p", 4: "p"})
        world.await_service()
        writer.await_progress()
        observer.kill()
        observer.start()
        world.await_service()
        world.check(writer)


@pytest.mark.parametrize("is_activated", [False, True])
def test_own_an_observer_without_a_log_that_is_told_that_it_votes_goes_on_from_its_disk(is_activated: bool) -> None:
    """The same, of one that hears of it while it is brought into line: with the history, or by NEWLEADER."""
    learners, limits = LearnersConfig(is_observer_sync_enabled=False), LimitsConfig(is_reconfig_enabled=True)
    with LearnerWorld(participants=(2, 3), observers=(1,), learners=learners, limits=limits) as world:
        with_file(world, "/zoo.cfg", world.text)
        link = world.begin()
        world.lead_in(link, 1)
        link.send(DIFF, 0)
        link.send(INFORM, E1 + 1, made(E1 + 1))
        if is_activated:
            payload = reconfig_txn(E1 + 2, config_text((1, 2, 3), version=E1 + 2))
            link.send(INFORM_AND_ACTIVATE, E1 + 2, i64(3) + payload)
        else:
            link.send(NEW_LEADER, E1, config_text((1, 2, 3), version=E1 + 2).encode())
            link.expect(ACK, E1)
            link.send(UP_TO_DATE, -1)
        link.wait_over()
        link = world.leader.next_learner()
        link.expect(FOLLOWER_INFO)
        link.send(LEADER_INFO, epoch(2), i32(0x10000))
        assert (link.expect(ACK_EPOCH).zxid, world.node.logged()) == (0, [])


def reconfig_txn(zxid: int, text: str) -> bytes:
    payload = set_data_txn(zxid, "/zookeeper/config", text.encode(), -1)
    return payload[:28] + i32(RECONFIG) + payload[32:]


def with_file(world: RolesWorld, path: str, text: str) -> None:
    file = world.node.disk.open_writer(path)
    file.write(text.encode())
    file.sync()
    file.close()
    world.node.disk.sync_folder("/")


def test_own_a_purge_leaves_the_snapshot_that_takes_the_place_of_a_later_history() -> None:
    """A learner gets an older state than the one that it has, as after a restore. The snapshots of the one that it had
    are the newest until they go, and a purge keeps the newest."""
    with LearnerWorld() as world:
        retention = replace(world.node.config.retention, purge_interval_ms=500)
        world.node.config = replace(world.node.config, retention=retention)
        link = world.begin()
        for number in (1, 2, 3):
            world.lead_in(link, number)
            send_image(link, E1 + 10 * number, image({f"/e{number}": b""}, E1 + 10 * number))
            world.new_leader(link, number)
            link = world.rejoin(link)
        world.run_for(1)
        assert world.node.snapshots() == [E1 + 10, E1 + 20, E1 + 30]
        world.lead_in(link, 4)
        world.node.disk.set_latency(2, 2, "log")
        send_image(link, E1 + 5, image({"/e4": b""}, E1 + 5))
        world.new_leader(link, 4)
        assert world.node.snapshots() == [E1 + 5]
        world.node.machine.kill()
        world.node.start()
        assert world.node.failure is None
        assert world.paths() == {"/e4"}


def test_own_an_ack_does_not_count_any_more_when_its_server_comes_back_as_an_observer() -> None:
    """It was started again with another zoo.cfg. What it is sent takes what it has acknowledged from its log."""
    with acknowledged_by_one(is_snapshot_forced=False) as (world, link, sent, zxid):
        link.close()
        world.run_until(lambda: link.is_over)
        again = world.learner(2)
        assert introduce(again, 2, 1, kind=OBSERVER_INFO).kind == LEADER_INFO
        again.send(ACK_EPOCH, zxid, i32(1))
        first = again.next()
        assert first.kind == TRUNC
        assert first.zxid < zxid
        world.run_until(lambda: zxid in world.node.logged())
        world.run_for(0.1)
        assert sent.reply is None, "the leader alone has it"
