"""Members join, leave and change their roles and addresses while clients write (quorum, section 22.22)."""

import pytest

import zkeeper
from zkeeper.errors import (
    BadArgumentsError,
    BadVersionError,
    NewConfigNoQuorumError,
    NoAuthError,
    ReconfigDisabledError,
    ZooKeeperError,
)
from zkeeper.values import EventType, WatchEvent

from .reconfig_world import CONFIG, ReconfigWorld, line

THREE = {1: "p", 2: "p", 3: "p"}


def test_the_first_leader_numbers_the_membership() -> None:
    """22.23: all of them get the version of its epoch, on the disk, too; it is not given again."""
    with ReconfigWorld() as world:
        world.start()
        for epoch in (1, 2):
            assert world.await_membership(THREE).version == 1 << 32
            world.check()
            assert set(world.leaders) == set(range(1, epoch + 1))
            for member in world.alive:
                assert member.names() == ["zoo.cfg", "zoo.cfg.bak", "zoo.cfg.dynamic.100000000"]
                member.stop()
            world.start()


def test_without_reconfig_the_version_stays_0_and_nothing_is_written() -> None:
    with ReconfigWorld(settings={"reconfigEnabled": "false"}) as world:
        world.start()
        with pytest.raises(ReconfigDisabledError):
            world.reconfig(leaving=[3])
        assert world.await_membership(THREE).version == 0
        world.check()
        assert all(member.names() == ["zoo.cfg"] for member in world.alive)


def test_an_observer_joins() -> None:
    with ReconfigWorld() as world:
        world.start()
        writer = world.writer(1, 2, 3)
        joiner = world.join(4, "observer")
        assert joiner.mode == "follower", "it is no member yet"
        assert joiner.committed == world.leader.committed
        text = world.reconfig(1, joining=[line(4, "observer")])
        assert world.await_membership({**THREE, 4: "o"}).text().encode() == text
        world.await_service()
        assert joiner.mode == "observer"
        writer.await_progress()
        world.check(writer)


def test_a_participant_joins_and_counts() -> None:
    with ReconfigWorld() as world:
        world.start()
        writer = world.writer(1, 2, 3)
        joiner = world.join(4)
        leader, elections = world.leader, joiner.elections
        world.reconfig(1, joining=[line(4)])
        world.await_membership({**THREE, 4: "p"})
        assert joiner.elections == elections, "it goes on following"
        world.followers[0].kill()
        writer.await_progress()  # Three of four are needed now.
        assert world.leader is leader
        world.check(writer)


def test_an_observer_is_promoted_and_a_participant_becomes_an_observer() -> None:
    with ReconfigWorld("pppo") as world:
        world.start()
        writer = world.writer(1, 2, 3)
        leader = world.leader
        elections = {member.sid: member.elections for member in world.alive}
        world.reconfig(1, joining=[line(4)])
        world.await_membership({**THREE, 4: "p"})
        world.await_service()
        assert world[4].mode == "follower"
        follower = next(sid for sid in (1, 2, 3) if world[sid].mode == "follower")
        world.reconfig(4, joining=[line(follower, "observer")])
        world.await_membership({**THREE, 4: "p", follower: "o"})
        world.await_service()
        assert world[follower].mode == "observer"
        assert world.leader is leader
        assert elections == {member.sid: member.elections for member in world.alive}, "no election was needed"
        world.check(writer)


def test_a_follower_is_removed_and_follows_on_without_a_vote() -> None:
    with ReconfigWorld() as world:
        world.start()
        writer = world.writer(1, 2, 3)
        removed, other = world.followers
        world.reconfig(removed.sid, leaving=[removed.sid])
        rest = {sid: "p" for sid in (1, 2, 3) if sid != removed.sid}
        world.await_membership(rest)
        assert removed.mode == "follower"
        writer.await_progress()
        removed.kill()
        writer.await_progress()
        other.kill()
        world.run_until(lambda: not world.alive[0].is_serving)
        other.start()
        world.await_service()
        world.check(writer)


