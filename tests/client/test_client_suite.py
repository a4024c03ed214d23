"""What the client promises, against a real server: see `conftest.py`."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import zkeeper
from interop.proxy import run_proxy
from zkeeper import EventType, Permission, SessionState, WatchEvent
from zkeeper.errors import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    ClosedError,
    ConnectionLossError,
    FrameTooLongError,
    InvalidAclError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    NoWatcherError,
    Outcome,
    ReconfigDisabledError,
    RuntimeInconsistencyError,
    TransactionFailed,
    UnimplementedError,
    ZooKeeperError,
)
from zkeeper.values import RemoveWatches

from .conftest import Ground, Story, command

Play = Callable[[Story], None]

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Made for these tests, with its key beside it; it proves nothing to anybody else."""


def kinds(events: list[WatchEvent]) -> list[tuple[str, str]]:
    return [(event.type.name, event.path) for event in events]


# Znodes.


def test_create_get_set_delete(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        assert await zk.create("/a", b"one") == "/a"
        data, stat, is_null = await zk.get("/a")
        assert (data, is_null, stat.version, stat.data_length) == (b"one", False, 0, 3)
        assert stat.czxid == stat.mzxid == zk.last_zxid
        changed = await zk.set("/a", b"two", 0)
        assert (changed.version, changed.czxid) == (1, stat.czxid)
        assert changed.mzxid > stat.mzxid
        assert await zk.exists("/a") == changed
        await zk.delete("/a", 1)
        assert await zk.exists("/a") is None

    play(story)


def test_null_data_and_empty_data_differ(play: Play) -> None:
    async def story(ground: Ground) -> None:
        await asyncio.gather(ground.zk.create("/null", None), ground.zk.create("/empty", b""))
        null, empty = await asyncio.gather(ground.zk.get("/null"), ground.zk.get("/empty"))
        assert [(node.data, node.is_null) for node in (null, empty)] == [(b"", True), (b"", False)]

    play(story)


def test_kinds_of_znodes(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        first, stat = await zk.create2("/s-", b"x", sequential=True)
        assert (first, await zk.create("/s-", sequential=True)) == ("/s-0000000000", "/s-0000000001")
        assert stat is not None
        assert stat == await zk.exists(first)
        assert await zk.create("/e", ephemeral=True) == "/e"
        assert (await zk.get("/e")).stat.ephemeral_owner == zk.session_id
        assert await zk.create("/c", container=True) == "/c"
        assert (await zk.create2("/c2", container=True)).path == "/c2"
        assert await zk.create("/ttl", ttl_ms=100_000) == "/ttl"
        assert await zk.create("/ttl-", sequential=True, ttl_ms=100_000) == "/ttl-0000000006"
        assert await zk.create("/c/", sequential=True) == "/c/0000000000"
        assert sorted(await zk.children("/")) == sorted(
            ["s-0000000000", "s-0000000001", "e", "c", "c2", "ttl", "ttl-0000000006"]
        )
        assert await zk.ephemerals() == ["/e"]
        with pytest.raises(ValueError, match="at most one of"):
            zk.create("/x", ephemeral=True, container=True)
        with pytest.raises(ValueError, match="cannot be sequential"):
            zk.create("/x", container=True, sequential=True)

    play(story)


def test_children(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await asyncio.gather(zk.create("/p"), zk.create("/p/a"), zk.create("/p/b"), zk.create("/p/b/c"))
        assert sorted(await zk.children("/p")) == ["a", "b"]
        names, stat = await zk.children2("/p")
        assert (sorted(names), stat.num_children, stat.cversion) == (["a", "b"], 2, 2)
        assert await zk.descendant_count("/p") == 3
        assert (await zk.children("/p/a")) == []

    play(story)


def test_errors_have_path_and_outcome(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await asyncio.gather(zk.create("/a"), zk.create("/a/b"), zk.create("/e", ephemeral=True))
        expected = [
            (zk.get("/no"), NoNodeError),
            (zk.children("/no"), NoNodeError),
            (zk.create("/a"), NodeExistsError),
            (zk.create("/no/b"), NoNodeError),
            (zk.create("/e/b"), NoChildrenForEphemeralsError),
            (zk.set("/a", b"", 7), BadVersionError),
            (zk.set_acl("/a", zkeeper.OPEN_ACL, 7), BadVersionError),
            (zk.set_acl("/a", []), InvalidAclError),
            (zk.delete("/a"), NotEmptyError),
            (zk.delete("/a", 7), BadVersionError),
        ]
        for future, kind in expected:
            with pytest.raises(kind) as error:
                await future
            assert error.value.path is not None
            assert str(error.value) == f"{error.value.path}: {kind.meaning}"
            assert error.value.outcome is Outcome.NOT_APPLIED

    play(story)


def test_a_missing_chroot_is_named(play: Play) -> None:
    async def story(ground: Ground) -> None:
        lost = ground.zk.with_chroot("/none/at/all")
        for ask in (lambda: lost.create("/a"), lambda: lost.children("/"), lost.transaction().create("/a").commit):
            with pytest.raises((NoNodeError, TransactionFailed)) as error:
                await ask()
            told = error.value.errors[0] if isinstance(error.value, TransactionFailed) else error.value
            assert "the chroot of the client does not exist" in str(told)
        await lost.ensure_path("/")
        assert await lost.create("/a") == "/a"

    play(story)


def test_a_transaction_that_is_too_long_has_no_path(play: Play) -> None:
    async def story(ground: Ground) -> None:
        with pytest.raises(FrameTooLongError, match=r"^the request has 2000\d\d\d bytes, but at most 1048575 are sent"):
            await ground.zk.transaction().create("/x", bytes(2_000_000)).commit()

    play(story)


@pytest.mark.parametrize("path", ["", "a", "/a/", "//a", "/a//b", "/.", "/a/..", "/a\x00b", "/\ud800", "/\U0001f600"])
def test_an_invalid_path_is_refused_at_the_call(play: Play, path: str) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        for ask in (zk.get, zk.exists, zk.create, zk.delete, zk.acl, zk.children, zk.sync, zk.watch):
            with pytest.raises(BadArgumentsError):
                ask(path)

    play(story)


@pytest.mark.parametrize("name", ["...", "ünï", "a b", "。", "-" * 500])
def test_an_unusual_path_is_not(play: Play, name: str) -> None:
    async def story(ground: Ground) -> None:
        assert await ground.zk.create(f"/{name}") == f"/{name}"
        assert await ground.zk.children("/") == [name]

    play(story)


def test_a_frame_that_the_server_would_not_take_is_refused_at_the_call(play: Play) -> None:
    async def story(ground: Ground) -> None:
        with pytest.raises(FrameTooLongError):
            ground.zk.create("/big", bytes(0xFFFFF))
        await ground.zk.create("/big", bytes(1_000_000))
        assert (await ground.zk.get("/big")).data == bytes(1_000_000)

    play(story)


def test_requests_are_pipelined_and_answered_in_order(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        done: list[int] = []
        creates = [zk.create("/n-", b"%d" % number, sequential=True) for number in range(500)]
        for number, create in enumerate(creates):
            create.add_done_callback(lambda _, number=number: done.append(number))  # type: ignore[misc]
        reads = [zk.get(f"/n-{number:010d}") for number in range(500)]
        assert await asyncio.gather(*creates) == [f"/n-{number:010d}" for number in range(500)]
        assert [node.data for node in await asyncio.gather(*reads)] == [b"%d" % number for number in range(500)]
        assert done == list(range(500))

    play(story)


def test_ensure_path_and_delete_tree(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await zk.ensure_path("/a/b/c")
        await zk.ensure_path("/a/b/c/d")
        await zk.ensure_path("/")
        await asyncio.gather(*(zk.create(f"/a/b/{number}") for number in range(600)))
        await zk.delete_tree("/a")
        await zk.delete_tree("/a")
        assert await zk.children("/") == []

    play(story)


def test_a_chroot_that_is_missing_is_made_by_ensure_path(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect(f"{ground.zk.chroot}/deep/er") as zk:
            with pytest.raises(NoNodeError):
                await zk.create("/a")
            await zk.ensure_path("/")
            await zk.create("/a")
        assert await ground.zk.children("/deep/er") == ["a"]

    play(story)


# Several at once.


def test_a_transaction(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await zk.create("/v", b"0")
        t = zk.transaction().check("/v", 0).create("/a", b"x").set("/a", b"y").create2("/s-", sequential=True)
        results = await t.create("/c", container=True).create("/ttl", ttl_ms=99_999).delete("/v", 0).commit()
        assert [type(result).__name__ for result in results] == [
            *("NoneType", "str", "Stat", "Created", "str", "str", "NoneType")
        ]
        assert (results[1], results[3].path, results[4]) == ("/a", "/s-0000000002", "/c")  # type: ignore[union-attr]
        assert len({result.mzxid for result in results if isinstance(result, zkeeper.Stat)}) == 1
        assert await zk.exists("/v") is None
        assert await zk.transaction().commit() == []

    play(story)


def test_a_transaction_that_fails_changes_nothing(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        with pytest.raises(TransactionFailed) as failure:
            await zk.transaction().create("/a").set("/no", b"").delete("/a").commit()
        assert (failure.value.index, failure.value.path, failure.value.code) == (1, "/no", NoNodeError.code)
        assert [type(error) for error in failure.value.errors] == [type(None), NoNodeError, RuntimeInconsistencyError]
        assert failure.value.outcome is Outcome.NOT_APPLIED
        assert failure.value.operation == "set"
        assert str(failure.value) == "set of /no (operation 1 of 3, counted from 0) failed: NoNodeError"
        assert await zk.children("/") == []

    play(story)


def test_a_batch_of_reads(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await asyncio.gather(zk.create("/a", b"x"), zk.create("/a/b"))
        node, names, missing = await zk.multi_read().get("/a").children("/a").get("/no").fetch()
        assert node == await zk.get("/a")
        assert names == ["b"]
        assert isinstance(missing, NoNodeError)
        assert missing.path == "/no"

    play(story)


# Permissions.


def test_acls_and_credentials(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        hers = zkeeper.digest_acl("ann", "secret")
        await zk.create("/hers", b"x", acl=[hers])
        with pytest.raises(NoAuthError):
            await zk.get("/hers")
        await zk.add_auth("digest", b"ann:secret")
        assert (await zk.get("/hers")).data == b"x"
        assert ("digest", "ann") in await zk.whoami()
        assert (await zk.acl("/hers")).acl == [hers]
        stat = await zk.set_acl("/hers", [hers, zkeeper.Acl(Permission.READ, "world", "anyone")], 0)
        assert stat.aversion == 1
        await zk.create("/mine", acl=zkeeper.CREATOR_ALL_ACL)
        assert (await zk.acl("/mine")).acl == [hers]
        async with ground.connect() as other:
            assert (await other.get("/hers")).data == b"x"
            with pytest.raises(NoAuthError):
                await other.set("/hers", b"")
        async with ground.connect(auth=[("digest", b"ann:secret")]) as again:
            await again.set("/hers", b"y")

    play(story)


def test_a_scheme_that_nobody_knows(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as zk:
            with pytest.raises(AuthFailedError):
                await zk.add_auth("nope", b"x")
            assert zk.state is SessionState.AUTH_FAILED

    play(story)


# Watches.


def test_one_shot_watches(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        events: list[WatchEvent] = []
        assert await zk.exists("/a", watch=events.append) is None
        await zk.create("/a")
        await zk.get("/a", watch=events.append)
        await zk.children("/a", watch=events.append)
        await zk.create("/a/b")
        await zk.set("/a", b"1")
        await zk.set("/a", b"2")
        await zk.delete("/a/b")
        assert kinds(events) == [("CREATED", "/a"), ("CHILDREN_CHANGED", "/a"), ("DATA_CHANGED", "/a")]
        await zk.children("/a", watch=events.append)
        await zk.get("/a", watch=events.append)
        await zk.delete("/a")
        assert kinds(events)[3:] == [("DELETED", "/a")], "one event for one callback"

    play(story)


def test_a_persistent_watch(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        called: list[WatchEvent] = []
        async with zk.watch("/w") as one, zk.watch("/w", recursive=True) as all_below:
            one.add_callback(called.append)
            await zk.create("/w")
            await zk.create("/w/a")
            await zk.set("/w/a", b"")
            await zk.set("/w", b"")
            await zk.delete("/w/a")
            assert kinds(called) == [
                *(("CREATED", "/w"), ("CHILDREN_CHANGED", "/w"), ("DATA_CHANGED", "/w"), ("CHILDREN_CHANGED", "/w"))
            ]
            told = [await anext(all_below) for _ in range(5)]
            assert kinds(told) == [
                *(("CREATED", "/w"), ("CREATED", "/w/a"), ("DATA_CHANGED", "/w/a"), ("DATA_CHANGED", "/w")),
                ("DELETED", "/w/a"),
            ]
        await zk.delete("/w")
        assert len(called) == 4
        with pytest.raises(NoWatcherError):
            await zk.check_watches("/w")

    play(story)


def test_watches_that_are_removed(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        events: list[WatchEvent] = []
        await zk.exists("/a", watch=events.append)
        await zk.remove_watches("/a")
        await zk.create("/a")
        assert kinds(events) == [("DATA_WATCH_REMOVED", "/a")]
        with pytest.raises(NoWatcherError):
            await zk.remove_watches("/a", RemoveWatches.CHILDREN)

    play(story)


# Sessions.


def test_a_session_survives_a_cut_with_its_watches_and_credentials(play: Play) -> None:
    async def story(ground: Ground) -> None:
        host, port = ground.address.rsplit(":", 1)
        assert host
        with run_proxy(int(port)) as proxy:
            async with ground.connect(address=proxy.address, auth=[("digest", b"ann:a")]) as zk:
                session_id = zk.session_id
                events: list[WatchEvent] = []
                await zk.create("/e", ephemeral=True)
                await zk.get("/e", watch=events.append)
                async with zk.watch("/", recursive=True) as watched:
                    await command(proxy.control, "cut")
                    await zk.wait_for(SessionState.SUSPENDED, timeout_s=10)
                    await zk.wait_for(SessionState.CONNECTED, timeout_s=10)
                    assert zk.session_id == session_id
                    assert (await anext(watched)).type is EventType.NONE
                    await zk.set("/e", b"x")
                    assert kinds([await anext(watched)]) == [("DATA_CHANGED", "/e")]
                assert kinds(events) == [("DATA_CHANGED", "/e")]
                assert ("digest", "ann") in await zk.whoami()

    play(story)


def test_a_session_is_resumed_by_id_and_password_and_one_that_is_over_is_lost(play: Play) -> None:
    async def story(ground: Ground) -> None:
        first = ground.connect()
        await first.start()
        await first.create("/e", ephemeral=True)
        session = first.session_id, first.session_password
        async with ground.connect(session=session) as second:
            assert second.session_id == session[0]
            assert await ground.zk.exists("/e") is not None
        assert await ground.zk.exists("/e") is None
        states: list[SessionState] = []
        third = ground.connect(session=session)
        third.on_state(states.append)
        async with third:
            assert third.session_id not in (0, session[0])
        assert [state.name for state in states] == ["LOST", "CONNECTED", "CLOSED"]
        await first.close()

    play(story)


def test_close_deletes_ephemerals_at_once_and_refuses_what_comes_later(play: Play) -> None:
    async def story(ground: Ground) -> None:
        async with ground.connect() as zk:
            await zk.create("/e", ephemeral=True)
            states = zk.states()
            assert await anext(states) is SessionState.CONNECTED
        assert [state async for state in states] == [SessionState.CLOSED]
        assert await ground.zk.exists("/e") is None
        with pytest.raises(ClosedError):
            await zk.get("/e")

    play(story)


def test_a_protected_create_has_a_guid(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        guid = zkeeper.new_guid(zk)
        created = await zkeeper.create_protected(zk, "/lock-", b"x", guid=guid)
        assert created.path == f"/_c_{guid}-lock-0000000000"
        assert await zkeeper.find_protected(zk, "/", guid) == created
        async with ground.connect() as other:
            assert await zkeeper.find_protected(other, "/", guid) is None, "it belongs to another session"
        assert await zkeeper.find_protected(zk, "/", zkeeper.new_guid(zk)) is None

    play(story)


def test_the_configuration_of_a_server_on_its_own(play: Play) -> None:
    async def story(ground: Ground) -> None:
        assert (await ground.zk.config()).stat.ephemeral_owner == 0
        with pytest.raises((ReconfigDisabledError, UnimplementedError)):
            await ground.zk.reconfig(leaving=[3])

    play(story)


def test_sync(play: Play) -> None:
    async def story(ground: Ground) -> None:
        await ground.zk.create("/a")
        async with ground.connect() as other:
            assert await other.sync() is None
            assert await other.exists("/a") is not None

    play(story)


def test_retry_in_use(play: Play) -> None:
    async def story(ground: Ground) -> None:
        retry = zkeeper.Retry(3)
        await ground.zk.create("/a", b"x")
        assert (await retry(ground.zk.get, "/a")).data == b"x"
        with pytest.raises(ZooKeeperError):
            await retry(ground.zk.get, "/no")

    play(story)


def test_tls_by_a_context(play: Play) -> None:
    """A proxy speaks TLS to the client. The certificate is for `localhost`; under another name it is refused."""

    async def story(ground: Ground) -> None:
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        async with tls_proxy(ground.address) as port:
            async with ground.connect(address=f"localhost:{port}", ssl=context) as zk:
                await zk.create("/a", b"x" * 500_000)
                assert (await zk.get("/a")).data == b"x" * 500_000
            wrong = ground.connect(address=f"127.0.0.1:{port}", ssl=context)
            with pytest.raises(ConnectionLossError, match=r"(?i)certificate"):
                await wrong.start(timeout_s=1)

    play(story)


@asynccontextmanager
async def tls_proxy(target: str) -> AsyncIterator[int]:
    """Passes on what comes in over TLS; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("localhost-key.pem"))
    host, port = target.rsplit(":", 1)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer), return_exceptions=True)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
