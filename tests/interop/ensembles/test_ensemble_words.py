"""The four-letter words of our members beside those of Java's, in one ensemble: role by role, after the same story.

Server 3 leads first, a Java server; then server 2, one of ours. What belongs to a member or a moment is replaced by a
letter; what the ensemble has in common, its sessions, digests and membership, has to be the same to the letter.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from kazoo.client import KazooClient

from interop.conftest import need_zkjava
from interop.told import OF_LATER_RELEASES, OUR_OWN, is_traffic_set, metrics, shape, without_empty_periods

from . import status
from .ensemble import Ensemble, run_ensemble
from .kinds import kinds

WORDS = ("ruok", "isro", "srvr", "stat", "conf", "cons", "mntr", "dump", "wchs", "dirs", "hash")
TRANSACTIONS = 150  # Every 128th leaves a digest for `hash`.
SESSION_TIMEOUT_S = 30.0
START_S = 20.0
PINGS_S = 1.5  # Three ticks: every session was reported to the leader at least once.


class Pair(NamedTuple):
    """What a Java server and one of ours answered in the same role, by word."""

    java: dict[str, str]
    ours: dict[str, str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    """By role."""
    need_zkjava()
    with run_ensemble(*kinds("JZJ+JZ"), tmp_path_factory.mktemp("words")) as ensemble, ExitStack() as stack:
        leader = ensemble.start_led_by(3)
        for member in ensemble.running:
            act(client_of(ensemble, member.sid, stack), member.sid)
        time.sleep(PINGS_S)
        answers = ask_all(ensemble)
        leader.kill()
        ensemble.await_service()  # Else server 3, whose id is the greater one, may be back for the election.
        ensemble.start(3)
        assert ensemble.leader.sid == 2
        client_of(ensemble, 2, stack).create("/again", b"x" * 100)
        answers_of_ours = ask_all(ensemble)
        yield {
            "follower": Pair(answers[1], answers[2]),
            "observer": Pair(answers[4], answers[5]),
            "leader": Pair(answers[3], answers_of_ours[2]),
        }


def client_of(ensemble: Ensemble, sid: int, stack: ExitStack) -> KazooClient:
    client = KazooClient(ensemble.address(ensemble[sid]), timeout=SESSION_TIMEOUT_S)
    client.start(START_S)
    stack.callback(client.close)
    stack.callback(client.stop)
    return client


def act(client: KazooClient, sid: int) -> None:
    client.create(f"/{sid}", b"start")
    client.create(f"/{sid}/e", b"", ephemeral=True)
    for number in range(TRANSACTIONS // 5):
        client.set(f"/{sid}", b"%03d" % number)
    client.sync("/")
    client.get(f"/{sid}", watch=print)


def ask_all(ensemble: Ensemble) -> dict[int, dict[str, str]]:
    ensemble.await_service()
    return {
        member.sid: {word: status.ask(member.address.client, word) for word in WORDS} for member in ensemble.running
    }


ROLES = pytest.mark.parametrize("role", ["follower", "observer", "leader"])


@ROLES
@pytest.mark.parametrize("word", ["srvr", "wchs", "dirs", "ruok", "isro"])
def test_the_same_lines(told: dict[str, Pair], role: str, word: str) -> None:
    java, ours = told[role]
    assert shape(ours[word]) == shape(java[word])


@pytest.mark.parametrize("role", ["follower", "observer"])
def test_learners_have_applied_the_same(told: dict[str, Pair], role: str) -> None:
    java, ours = (re.findall("^(?:Zxid|Node count): .*$", each["srvr"], re.MULTILINE) for each in told[role])
    assert ours == java


@pytest.mark.parametrize("role", ["follower", "observer"])
@pytest.mark.parametrize("word", ["stat", "cons"])
def test_the_same_lines_in_the_order_of_the_server(told: dict[str, Pair], role: str, word: str) -> None:
    java, ours = told[role]
    assert sorted(shape(ours[word]).split("\n")) == sorted(shape(java[word]).split("\n"))


@ROLES
def test_conf_but_for_folders_and_own_ports(told: dict[str, Pair], role: str) -> None:
    def lines(answers: dict[str, str]) -> list[str]:
        own = r"^(data\w+|clientPort|serverId|electionPort|quorumPort)=.*$"
        return re.sub(own, r"\1=X", answers["conf"], flags=re.MULTILINE).split("\n")

    java, ours = told[role]
    if role == "leader":
        assert [shape(line) for line in lines(ours)] == [shape(line) for line in lines(java)]
    else:
        assert lines(ours) == lines(java)
    assert ours["conf"].endswith("version=0")


@pytest.mark.parametrize("role", ["follower", "observer"])
def test_dump_of_a_learner_has_the_same_sessions_and_ephemerals(told: dict[str, Pair], role: str) -> None:
    def common(answers: dict[str, str]) -> list[str]:
        return sorted(answers["dump"].partition("Connections dump:")[0].split("\n"))

    java, ours = told[role]
    assert common(ours) == common(java)
    assert "Global Sessions(5):" in ours["dump"]
    assert len(re.findall("^\t/[1-5]/e$", ours["dump"], re.MULTILINE)) == 5


@ROLES
def test_dump_but_for_periods_in_which_nothing_expires(told: dict[str, Pair], role: str) -> None:
    def lines(answers: dict[str, str]) -> set[str]:
        return {shape(line) for line in without_empty_periods(answers["dump"]).split("\n")}

    java, ours = told[role]
    assert lines(ours) == lines(java)


@pytest.mark.parametrize("role", ["follower", "observer"])
def test_hash_tells_the_same_digests(told: dict[str, Pair], role: str) -> None:
    java, ours = told[role]
    assert ours["hash"] == java["hash"]
    assert ours["hash"].startswith("100000080: ")


@ROLES
def test_mntr_has_the_same_metrics_in_the_same_order_at_first(told: dict[str, Pair], role: str) -> None:
    theirs, here = (metrics(each["mntr"]) for each in told[role])
    assert sorted(name for name in theirs if name not in here and not is_traffic_set(name)) == []
    ours = {name for name in here if name not in theirs and not OF_LATER_RELEASES.match(name)}
    assert ours == (OUR_OWN if role == "leader" else set())
    first = 4 if role == "observer" else 3
    assert list(here)[:first] == list(theirs)[:first]


@ROLES
def test_mntr_tells_numbers_of_the_same_kind(told: dict[str, Pair], role: str) -> None:
    theirs, here = (metrics(each["mntr"]) for each in told[role])
    common = [name for name in here if name in theirs and name != "zk_version"]
    assert [name for name in common if ("." in here[name]) != ("." in theirs[name])] == []


STATE = [
    "server_state", "peer_state", "observer_master_id", "quorum_size", "znode_count", "ephemerals_count", "watch_count",
    "global_sessions", "local_sessions", "num_alive_connections", "approximate_data_size", "pending_syncs",
    "outstanding_requests", "learner_proposal_received_count", "learner_commit_received_count", "proposal_count",
    "commit_count", "snap_count", "cnt_updatelatency", "cnt_readlatency", "cnt_propagation_latency",
    "cnt_commit_propagation_latency", "cnt_quorum_ack_latency", "cnt_follower_sync_time", "cnt_observer_sync_time",
    "cnt_leader_unavailable_time", "cnt_unavailable_time", "connection_request_count",
]  # fmt: skip


@pytest.mark.parametrize("role", ["follower", "observer"])
def test_mntr_of_a_learner_tells_the_same_state(told: dict[str, Pair], role: str) -> None:
    theirs, here = (metrics(each["mntr"]) for each in told[role])
    assert {name: here.get(f"zk_{name}") for name in STATE} == {name: theirs.get(f"zk_{name}") for name in STATE}


def test_mntr_of_a_leader_tells_of_as_many_learners(told: dict[str, Pair]) -> None:
    theirs, here = (metrics(each["mntr"]) for each in told["leader"])
    names = ["server_state", "peer_state", "quorum_size", "learners", "synced_followers", "synced_observers",
             "synced_non_voting_followers", "pending_syncs"]  # fmt: skip
    assert [here[f"zk_{name}"] for name in names] == [theirs[f"zk_{name}"] for name in names]
    assert [here[f"zk_{name}"] for name in names[3:6]] == ["4", "2", "2"]
    assert int(here["zk_last_proposal_size"]) > 100