def test_the_leader_is_removed_and_hands_over_without_an_election() -> None:
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        writer = world.writer(*[member.sid for member in world.followers])
        writer.await_progress()
        elections = {member.sid: member.elections for member in world.alive}
        world.reconfig(world.followers[0].sid, leaving=[old.sid])
        world.await_membership({member.sid: "p" for member in world.alive if member is not old})
        world.await_service()
        assert old.mode == "follower"
        assert elections == {member.sid: member.elections for member in world.alive}
        assert world.leader.sid not in world.leaders[1]
        writer.await_progress()
        assert writer.longest_gap_s < 1.0, "writers waited for no election"
        old.stop()
        writer.await_progress()
        world.check(writer)


def test_a_reconfig_that_removes_the_leader_is_answered_by_that_leader() -> None:
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        text = world.reconfig(old.sid, leaving=[old.sid])
        assert b"server.%d=" % old.sid not in text
        world.await_membership({sid: "p" for sid in (1, 2, 3) if sid != old.sid})
        world.check()


def test_the_leader_becomes_an_observer() -> None:
    with ReconfigWorld("pppp") as world:
        world.start()
        old = world.leader
        writer = world.writer(*[member.sid for member in world.followers])
        elections = {member.sid: member.elections for member in world.alive}
        world.reconfig(joining=[line(old.sid, "observer")])
        world.await_membership({**dict.fromkeys((1, 2, 3, 4), "p"), old.sid: "o"})
        world.await_service()
        assert old.mode == "observer"
        assert elections == {member.sid: member.elections for member in world.alive}
        world.check(writer)


def test_the_leader_gets_another_address() -> None:
    """Others would not find it any more, so it hands over; it follows, and may lead again where it is now."""
    with ReconfigWorld() as world:
        world.start()
        old = world.leader
        writer = world.writer(*[member.sid for member in world.followers])
        elections = {member.sid: member.elections for member in world.alive}
        world.reconfig(joining=[line(old.sid, quorum=2999)])
        world.await_membership(THREE)
        world.await_service()
        assert old.mode == "follower"
        assert elections == {member.sid: member.elections for member in world.alive}
        second = world.leader
        world.reconfig(joining=[line(second.sid, quorum=2999)])
        world.await_service()
        third = world.leader
        third.kill()
        writer.await_progress()
        third.start()
        world.check(writer)
        assert {address.quorum_port for member in old.committed.members.values() for address in member.addresses} == {
            2888, 2999,
        }  # fmt: skip


def test_ports_of_elections_and_clients_move() -> None:
    with ReconfigWorld() as world:
        world.start()
        writer = world.writer(1, 2, 3)
        moved = world.followers[0]
        there = line(moved.sid, client=2345).replace(":3888:", ":3999:")
        world.reconfig(joining=[there])
        world.await_membership(THREE)
        world.run_for(1.0)

        async def look(zk: zkeeper.AsyncClient) -> bytes:
            return (await zk.config()).data or b""

        hosts = f"s{moved.sid}:2345"
        assert there.encode() in world.run(world._with_client(look, hosts, 20_000, {}), world.machine("admin"))
        assert moved.server is not None
        assert [port for _, port in moved.server.port.addresses()] == [2345]
        leader = world.leader
        leader.kill()  # The rest elects by way of the new port.
        writer.await_progress()
        assert {moved.mode, *(member.mode for member in world.alive)} == {"leader", "follower"}
        leader.start()
        world.check(writer)


def test_a_client_port_that_cannot_move_stays() -> None:
    with ReconfigWorld() as world:
        world.start()
        moved = world.followers[0]
        world.reconfig(joining=[line(moved.sid, client=2888).replace("2888:3888", "2777:3888")])
        world.await_membership(THREE)
        world.reconfig(joining=[line(moved.sid, client=3888).replace("2888:3888", "2777:3889")])
        world.check()


def test_a_hierarchy_takes_the_place_of_a_majority() -> None:
    with ReconfigWorld("ppppp") as world:
        world.start()
        writer = world.writer()
        weights = [f"weight.{sid}={1 if sid < 4 else 0}" for sid in range(1, 6)]
        world.reconfig(members=[*world.lines, "group.1=1:2:3", "group.2=4:5", *weights])
        committed = world.await_membership(dict.fromkeys(range(1, 6), "p"))
        assert committed.is_hierarchical
        with pytest.raises(BadArgumentsError):
            world.reconfig(leaving=[5])
        for sid in (4, 5):
            world[sid].kill()
        writer.await_progress()  # They have no weight.
        for sid in (4, 5):
            world[sid].start()
        world.check(writer)
        assert world.leader.sid < 4


