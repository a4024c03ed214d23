"""What members of an ensemble answer to four-letter words, role by role; the forms are those of Java 3.9.5."""

import re
from collections.abc import Iterator

import pytest

from .member_world import MemberWorld, client_of

NOT_SERVING = "This ZooKeeper instance is not currently serving requests"
OBSERVER = 4
MEMBERSHIP = (
    "server.1=m1:2888:3888:participant;0.0.0.0:2181\n"
    "server.2=m2:2888:3888:participant;0.0.0.0:2181\n"
    "server.3=m3:2888:3888:participant;0.0.0.0:2181\n"
    "server.4=m4:2888:3888:observer;0.0.0.0:2181\n"
    "version=0"
)


@pytest.fixture(scope="module")
def world() -> Iterator[MemberWorld]:
    """Three voters and an observer; clients of server 1 and of the observer have written, and are still there."""
    with MemberWorld(3, 1) as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.run(_act(), world.client())
        yield world


async def _act() -> None:
    follower, observer = client_of("m1:2181"), client_of("m4:2181")
    await follower.start()
    await observer.start()
    await follower.create("/a", b"x" * 10)
    await follower.create("/a/e", ephemeral=True)
    await observer.sync("/a")
    await observer.get("/a")


def test_srvr_tells_the_mode_and_a_leader_the_sizes_of_its_proposals(world: MemberWorld) -> None:
    told = {sid: world.ask(sid, "srvr").splitlines()[-3:] for sid in world.sids}
    assert [told[sid][-2] for sid in (1, 2, 4)] == ["Mode: follower", "Mode: follower", "Mode: observer"]
    assert told[3][:2] == ["Mode: leader", "Node count: 7"]
    # create with a session of 2000 ms, and of a path, data and ACL: as long as the logs' entries say.
    assert re.fullmatch("Proposal sizes last/min/max: [0-9]+/48/[0-9]+", told[3][2])
    assert "Proposal" not in world.ask(1, "stat")
    assert world.ask(3, "stat").splitlines()[-1] == told[3][2]


def test_srst_begins_the_sizes_anew() -> None:
    with MemberWorld(3) as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.run(_write_once(), world.client())
        assert world.metrics(3)["max_proposal_size"] != "-1"
        assert world.ask(3, "srst") == "Server stats reset.\n"
        told = world.metrics(3)
        assert [told[f"{kind}_proposal_size"] for kind in ("last", "min", "max")] == ["-1"] * 3
        assert told["looking_count"] == told["cnt_election_time"] == told["proposal_count"] == "0"


async def _write_once() -> None:
    async with client_of("m1:2181") as client:
        await client.create("/a")


def test_conf_tells_of_the_member_and_the_membership(world: MemberWorld) -> None:
    assert world.ask(1, "conf").partition("serverId")[2] == (
        "=1\ninitLimit=20\nsyncLimit=10\nelectionAlg=3\nelectionPort=3888\nquorumPort=2888\npeerType=0\n"
        f"membership: \n{MEMBERSHIP}"
    )
    assert "\npeerType=1\n" in world.ask(OBSERVER, "conf")


def test_dump_tells_all_sessions_and_only_the_leader_when_they_expire(world: MemberWorld) -> None:
    at_leader = world.ask(3, "dump")
    sessions = re.findall("^\t(0x[0-9a-f]+)$", at_leader, re.MULTILINE)
    assert len(sessions) == 2
    assert re.search(r"^Session Sets \([12]\)/\(2\):$", at_leader, re.MULTILINE)
    for sid in (1, 2, OBSERVER):
        head = "".join(f"{session}\t2000ms\n" for session in sorted(sessions))
        told = world.ask(sid, "dump")
        assert told.startswith(f"SessionTracker dump:\nGlobal Sessions(2):\n{head}ephemeral nodes dump:\n")
        assert f"{sorted(sessions)[0]}:\n\t/a/e\nConnections dump:\n" in told


def test_dump_of_a_follower_tells_when_its_connections_expire(world: MemberWorld) -> None:
    """The session's deadline is the leader's; the connection has its timeout since it was answered last."""
    session = re.findall("^(0x[0-9a-f]+)\t", world.ask(1, "dump"), re.MULTILINE)[0]
    before, _, _ = world.ask(1, "dump").partition(f" sessionId: {session}\n")
    assert re.search(r"^1 expire at Mon Jan 01 00:00:0[2-4] UTC 2024:\n\tip: /[0-9.:]+\Z", before, re.MULTILINE)


def test_mntr_tells_the_role(world: MemberWorld) -> None:
    names = ("server_state", "peer_state", "observer_master_id", "quorum_size")
    told = {sid: [world.metrics(sid).get(name) for name in names] for sid in world.sids}
    assert told == {
        1: ["follower", "following - broadcast", None, "3"],
        2: ["follower", "following - broadcast", None, "3"],
        3: ["leader", "leading - broadcast", None, "3"],
        4: ["observer", "observing - broadcast", "3", "3"],
    }
    assert list(world.metrics(OBSERVER))[:4] == ["version", "server_state", "peer_state", "observer_master_id"]


