"""Data directories that the Java server left behind recover to what it served from them itself."""

import base64
import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import raw_wire as raw
from librt.strings import BytesWriter
from pipeline_harness import Server

from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.database.znode import ZNode
from zkeeper.storage.real_disk import RealDisk
from zkeeper.storage.recovery import Recovered, Start, recover
from zkeeper.storage.settings import StorageSettings

DATADIRS = Path(__file__).parent / "datadirs"
STAT = struct.Struct(">qqqqiiiqiiq")
STAT_FIELDS = (
    "czxid", "mzxid", "ctime", "mtime", "version", "cversion", "aversion", "ephemeralOwner", "dataLength",
    "numChildren", "pzxid",
)  # fmt: skip


@pytest.fixture(params=sorted(folder.name for folder in DATADIRS.iterdir()))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def copy(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(DATADIRS / name / "data", folder))


def recover_in(folder: Path, name: str, told: list[str]) -> Recovered:
    with_digest = name != "nodigest"
    settings = StorageSettings(data_dir=str(folder), log_dir=str(folder), digest_enabled=with_digest)
    options = DatabaseOptions(extended_types=True, with_digest=with_digest)
    return recover(RealDisk(), settings, lambda: Database(options, told.append), tell=told.append, clock_s=lambda: 0.0)


def expected_of(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((DATADIRS / name / "expected.json").read_text())
    return expected


def serving(name: str, folder: Path) -> Server:
    """A server on what was recovered, with the super user of the directory."""
    recovered = recover_in(copy(name, folder / "copy"), name, [])
    return Server(auth=AuthRules(super_digest=expected_of(name)["superDigest"].encode()), database=recovered.database)


def nodes(database: Database) -> dict[str, Any]:
    found: dict[str, Any] = {}
    pending: list[tuple[bytes, ZNode]] = [(b"", database.tree.root)]
    while pending:
        path, node = pending.pop()
        found[(path or b"/").decode()] = as_json(database, node)
        pending += [(path + b"/" + child, below) for child, below in (node.children or {}).items()]
    return found


def as_json(database: Database, node: ZNode) -> dict[str, Any]:
    stat = BytesWriter()
    database.write_stat(stat, node)
    return {
        "acl": [[permissions, scheme.decode(), who.decode()] for permissions, scheme, who in node.acl.entries],
        "data": None if node.data is None else base64.b64encode(node.data).decode(),
        "stat": dict(zip(STAT_FIELDS, STAT.unpack(stat.getvalue()), strict=True)),
    }


def test_every_znode_and_session_is_as_java_served_it(name: str, tmp_path: Path) -> None:
    told: list[str] = []
    recovered = recover_in(copy(name, tmp_path / "copy"), name, told)
    expected = expected_of(name)
    found = nodes(recovered.database)
    assert found.keys() == expected["nodes"].keys()
    for path, node in expected["nodes"].items():
        assert found[path] == node, path
    alive = {session["id"]: session["timeout"] for session in expected["sessions"]}
    assert recovered.database.sessions == alive
    assert recovered.start is Start.SNAPSHOT
    assert recovered.database.digest_mismatches == 0
    assert told == []


def test_recovery_from_the_oldest_snapshot_gives_the_same(name: str, tmp_path: Path) -> None:
    newest = recover_in(copy(name, tmp_path / "a"), name, []).database
    folder = copy(name, tmp_path / "b")
    for snapshot in (folder / "version-2").glob("snapshot.[1-9a-f]*"):
        snapshot.unlink()
    oldest = recover_in(folder, name, [])
    assert oldest.txns == newest.last_zxid
    assert nodes(oldest.database) == nodes(newest)
    assert oldest.database.sessions == newest.sessions


def test_sessions_go_on_by_the_passwords_that_java_gave(name: str, tmp_path: Path) -> None:
    server = serving(name, tmp_path)
    for session in expected_of(name)["sessions"]:
        identity = (session["id"], bytes.fromhex(session["password"]))
        client = server.open()
        client.handshake(raw.connect(40000, *identity))
        assert (client.session_id, client.password) == identity
        stranger = server.open()
        stranger.handshake(raw.connect(40000, identity[0], bytes(16)))
        assert stranger.session_id == 0, "another password"


def test_a_failing_multi_is_answered_as_java_answered_it(name: str, tmp_path: Path) -> None:
    server = serving(name, tmp_path)
    client = server.connect()
    several = raw.multi(
        (raw.CREATE, raw.create(b"/never")),
        (raw.CHECK, raw.versioned(b"/zookeeper", 99)),
    )
    reply = client.call(raw.MULTI, several)
    assert [["failing multi", reply.err, reply.body.hex()]] == expected_of(name)["multi"]
    assert client.err(raw.EXISTS, raw.read(b"/never")) == -101


def test_the_super_user_may_read_what_others_may_not(name: str, tmp_path: Path) -> None:
    """Its password is `test` in all of them."""
    found = expected_of(name)["nodes"]
    owned = next(path for path, node in found.items() if {scheme for _, scheme, _ in node["acl"]} == {"digest"})
    client = serving(name, tmp_path).connect()
    assert client.err(raw.GET_DATA, raw.read(owned.encode())) == -102
    client.log_in(b"super:test")
    data = client.get(owned.encode())[0]
    assert (None if data is None else base64.b64encode(data).decode()) == found[owned]["data"]