@pytest.mark.parametrize("at", ["leader", "follower", "observer"])
def test_watches_on_the_membership_fire(at: str) -> None:
    with ReconfigWorld("pppo") as world:
        world.start()
        member = next(one for one in world.alive if one.mode == at)
        leaving = next(one.sid for one in world.followers if one is not member)
        seen: list[WatchEvent] = []

        async def change(zk: zkeeper.AsyncClient) -> None:
            before = await zk.config(watch=seen.append)
            assert (before.stat.version, before.stat.mzxid) == (-1, 1 << 32)
            told = await zk.reconfig(leaving=[leaving], version=1 << 32)
            assert await zk.config() == told
            assert told.stat.version == -1
            assert told.data is not None
            assert told.data.endswith(b"version=%x" % told.stat.mzxid)

        world.call(change, member.sid)
        assert [(event.type, event.path) for event in seen] == [(EventType.DATA_CHANGED, CONFIG)]
        world.check()


@pytest.mark.parametrize("at", ["leader", "follower"])
def test_what_may_not_be_is_refused(at: str, caplog: pytest.LogCaptureFixture) -> None:
    with ReconfigWorld() as world:
        world.start()
        sid = (world.leader if at == "leader" else world.followers[0]).sid
        refusals: list[tuple[dict[str, object], type[ZooKeeperError], str]] = [
            ({"leaving": [3], "version": (1 << 32) + 1}, BadVersionError, "version 100000000, not 100000001"),
            ({"leaving": [1, 2]}, BadArgumentsError, "new configuration must include at least 2 followers"),
            ({"joining": ["server.4=s4:1:2"]}, BadArgumentsError, "each server should have 3 ports specified"),
            ({"joining": ["server.4\n" + "x" * 1000]}, BadArgumentsError, "Wrong format of server string: server.4?x"),
            ({"joining": [line(4, host="s1")]}, BadArgumentsError, "of server.4 conflicts with server.1"),
            ({"joining": [line(300)]}, BadArgumentsError, "no server can join with the number 300"),
            (
                {"joining": [line(4), line(5)], "leaving": [3]},
                NewConfigNoQuorumError,
                "no quorum of the new participants",
            ),
        ]
        for arguments, error, reason in refusals:
            caplog.clear()
            with pytest.raises(error):
                world.reconfig(sid, **arguments)
            (told,) = [one.message for one in caplog.records if "is refused: " in one.message]
            assert told.startswith("a reconfig of session 0x")
            assert reason in told
            assert len(told) < 400
        assert world.await_membership(THREE).version == 1 << 32
        world.reconfig(sid, leaving=[3], version=1 << 32)
        world.await_membership({1: "p", 2: "p"})
        world.check()


def test_who_may_not_write_the_configuration_may_not_change_it(caplog: pytest.LogCaptureFixture) -> None:
    digest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # Of super:test.
    settings = {"skipACL": "no", "DigestAuthenticationProvider.superDigest": digest}
    with ReconfigWorld(settings=settings) as world:
        world.start()
        with pytest.raises(NoAuthError):
            world.reconfig(leaving=[3])
        assert "is refused: its client may not write /zookeeper/config" in caplog.text

        async def as_super(zk: zkeeper.AsyncClient) -> None:
            await zk.reconfig(leaving=[3])

        world.call(as_super, auth=[("digest", b"super:test")])
        world.await_membership({1: "p", 2: "p"})
        world.check()


def test_one_server_grows_to_three() -> None:
    with ReconfigWorld("p", settings={"standaloneEnabled": "false"}) as world:
        world.start()
        writer = world.writer(1)
        for sid in (2, 3):
            world.join(sid)
            world.reconfig(1, joining=[line(sid)])
            world.await_membership(dict.fromkeys(range(1, sid + 1), "p"))
        writer.await_progress()
        world[3].kill()
        writer.await_progress()
        world[3].start()
        world.check(writer)
        world.reconfig(leaving=[2, 3])
        world.await_membership({1: "p"})
        world[2].stop()
        world[3].stop()
        world.check()