LEADERS = [
    "last_proposal_size", "leader_uptime", "learners", "max_proposal_size", "min_proposal_size", "pending_syncs",
    "synced_followers", "synced_non_voting_followers", "synced_observers", "zxid_counter",
]  # fmt: skip


def test_mntr_of_a_leader_tells_of_its_learners(world: MemberWorld) -> None:
    at_leader, at_follower = world.metrics(3), world.metrics(1)
    assert sorted(set(at_leader) - set(at_follower)) == LEADERS
    assert set(at_follower) - set(at_leader) == set()
    counts = [name for name in LEADERS if "proposal" not in name and name != "leader_uptime"]
    assert [at_leader[name] for name in counts] == ["3", "0", "2", "0", "1", "4"]
    assert at_leader["min_proposal_size"] == "48"
    assert 0 < int(at_leader["leader_uptime"]) <= int(at_leader["uptime"]) < 10_000


def test_counters_of_transactions(world: MemberWorld) -> None:
    """Two sessions and two creates."""
    names = ("proposal_count", "commit_count", "learner_proposal_received_count", "learner_commit_received_count")
    told = {sid: [world.metrics(sid)[name] for name in names] for sid in world.sids}
    assert told == {1: list("0044"), 2: list("0044"), 3: list("4400"), 4: list("0004")}


def test_latencies_are_of_the_own_clients_and_propagation_of_all_writes(world: MemberWorld) -> None:
    told = {sid: world.metrics(sid) for sid in world.sids}
    assert [told[sid]["cnt_updatelatency"] for sid in world.sids] == ["3", "0", "0", "1"]
    assert [told[sid]["cnt_readlatency"] for sid in world.sids] == ["0", "0", "0", "2"]
    assert [told[sid]["cnt_propagation_latency"] for sid in world.sids] == ["4"] * 4
    assert [told[sid]["cnt_commit_propagation_latency"] for sid in world.sids] == list("4404")
    assert [told[sid]["cnt_quorum_ack_latency"] for sid in world.sids] == list("0040")


def test_elections_and_synchronisation_are_measured(world: MemberWorld) -> None:
    told = {sid: world.metrics(sid) for sid in world.sids}
    assert [int(told[3][f"{kind}_count"]) for kind in ("diff", "snap")] in ([1, 2], [2, 1], [3, 0])
    assert [told[sid]["cnt_election_time"] for sid in world.sids] == list("1110")
    assert [told[sid]["cnt_follower_sync_time"] for sid in world.sids] == list("1100")
    assert [told[sid]["cnt_observer_sync_time"] for sid in world.sids] == list("0001")
    assert [told[sid]["cnt_leader_unavailable_time"] for sid in world.sids] == list("0010")
    assert 200 <= int(told[3]["max_election_time"]) <= int(told[3]["max_unavailable_time"]) < 5000
    assert int(told[3]["max_inflight_diff_count"]) >= 1
    assert told[3]["min_inflight_diff_count"] == "0"


def test_without_a_leader_words_about_the_state_say_so() -> None:
    with MemberWorld(3) as world:
        world.start(1)
        world.sim.run_for(1)
        for word in ("srvr", "stat", "mntr", "conf", "cons", "dump", "dirs", "wchs", "crst", "srst"):
            assert world.ask(1, word) == NOT_SERVING + "\n"
        assert [world.ask(1, word) for word in ("hash", "isro", "ruok")] == [NOT_SERVING, "null", "imok"]
        world.start(2)
        world.await_serving(1, 2)
        assert world.ask(1, "isro") == "rw"


def test_a_leader_that_loses_its_quorum_tells_nothing_more() -> None:
    with MemberWorld(3) as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.kill(1)
        world.kill(2)
        world.sim.run_until(lambda: not world.servers[3].service.serves())
        assert world.ask(3, "mntr") == NOT_SERVING + "\n"
        world.start(1)
        world.await_serving(1, 3)
        told = world.metrics(3)
        assert told["server_state"] == "leader"
        assert told["looking_count"] == told["cnt_unavailable_time"] == "2"
        assert int(told["leader_uptime"]) < 3000


def test_a_session_that_moves_is_counted_where_it_goes_and_at_the_leader() -> None:
    with MemberWorld(3) as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        world.sim.run(_move(), world.client())
        names = ("connection_revalidate_count", "revalidate_count")
        told = {sid: [world.metrics(sid)[name] for name in names] for sid in world.sids}
        assert told == {1: ["0", "0"], 2: ["1", "0"], 3: ["0", "1"]}


async def _move() -> None:
    client = client_of("m1:2181")
    await client.start()
    session_id = client.session_id
    client.update_hosts("m2:2181")
    await client.create("/a")
    assert client.server is not None
    assert (client.server[0], client.session_id) == ("m2", session_id)
    await client.close()
