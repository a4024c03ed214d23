"""What cannot be meant is refused at the call by every operation, and nothing is sent."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import zkeeper
from interop.proxy import run_proxy
from zkeeper import Permission, SessionState
from zkeeper.errors import BadArgumentsError, ClosedError, ConnectionLossError

from .conftest import Ground, Story, command

Play = Callable[[Story], None]
TTLS = (0, -1, 2**40, 2**62)


@pytest.mark.parametrize("version", [2**31, 2**32, -(2**31) - 1])
def test_a_version_beyond_32_bits_is_not_taken_for_another(play: Play, version: int) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        await zk.create("/a", b"x")
        operations: list[Callable[[], object]] = [
            lambda: zk.set("/a", b"y", version),
            lambda: zk.delete("/a", version),
            lambda: zk.set_acl("/a", zkeeper.OPEN_ACL, version),
            lambda: zk.transaction().check("/a", version),
            lambda: zk.transaction().set("/a", b"y", version),
            lambda: zk.transaction().delete("/a", version),
        ]
        for operation in operations:
            with pytest.raises(BadArgumentsError, match=f"not {version}"):
                operation()
        assert (await zk.get("/a")).data == b"x"

    play(story)


def test_what_is_of_a_wrong_type_is_refused_at_the_call(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk: Any = ground.zk
        entry = zkeeper.OPEN_ACL[0]
        operations: list[tuple[Callable[[], object], str]] = [
            (lambda: zk.create("/a", "text"), "the data of a znode are bytes, not 'text'"),
            (lambda: zk.set("/a", 5), "the data of a znode are bytes, not 5"),
            (lambda: zk.transaction().set("/a", "text"), "the data of a znode are bytes"),
            (lambda: zk.set("/a", b"", "1"), "version is an integer, not '1'"),
            (lambda: zk.create("/a", acl=entry), "an ACL is a list of entries"),
            (lambda: zk.create("/a", acl=["world:anyone"]), "an entry of an ACL is an Acl, not 'world:anyone'"),
            (lambda: zk.get("/", watch="print"), "a callback can be called, unlike 'print'"),
            (lambda: zk.on_state("print"), "a callback can be called, unlike 'print'"),
            (lambda: zk.watch("/").add_callback(5), "a callback can be called, unlike 5"),
            (lambda: zk.get("/", watch=story), "a callback is called and not awaited"),
            (lambda: zk.on_state(story), "a callback is called and not awaited"),
            (lambda: zk.watch("/").add_callback(story), "a callback is called and not awaited"),
            (lambda: zk.create("/a", sequential="no"), r"sequential is True or False, not 'no' \(str\)"),
            (lambda: zk.create2("/a", ephemeral=1), "ephemeral is True or False, not 1"),
            (lambda: zk.transaction().create("/a", container="x"), "container is True or False"),
            (lambda: zk.create("/a", ttl_ms="1"), "ttl_ms is an integer, not '1'"),
            (lambda: zk.create("/a", acl=[zkeeper.Acl("r", "world", "anyone")]), "permissions .* an integer, not 'r'"),
            (lambda: zk.set_acl("/a", [("world", "anyone", 31)]), "the last two of them str, not .'world', 'anyone'"),
            (lambda: zk.watch("/", recursive="x"), "recursive is True or False"),
            (lambda: zk.watch("/", ends_with_session=0), "ends_with_session is True or False"),
            (lambda: zk.get(b"/a"), "str"),
            (lambda: zk.watch(None), "str"),
            (lambda: zk.add_auth("digest", 5), "a credential is bytes, str or None, not of the type int"),
            (lambda: zk.add_auth(b"digest", b"a:b"), "the scheme of a credential is a str"),
            (lambda: zk.reconfig(joining="server.1=a"), "are lists"),
            (lambda: zk.update_hosts(None), "a connect string is a str"),
        ]
        for operation, message in operations:
            with pytest.raises(TypeError, match=message):
                operation()
        for states in ((), ("LOST",)):
            with pytest.raises(TypeError, match="SessionState"):
                await zk.wait_for(*states, timeout_s=1)
        with pytest.raises(BadArgumentsError, match="NaN"):
            await zk.wait_for(SessionState.LOST, timeout_s=float("nan"))
        for path in ("", "a", "//"):
            with pytest.raises(BadArgumentsError, match="is no path"):
                await zk.ensure_path(path)
        with pytest.raises(ValueError, match="99"):
            await zk.remove_watches("/", 99)

    play(story)


def test_what_cannot_be_meant_is_refused_at_the_call(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.zk
        operations: list[tuple[Callable[[], object], str]] = [
            *[
                (partial(zk.create, "/a", ttl_ms=ttl_ms), f"ttl_ms is .* 1099511627775, not {ttl_ms}")
                for ttl_ms in TTLS
            ],
            (lambda: zk.create2("/a", ttl_ms=0), "ttl_ms"),
            (lambda: zk.transaction().create("/a", ttl_ms=-1), "ttl_ms"),
            (lambda: zk.set_acl("/", [zkeeper.Acl(Permission(2**40), "world", "anyone")]), "not 1099511627776"),
            (lambda: zkeeper.connect(ground.address).transaction().delete("/"), "the root cannot be deleted"),
        ]
        for operation, message in operations:
            with pytest.raises(BadArgumentsError, match=message):
                operation()
        async with ground.connect(chroot="") as outer:
            with pytest.raises(BadArgumentsError, match=r"^/: the root cannot be deleted$") as error:
                outer.delete("/")
            assert error.value.path == "/"
        assert await zk.children("/") == []

    play(story)


def test_what_was_refused_leaves_a_transaction_as_it_was(play: Play) -> None:
    async def story(ground: Ground) -> None:
        transaction = ground.zk.transaction()
        refused: list[Callable[[], object]] = [
            lambda: transaction.set("a", b"x"),
            lambda: transaction.delete("/a/"),
            lambda: transaction.check("/a", 2**40),
            lambda: transaction.create("/a", ttl_ms=0),
        ]
        for operation in refused:
            with pytest.raises(BadArgumentsError):
                operation()
        assert await transaction.create("/b").commit() == ["/b"]

    play(story)


def test_a_closed_client_watches_nothing(play: Play) -> None:
    async def story(ground: Ground) -> None:
        zk = ground.connect()
        await zk.start()
        await zk.close()
        with pytest.raises(ClosedError, match="the client is closed"):
            zk.watch("/")

    play(story)


def test_a_credential_that_was_refused_at_the_call_is_forgotten(play: Play) -> None:
    """The next connection begins with all credentials: one that cannot be sent would keep the client away for ever."""

    async def story(ground: Ground) -> None:
        port = int(ground.address.rpartition(":")[2])
        with run_proxy(port) as proxy:
            async with ground.connect(address=proxy.address) as zk:
                with pytest.raises(TypeError):
                    zk.add_auth("digest", 5)  # type: ignore[arg-type]  # that is the point
                await zk.add_auth("digest", "ann:secret")
                states = zk.states()
                assert await anext(states) is SessionState.CONNECTED
                await command(proxy.control, "cut")
                assert [await anext(states), await anext(states)] == [SessionState.SUSPENDED, SessionState.CONNECTED]
                assert ("digest", "ann") in await zk.whoami()

    play(story)


def test_the_error_of_a_start_that_failed_keeps_its_cause(play: Play) -> None:
    async def story(ground: Ground) -> None:
        with pytest.raises(ConnectionLossError, match=r"127\.0\.0\.1:1: ") as error:
            await ground.connect(address="127.0.0.1:1").start(timeout_s=0.5)
        assert isinstance(error.value.__cause__, ConnectionRefusedError)

    play(story)
