"""Apache ZooKeeper recovers directories that this server wrote, to the same znodes, Stats, ACLs and sessions.

For each way of writing them: our server writes a rich tree and ends, then both servers serve a copy of the directory.
"""

import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from .clients.harness import wait_for
from .conftest import need_zkjava
from .differential import codec
from .rich_tree import LONG_TIMEOUT_MS, SUPER, Photo, Sessions, digest_id, take_photo, write_tree
from .servers import HOST, Server, run_server
from .wire_session import WireSession, create_body

SUPER_SETTING = {"DigestAuthenticationProvider.superDigest": digest_id(SUPER)}
SMALL = {"snapCount": "40", "preAllocSize": "16"}
VARIANTS = {
    "plain": {},
    "gz": {**SMALL, "snapshot.compression.method": "gz"},
    "snappy": {**SMALL, "snapshot.compression.method": "snappy"},
    "rolled": {**SMALL, "snapCount": "15", "txnLogSizeLimitInKb": "4"},
    "killed": SMALL,
}
SUFFIXES = {"gz": ".gz", "snappy": ".snappy"}
BURST = 400
ANSWERED_BEFORE_KILL = 50
DEADLINE_S = 10.0


@dataclass(frozen=True)
class Recovered:
    """A directory as the server that wrote it served it, as it does after a restart, and as Java does."""

    variant: str
    folder: Path
    before: Photo
    ours: Photo
    java: Photo
    java_metrics: dict[str, str]
    java_log: str
    sessions: Sessions


WORD_TOO_EARLY = re.compile(
    r"^.*Error closing a command socket.*\njava\.lang\.NullPointerException.*zkDb.*\n(?:\tat .*\n)*", re.MULTILINE
)
"""What Java logs of a four-letter word, such as a test's whether it serves yet, that comes before it has its data."""


@pytest.fixture(scope="module", params=VARIANTS)
def recovered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recovered:
    need_zkjava()
    variant = str(request.param)
    settings = {**SUPER_SETTING, **VARIANTS[variant]}
    homes = {name: tmp_path_factory.mktemp(f"{variant}-{name}") for name in ("written", "zkeeper", "java")}
    written = homes["written"] / "data"
    with run_server("zkeeper", homes["written"], settings) as server:
        sessions = write_tree(server)
        before = take_photo(server, sessions)
        wait_for(lambda: len(snapshots(written)) > 1 or variant == "plain", "a snapshot of the tree")
        if variant == "killed":
            kill_under_load(server)
    for name in ("zkeeper", "java"):
        shutil.copytree(written, homes[name] / "data")
    with run_server("zkeeper", homes["zkeeper"], settings) as server:
        ours = take_photo(server, sessions)
    with run_server("java", homes["java"], settings) as server:
        java = take_photo(server, sessions)
        metrics = dict(line.split("\t") for line in ask(server, b"mntr").splitlines())
    return Recovered(variant, written, before, ours, java, metrics, server.log.read_text(), sessions)


def kill_under_load(server: Server) -> None:
    """SIGKILL while many writes are under way."""
    session = WireSession(server, LONG_TIMEOUT_MS)
    session.create("/burst")
    for number in range(BURST):
        session.send(codec.CREATE, create_body(f"/burst/{number}", b"x" * 500))
    for _ in range(ANSWERED_BEFORE_KILL):
        session.reply()
    server.process.kill()
    server.process.wait()
    session.drop()


def snapshots(data_dir: Path) -> list[str]:
    return sorted(path.name for path in (data_dir / "version-2").glob("snapshot.*"))


def ask(server: Server, word: bytes) -> str:
    with socket.create_connection((HOST, server.port), timeout=DEADLINE_S) as connection:
        connection.sendall(word)
        return connection.makefile("rb").read().decode()


def test_the_directory_is_of_its_kind(recovered: Recovered) -> None:
    names = snapshots(recovered.folder)
    logs = list((recovered.folder / "version-2").glob("log.*"))
    if recovered.variant == "plain":
        assert (names, len(logs)) == (["snapshot.0"], 1)
    else:
        assert len(names) > 1
        assert all(name.endswith(SUFFIXES.get(recovered.variant, "")) for name in names if name != "snapshot.0")
        assert len(logs) > (8 if recovered.variant == "rolled" else 1)


def test_java_serves_the_same_znodes(recovered: Recovered) -> None:
    java, ours = recovered.java.nodes, recovered.ours.nodes
    assert java.keys() == ours.keys()
    for path, node in ours.items():
        assert java[path] == node, path


def test_they_are_those_that_were_served_before(recovered: Recovered) -> None:
    java = {path: node for path, node in recovered.java.nodes.items() if not path.startswith("/burst")}
    if recovered.variant == "killed":
        burst = [path for path in recovered.java.nodes if path.startswith("/burst/")]
        assert ANSWERED_BEFORE_KILL <= len(burst) <= BURST
        del java["/"]
    assert java == {path: node for path, node in recovered.before.nodes.items() if path in java}
    assert recovered.before.nodes.keys() - java.keys() <= {"/"}


def test_sessions_that_live_are_resumed_with_their_ephemerals(recovered: Recovered) -> None:
    first, second = (credentials.session_id for credentials in recovered.sessions.alive)
    assert recovered.java.ephemerals == recovered.ours.ephemerals == recovered.before.ephemerals
    assert recovered.java.ephemerals[first] == ["/live", "/multi/e"]
    assert recovered.java.ephemerals[second] == ["/kinds/ephemeral-0000000004", "/other"]


def test_sessions_that_are_over_stay_so(recovered: Recovered) -> None:
    assert recovered.java.refused == [credentials.session_id for credentials in recovered.sessions.over]
    assert not {"/of-closed", "/of-expired"} & recovered.java.nodes.keys()


def test_java_finds_every_digest_as_it_should_be(recovered: Recovered) -> None:
    assert recovered.java_metrics["zk_digest_mismatches_count"] == "0"
    assert not re.search("(?i)digest|corrupt|exception", WORD_TOO_EARLY.sub("", recovered.java_log))
