"""The four-letter words of the server beside those of Apache ZooKeeper, after the same story told to both.

What belongs to one run (ports, ids, times, counts of packets) is replaced by a letter; all the rest must be equal.
"""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kazoo.client import KazooClient

from .conftest import need_zkjava
from .differential import codec
from .servers import HOST, Server, run_server
from .told import OF_LATER_RELEASES, is_traffic_set, metrics, shape, without_empty_periods
from .wire_session import Refused, WireSession

WORDS = ("ruok", "isro", "srvr", "stat", "conf", "cons", "mntr", "envi", "dump", "wchs", "wchc", "wchp", "dirs", "hash")
SETS_OF_DATA = 130  # Every 128th transaction leaves a digest for `hash`.
DEADLINE_S = 10.0
DROPPED = 3
"""Connections that clients end without a word in the story: two in `hang_up`, one in `say_what_libraries_do_not`."""


@dataclass(frozen=True)
class Told:
    """What a server answered; each word was asked on a connection of its own."""

    answers: dict[str, str]
    resets: tuple[str, str]
    masks: tuple[str, str]
    telnet_break: str


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """What Apache ZooKeeper tells."""
    need_zkjava()
    with run_server("java", tmp_path_factory.mktemp("java-words")) as running:
        yield tell_story(running)


