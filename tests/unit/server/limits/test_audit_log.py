"""The audit log: which events have lines, what is in them, and that clients cannot forge one."""

import logging

import pytest
import raw_wire as raw
from pipeline_harness import Client, Server

from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.server.audit import EPHEMERAL_REMOVED, FAILURE, INVOKED, SERVER_START, SERVER_STOP, SUCCESS, AuditLog

SESSION = "session=0x100000d47a00000"
WHO = f"{SESSION}\tuser=127.0.0.1\tip=127.0.0.1"


@pytest.fixture
def audited(caplog: pytest.LogCaptureFixture) -> Server:
    caplog.set_level(logging.INFO, "zkeeper.audit")
    server = Server(extended_types=True)
    server.service.audit = AuditLog(AuthRules(), "keeper")
    return server


@pytest.fixture
def client(audited: Server) -> Client:
    return audited.connect()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged since the last call."""
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


@pytest.mark.parametrize(
    ("op", "flags", "mode"),
    [
        (raw.CREATE, 0, "persistent"),
        (raw.CREATE, 1, "ephemeral"),
        (raw.CREATE2, 0, "persistent"),
        (raw.CREATE_CONTAINER, 4, "container"),
        (raw.CREATE_TTL, 5, "persistent_with_ttl"),
    ],
)
def test_a_create(client: Client, caplog: pytest.LogCaptureFixture, op: int, flags: int, mode: str) -> None:
    client.ok(op, raw.create(b"/p", flags=flags, ttl_ms=1000 if op == raw.CREATE_TTL else None))
    assert lines(caplog) == [f"{WHO}\toperation=create\tznode=/p\tznode_type={mode}\tresult=success"]


@pytest.mark.parametrize(("flags", "mode"), [(2, "persistent_sequential"), (3, "ephemeral_sequential")])
def test_a_sequential_create_shows_the_final_path(
    client: Client, caplog: pytest.LogCaptureFixture, flags: int, mode: str
) -> None:
    client.create(b"/p", flags=flags)
    assert lines(caplog) == [f"{WHO}\toperation=create\tznode=/p0000000000\tznode_type={mode}\tresult=success"]


def test_a_failure_shows_the_requested_path_and_is_an_error(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.err(raw.CREATE, raw.create(b"/no/p", flags=2))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert lines(caplog) == [f"{WHO}\toperation=create\tznode=/no/p\tznode_type=persistent_sequential\tresult=failure"]


def test_the_other_writes(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.create(b"/p")
    lines(caplog)
    client.write(b"/p", b"x")
    client.ok(raw.SET_ACL, raw.set_acl(b"/p", [(31, b"world", b"anyone"), (2, b"ip", b"::1")]))
    client.delete(b"/p")
    client.err(raw.DELETE, raw.versioned(b"/p"))
    assert [record.levelno for record in caplog.records] == 3 * [logging.INFO] + [logging.ERROR]
    assert lines(caplog) == [
        f"{WHO}\toperation=setData\tznode=/p\tresult=success",
        f"{WHO}\toperation=setAcl\tznode=/p\tacl=world:anyone:cdrwaip:::1:w\tresult=success",
        f"{WHO}\toperation=delete\tznode=/p\tresult=success",
        f"{WHO}\toperation=delete\tznode=/p\tresult=failure",
    ]


def test_a_refused_reconfig_has_no_path(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.err(raw.RECONFIG, raw.buffer(b"a") + raw.buffer(b"") + raw.buffer(b"") + raw.i64(-1))
    assert lines(caplog) == [f"{WHO}\toperation=reconfig\tresult=failure"]


def test_a_multi_has_a_line_for_each_change(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.multi(
        (raw.CREATE, raw.create(b"/m", flags=2)), (raw.CHECK, raw.versioned(b"/")),
        (raw.SET_DATA, raw.set_data(b"/m0000000000", b"x")), (raw.DELETE, raw.versioned(b"/m0000000000")),
    )  # fmt: skip
    made = "znode=/m0000000000"
    assert lines(caplog) == [
        f"{WHO}\toperation=create\t{made}\tznode_type=persistent_sequential\tresult=success",
        f"{WHO}\toperation=setData\t{made}\tresult=success",
        f"{WHO}\toperation=delete\t{made}\tresult=success",
    ]


@pytest.mark.parametrize("body", [raw.multi((raw.DELETE, raw.versioned(b"/no"))), b"\0"])
def test_a_failed_multi_has_one(client: Client, caplog: pytest.LogCaptureFixture, body: bytes) -> None:
    client.call(raw.MULTI, body)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert lines(caplog) == [f"{WHO}\toperation=multiOperation\tresult=failure"]


def test_users_are_those_of_the_request(audited: Server, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.log_in(b"u:secret")
    client.post(raw.SET_DATA, raw.set_data(b"/", b"x"))
    client.send(raw.request(-4, raw.AUTH, raw.auth(b"digest", b"later:x")))
    audited.commit()
    assert lines(caplog) == [f"{SESSION}\tuser=127.0.0.1,u\tip=127.0.0.1\toperation=setData\tznode=/\tresult=success"]


def test_the_super_user_has_no_name_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zkeeper.audit")
    auth = AuthRules(super_digest=AuthRules().digest_identity(b"super:x"))
    server = Server(auth=auth)
    server.service.audit = AuditLog(auth, "keeper")
    client = server.connect()
    client.log_in(b"super:x")
    client.write(b"/", b"x")
    assert "\tuser=127.0.0.1,super\t" in lines(caplog)[0]


@pytest.mark.parametrize("list_ephemerals", [True, False])
def test_ephemerals_that_go_with_their_session(caplog: pytest.LogCaptureFixture, list_ephemerals: bool) -> None:
    caplog.set_level(logging.INFO, "zkeeper.audit")
    server = Server(list_ephemerals=list_ephemerals)
    server.service.audit = AuditLog(AuthRules(), "keeper")
    client = server.connect(timeout_ms=4000)
    for path in (b"/b", b"/a"):
        client.create(path, flags=1)
    lines(caplog)
    server.now_ms += 60_000
    server.service.expire_sessions()
    server.commit()
    assert lines(caplog) == [
        f"{SESSION}\tuser=keeper\toperation={EPHEMERAL_REMOVED}\tznode={path}\tresult=success" for path in ("/a", "/b")
    ]


def test_reads_sessions_and_the_reaper_have_no_line(
    audited: Server, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.stat(b"/")
    client.ok(raw.SYNC, raw.buffer(b"/"))
    client.ok(raw.CREATE_CONTAINER, raw.create(b"/c", flags=4))
    lines(caplog)
    audited.service.delete_container(b"/c")
    client.ok(raw.CLOSE_SESSION)
    assert not audited.database.tree.owners.containers
    assert lines(caplog) == []


def test_the_server_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zkeeper.audit")
    log = AuditLog(AuthRules(), "keeper")
    log.server(SERVER_START, SUCCESS)
    log.server(SERVER_START, FAILURE)
    log.server(SERVER_STOP, INVOKED)
    assert lines(caplog) == [
        "user=keeper\toperation=serverStart\tresult=success",
        "user=keeper\toperation=serverStart\tresult=failure",
        "user=keeper\toperation=serverStop\tresult=invoked",
    ]


def test_a_value_cannot_forge_a_part_or_a_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    forged = b"/a\tresult=success\n\xc2\x85\xe2\x80\xa8" + WHO.encode()
    client.err(raw.DELETE, raw.versioned(forged))
    (line,) = lines(caplog)
    assert line.count("\t") == WHO.count("\t") + 3
    assert line.splitlines() == [line]
    assert line.endswith("\tresult=failure")


def test_without_an_audit_log_requests_are_not_kept() -> None:
    server = Server(database=Database(DatabaseOptions()))
    client = server.connect()
    client.post(raw.SET_DATA, raw.set_data(b"/", b"x"))
    proposal = server.service._proposals[-1]
    assert proposal.request is None
    server.commit()
