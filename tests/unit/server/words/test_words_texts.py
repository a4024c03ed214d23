"""The exact texts of the words on a server with known clients; the forms are those that Java 3.9.5 prints."""

import random
import re

import pytest
from words_support import Bench, create_frame, send

from zkeeper import __version__
from zkeeper.database.database import Database
from zkeeper.database.watches import NULL_PATH
from zkeeper.server.words import folder_bytes, this_process
from zkeeper.server.words.metrics import data_size_bytes, node_count
from zkeeper.server.words.op_names import op_name
from zkeeper.server.words.texts import average, date, encoded, hexadecimal, path_text
from zkeeper.testing.simulation import SimulatedDisk
from zkeeper.wire import protocol

VERSION = f"3.9.5-zkeeper-{__version__}, built on 2026-02-11 20:18 UTC"
SID = "0x1000025ca0d0000"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_srvr_of_an_empty_server(bench: Bench) -> None:
    assert bench.ask(b"srvr") == (
        f"Zookeeper version: {VERSION}\n"
        "Latency min/avg/max: 0/0.0/0\n"
        "Received: 1\n"
        "Sent: 0\n"
        "Connections: 1\n"
        "Outstanding: 0\n"
        "Zxid: 0x0\n"
        "Mode: standalone\n"
        "Node count: 5\n"
    )


def test_stat_lists_the_clients_between_the_version_and_the_rest(bench: Bench) -> None:
    link = bench.open_session()
    bench.create(link, 1, b"/w")
    answer = bench.ask(b"stat")
    assert answer.startswith(
        f"Zookeeper version: {VERSION}\n"
        "Clients:\n"
        " /127.0.0.1:40000[1](queued=0,recved=2,sent=2)\n"
        " /127.0.0.1:40001[0](queued=0,recved=1,sent=0)\n"
        "\n"
        "Latency min/avg/max: 0/0.0/0\n"
    )
    assert answer.endswith("Connections: 2\nOutstanding: 0\nZxid: 0x2\nMode: standalone\nNode count: 6\n")


def test_answers_count_as_sent_once_they_are_made(bench: Bench) -> None:
    bench.ask(b"ruok")
    assert "Received: 2\nSent: 1\n" in bench.ask(b"srvr")
    assert bench.ask(b"srst") == "Server stats reset.\n"
    assert "Received: 1\nSent: 1\n" in bench.ask(b"srvr")


def test_a_request_whose_write_is_not_durable_yet_is_outstanding(bench: Bench) -> None:
    link = bench.open_session()
    send(link, create_frame(1, b"/w"))
    assert "Outstanding: 1\n" in bench.ask(b"srvr")
    assert "(queued=1,recved=2,sent=1," in bench.ask(b"cons")


def test_cons_with_a_session_and_without(bench: Bench) -> None:
    link = bench.open_session()
    bench.create(link, 5, b"/w")
    bench.connect()
    answer = bench.ask(b"cons")
    assert re.sub("lresp=[0-9]+", "lresp=N", answer) == (
        f" /127.0.0.1:40000[1](queued=0,recved=2,sent=2,sid={SID},lop=CREA,est=1795361597150,to=30000,lcxid=0x5,"
        "lzxid=0x2,lresp=N,llat=0,minlat=0,avglat=0,maxlat=0)\n"
        " /127.0.0.1:40001[1](queued=0,recved=0,sent=0)\n"
        " /127.0.0.1:40002[0](queued=0,recved=1,sent=0)\n"
        "\n"
    )


def test_crst_leaves_only_what_belongs_to_the_session(bench: Bench) -> None:
    link = bench.open_session()
    bench.create(link, 5, b"/w")
    assert bench.ask(b"crst") == "Connection stats reset.\n"
    assert bench.ask(b"cons").splitlines()[0] == (
        f" /127.0.0.1:40000[1](queued=0,recved=0,sent=0,sid={SID},lop=NA,est=1795361597150,to=30000,"
        "lzxid=0xffffffffffffffff,lresp=0,llat=0,minlat=0,avglat=0,maxlat=0)"
    )


def test_cons_tells_latencies_as_whole_milliseconds(bench: Bench) -> None:
    link = bench.open_session()
    for latency_ms in (2, 9, 4):
        link.stats.answered(latency_ms)
    assert "llat=4,minlat=2,avglat=5,maxlat=9)" in bench.ask(b"cons")


def test_conf(bench: Bench) -> None:
    assert bench.ask(b"conf") == (
        "clientPort=2181\n"
        "secureClientPort=-1\n"
        "dataDir=/data/version-2\n"
        "dataDirSize=457\n"
        "dataLogDir=/log/version-2\n"
        "dataLogSize=67108880\n"
        "tickTime=2000\n"
        "maxClientCnxns=60\n"
        "minSessionTimeout=4000\n"
        "maxSessionTimeout=40000\n"
        "clientPortListenBacklog=-1\n"
        "serverId=0\n"
    )


def test_dirs_envi_isro(bench: Bench) -> None:
    assert bench.ask(b"dirs") == "datadir_size: 457\nlogdir_size: 67108880\n"
    assert bench.ask(b"envi") == f"Environment:\nzookeeper.version={VERSION}\nhost.name=one\nos.name=X\n"
    assert bench.ask(b"isro") == "rw"