@pytest.fixture(scope="module")
def ours(server_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """What the server under test tells; one of its own, as the words tell of everything that goes on in it."""
    with run_server(server_kind, tmp_path_factory.mktemp("words")) as running:
        yield tell_story(running)


def tell_story(server: Server) -> Told:
    """One client with nodes, ephemerals, watches and a quota; then all words."""
    client = KazooClient(server.address, timeout=30.0)
    client.start(DEADLINE_S)
    try:
        act(client)
        hang_up(server)
        say_what_libraries_do_not(server)
        answers = {word: ask(server, word.encode()) for word in WORDS}
        resets = ask(server, b"crst"), ask(server, b"srst")
        masks = ask(server, b"gtmk"), ask(server, b"stmk" + (311).to_bytes(8, "big"))
        return Told(answers, resets, masks, ask(server, b"\xff\xf4\xff\xfd"))
    finally:
        client.stop()
        client.close()


def act(client: KazooClient) -> None:
    client.create("/w", b"start")
    client.create("/w/é", b"1", ephemeral=True)
    client.create("/w/e", b"", ephemeral=True)
    for number in range(SETS_OF_DATA):
        client.set("/w", b"%03d" % number)
    client.ensure_path("/zookeeper/quota/w")
    client.create("/zookeeper/quota/w/zookeeper_limits", b"count=9,bytes=1000")
    client.create("/zookeeper/quota/w/zookeeper_stats", b"count=0,bytes=0")
    client.get("/w", watch=print)
    client.exists("/nope", watch=print)
    client.get_children("/w", watch=print)


def hang_up(server: Server) -> None:
    """Two clients that leave without a word, and one that is refused, since it has seen what no server has."""
    for _ in range(2):
        WireSession(server, 4000).drop()
    with socket.create_connection((HOST, server.port), timeout=DEADLINE_S) as connection:
        request = codec.i32(0) + codec.i64(1 << 40) + codec.i32(4000) + codec.i64(0) + codec.buffer(bytes(16))
        connection.sendall(codec.framed(request))
        assert connection.recv(1) == b""


def say_what_libraries_do_not(server: Server) -> None:
    """Replies that Java counts, and those that it does not: errors, pings, auth, an unknown and a resumed session."""
    session = WireSession(server, 4000)
    assert not session.exists("/none")
    session.ping()
    session.authenticate("digest", b"user:password")
    session.drop()
    WireSession(server, 4000, session.credentials).close()
    with pytest.raises(Refused):
        WireSession(server, 4000, session.credentials)


def ask(server: Server, word: bytes) -> str:
    with socket.create_connection((HOST, server.port), timeout=DEADLINE_S) as connection:
        connection.sendall(word)
        return connection.makefile("rb").read().decode()


@pytest.mark.parametrize("word", ["srvr", "wchs"])
def test_the_same_lines(java: Told, ours: Told, word: str) -> None:
    assert shape(ours.answers[word]) == shape(java.answers[word])


@pytest.mark.parametrize("word", ["stat", "cons"])
def test_the_same_lines_in_the_order_of_the_server(java: Told, ours: Told, word: str) -> None:
    def lines(told: Told) -> list[str]:
        return sorted(shape(told.answers[word]).split("\n"))

    assert lines(ours) == lines(java)


@pytest.mark.parametrize("word", ["wchc", "wchp"])
def test_the_same_watches(java: Told, ours: Told, word: str) -> None:
    def lines(told: Told) -> list[str]:
        return sorted(re.sub("0x[0-9a-f]+", "ID", told.answers[word]).split("\n"))

    assert lines(ours) == lines(java)


@pytest.mark.parametrize("word", ["ruok", "isro"])
def test_the_same_answer(java: Told, ours: Told, word: str) -> None:
    assert ours.answers[word] == java.answers[word]


def test_the_other_words_that_change_something(java: Told, ours: Told) -> None:
    assert (ours.resets, ours.masks, ours.telnet_break) == (java.resets, java.masks, java.telnet_break)


def test_dump_but_for_periods_in_which_nothing_expires(java: Told, ours: Told) -> None:
    def lines(told: Told) -> list[str]:
        return sorted(shape(without_empty_periods(told.answers["dump"])).split("\n"))

    assert lines(ours) == lines(java)
    assert re.search(r"^1 expire at \w{3} \w{3} [0-9]{2} [0-9:]{8} UTC 2[0-9]{3}:$", ours.answers["dump"], re.MULTILINE)


def test_conf(java: Told, ours: Told) -> None:
    def pairs(told: Told) -> list[tuple[str, str]]:
        found = [line.partition("=")[::2] for line in told.answers["conf"].splitlines()]
        return [(key, "X" if re.match("data|clientPort$", key) else value) for key, value in found]

    assert pairs(ours) == pairs(java)


def test_dirs_tells_numbers(java: Told, ours: Told) -> None:
    assert shape(ours.answers["dirs"]) == shape(java.answers["dirs"])


def test_hash_tells_the_same_zxids(java: Told, ours: Told) -> None:
    assert re.sub(": [0-9]+\n", ": D\n", ours.answers["hash"]) == re.sub(": [0-9]+\n", ": D\n", java.answers["hash"])
    assert ours.answers["hash"].startswith("80: ")


def test_envi_has_what_is_not_of_a_virtual_machine(java: Told, ours: Told) -> None:
    def keys(told: Told) -> set[str]:
        return {line.partition("=")[0] for line in told.answers["envi"].splitlines()}

    wanted = {key for key in keys(java) if re.match(r"Environment:|zookeeper\.|host\.|os\.|user\.", key)}
    assert wanted <= keys(ours)


def test_mntr_has_the_same_metrics(java: Told, ours: Told) -> None:
    theirs, here = metrics(java.answers["mntr"]), metrics(ours.answers["mntr"])
    assert sorted(name for name in theirs if name not in here and not is_traffic_set(name)) == []
    assert [name for name in here if name not in theirs and not OF_LATER_RELEASES.match(name)] == []


def test_mntr_tells_numbers_of_the_same_kind(java: Told, ours: Told) -> None:
    theirs, here = metrics(java.answers["mntr"]), metrics(ours.answers["mntr"])
    common = [name for name in here if name in theirs and name != "zk_version"]
    assert [name for name in common if ("." in here[name]) != ("." in theirs[name])] == []


@pytest.mark.parametrize(
    "name",
    [
        "server_state",
        "znode_count",
        "ephemerals_count",
        "watch_count",
        "global_sessions",
        "num_alive_connections",
        "outstanding_requests",
        "w_quota_count_limit_per_namespace",
        "w_quota_bytes_limit_per_namespace",
        "w_quota_count_usage_per_namespace",
        "w_quota_bytes_usage_per_namespace",
        "connection_request_count",
        "connection_rejected",
        "response_bytes",
        "watch_bytes",
        "last_client_response_size",
        "max_client_response_size",
        "cnt_updatelatency",
    ],
)
def test_mntr_tells_the_same_state(java: Told, ours: Told, name: str) -> None:
    assert metrics(ours.answers["mntr"])[f"zk_{name}"] == metrics(java.answers["mntr"])[f"zk_{name}"]


def test_connections_that_clients_drop_are_counted(java: Told, ours: Told) -> None:
    """Java's threads count when they come to it, and may count one twice: 2 to 4 were seen."""
    there, here = (int(metrics(told.answers["mntr"])["zk_connection_drop_count"]) for told in (java, ours))
    assert here == DROPPED
    assert abs(there - DROPPED) <= 1


def test_data_size_counts_bytes_where_java_counts_the_characters_of_paths(java: Told, ours: Told) -> None:
    there, here = (int(metrics(told.answers["mntr"])["zk_approximate_data_size"]) for told in (java, ours))
    assert here == there + len("é".encode()) - len("é")