def test_dump(bench: Bench) -> None:
    first = bench.open_session()
    bench.create(first, 1, b"/w")
    bench.create(first, 2, b"/w/e", flags=protocol.FLAG_EPHEMERAL)
    bench.create(first, 3, "/w/ä".encode(), flags=protocol.FLAG_EPHEMERAL)
    bench.open_session(timeout_ms=8000)
    assert bench.ask(b"dump") == (
        "SessionTracker dump:\n"
        "Session Sets (2)/(2):\n"
        "1 expire at Sun Nov 22 15:33:27 UTC 2026:\n"
        "\t0x1000025ca0d0001\n"
        "1 expire at Sun Nov 22 15:33:49 UTC 2026:\n"
        f"\t{SID}\n"
        "ephemeral nodes dump:\n"
        "Sessions with Ephemerals (1):\n"
        f"{SID}:\n"
        "\t/w/e\n"
        "\t/w/ä\n"
        "Connections dump:\n"
        "Connections Sets (3)/(3):\n"
        "1 expire at Sun Nov 22 15:33:27 UTC 2026:\n"
        "\tip: /127.0.0.1:40001 sessionId: 0x1000025ca0d0001\n"
        "1 expire at Sun Nov 22 15:33:29 UTC 2026:\n"
        "\tip: /127.0.0.1:40002 sessionId: 0x0\n"
        "1 expire at Sun Nov 22 15:33:49 UTC 2026:\n"
        f"\tip: /127.0.0.1:40000 sessionId: {SID}\n"
    )


def test_watches(bench: Bench) -> None:
    first, second = bench.open_session(), bench.open_session()
    bench.create(first, 1, b"/w")
    bench.watch_data(first, 2, b"/w")
    bench.watch_data(first, 3, b"/")
    bench.watch_data(second, 1, b"/w")
    assert bench.ask(b"wchs") == "2 connections watching 2 paths\nTotal watches:3\n"
    assert bench.ask(b"wchc") == f"{SID}\n\t/\n\t/w\n0x1000025ca0d0001\n\t/w\n\n"
    assert bench.ask(b"wchp") == f"/\n\t{SID}\n/w\n\t{SID}\n\t0x1000025ca0d0001\n\n"


def test_a_watch_on_no_path_is_shown_as_java_shows_it(bench: Bench) -> None:
    bench.service.database.watches.add_watch(bench.open_session(), NULL_PATH, False)
    assert bench.ask(b"wchc") == f"{SID}\n\tnull\n\n"
    assert bench.ask(b"wchp") == f"null\n\t{SID}\n\n"


def test_no_watches(bench: Bench) -> None:
    assert bench.ask(b"wchs") == "0 connections watching 0 paths\nTotal watches:0\n"
    assert bench.ask(b"wchc") == bench.ask(b"wchp") == "\n"


def test_hash_tells_every_128th_digest(bench: Bench) -> None:
    assert bench.ask(b"hash") == ""
    link = bench.open_session()
    for number in range(260):
        bench.create(link, number, b"/n%d" % number)
    digests = dict(bench.service.database.digest_history)
    assert bench.ask(b"hash") == f"80: {digests[0x80]}\n100: {digests[0x100]}\n"


def test_numbers_and_dates() -> None:
    assert hexadecimal(-1) == "0xffffffffffffffff"
    assert [average(value) for value in (0, 18.45454, 2.0, 0.00009)] == ["0.0", "18.4545", "2.0", "0.0001"]
    assert date(0) == "Thu Jan 01 00:00:00 UTC 1970"


def test_a_path_that_is_no_text_comes_out_as_it_is() -> None:
    assert encoded(path_text(b"/\xff\xc3\xa4")) == b"/\xff\xc3\xa4"


@pytest.mark.parametrize(
    ("op", "name"), [(0, "NA"), (protocol.CREATE_SESSION, "SESS"), (protocol.SET_WATCHES2, "STW2"), (9999, "NA")]
)
def test_names_of_operations(op: int, name: str) -> None:
    assert op_name(op) == name


def test_a_folder_is_as_big_as_its_files() -> None:
    disk = SimulatedDisk(random.Random(1))
    disk.make_folders("/data")
    for name, size in (("a", 3), ("b", 4)):
        file = disk.open_writer(f"/data/{name}")
        file.write(bytes(size))
        file.close()
    assert folder_bytes(disk, "/data") == 7


def test_the_process_knows_its_files_and_its_surroundings() -> None:
    facts = this_process()
    before = facts.open_files()
    with open(__file__):
        assert facts.open_files() == before + 1
    assert facts.max_files() > before
    environment = facts.environment()
    assert {"host.name", "os.name", "os.arch", "os.version", "user.name", "user.home", "user.dir"} <= set(environment)
    assert environment["zkeeper.version"] == __version__


def test_an_empty_database_counts_as_five_nodes_of_44_bytes() -> None:
    tree = Database().tree
    assert (node_count(tree), data_size_bytes(tree)) == (5, 44)
