"""What cannot be meant is refused where it is given, by `connect` and `Client`: nothing has been begun by then."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from functools import partial
from random import Random
from typing import Any

import pytest

import zkeeper
import zkeeper.blocking
from zkeeper import arguments
from zkeeper.errors import BadArgumentsError

MAKERS: list[Callable[..., Any]] = [zkeeper.connect, zkeeper.Client]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["session_timeout_ms", "connect_timeout_ms", "max_frame_bytes"])
@pytest.mark.parametrize("value", [0, -1, 2**31])
def test_numbers_out_of_range(make: Callable[..., Any], name: str, value: int) -> None:
    with pytest.raises(BadArgumentsError, match=f"{name} is between 1 and 2147483647, not {value}"):
        make("h", **{name: value})


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["session_timeout_ms", "connect_timeout_ms", "max_frame_bytes"])
@pytest.mark.parametrize("value", [1.5, float("nan"), "10", True, b"10"])
def test_numbers_that_are_none(make: Callable[..., Any], name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"{name} is an integer, not .*{type(value).__name__}"):
        make("h", **{name: value})


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("hosts", [None, b"h:2181", ["h:2181"], 2181])
def test_a_connect_string_is_text(make: Callable[..., Any], hosts: object) -> None:
    with pytest.raises(TypeError, match="a connect string is a str"):
        make(hosts)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auth": "digest"}, "auth has pairs"),
        ({"auth": ("digest", b"a:b")}, "auth has pairs"),
        ({"auth": [("digest",)]}, "auth has pairs"),
        ({"auth": [(b"digest", b"a:b")]}, "scheme of a credential is a str"),
        ({"auth": [("digest", 5)]}, "a credential is bytes, str or None, not of the type int"),
        ({"session": (1,)}, "session is a pair"),
        ({"session": 5}, "session is a pair"),
        ({"session": ("0x1", bytes(16))}, "the session's id is an integer, not '0x1'"),
        ({"session": (1, "secret")}, "the password of a session is bytes, not of the type str"),
        ({"ssl": True}, "ssl is an ssl.SSLContext or None, not True"),
        ({"random": 5}, "random is a random.Random or None, not 5"),
    ],
)
def test_options_of_a_wrong_type(make: Callable[..., Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message) as error:
        make("h", **options)
    assert "secret" not in str(error.value)


def test_what_is_right_is_taken() -> None:
    zk = zkeeper.connect(
        "h", 1, auth=[("digest", "ä:b"), ("digest", b"a:b"), ("x", None)], session=(-(2**63), bytes(16)),
        connect_timeout_ms=2**31 - 1, ssl=ssl.create_default_context(), random=Random(1),
    )  # fmt: skip
    assert zk.session_timeout_ms == 1
    assert zk.session_id == -(2**63)
    assert zk._session.credentials.send_all() == [("digest", "ä:b".encode()), ("digest", b"a:b"), ("x", None)]


@pytest.mark.parametrize("value", [-(2**31), -1, 0, 2**31 - 1])
def test_versions_that_fit(value: int) -> None:
    assert arguments.version(value) == value


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**32, 2**63])
def test_versions_that_would_be_taken_for_another(value: int) -> None:
    with pytest.raises(BadArgumentsError, match=f"version is between -2147483648 and 2147483647, not {value}"):
        arguments.version(value)


def test_seconds() -> None:
    assert [arguments.checked_limit(value) for value in (0, -1.5, 2)] == [0, -1.5, 2]
    with pytest.raises(BadArgumentsError, match="not NaN"):
        arguments.checked_limit(float("nan"))
    for wrong in ("1", True, b""):
        with pytest.raises(TypeError, match="timeout_s is a number of seconds or None"):
            arguments.checked_limit(wrong)  # type: ignore[arg-type]  # that is the point


async def _coroutine(event: object) -> None:
    raise AssertionError(event)


async def _generator(event: object) -> AsyncIterator[object]:
    yield event


class _AsyncCallable:
    async def __call__(self, event: object) -> None:
        raise AssertionError(event)


@pytest.mark.parametrize(
    "value", [_coroutine, _generator, partial(_coroutine, 1), _AsyncCallable(), _AsyncCallable().__call__]
)
def test_a_callback_that_nobody_would_await(value: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"a callback is called and not awaited, so .* would never run: give a plain"):
        arguments.plain_callback(value)


@pytest.mark.parametrize("value", [print, lambda event: None, partial(print, 1), [].append, object])
def test_callbacks(value: Callable[..., object]) -> None:
    assert arguments.plain_callback(value) is value


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", ["x", 1, None])
def test_read_only_is_a_flag(make: Callable[..., Any], value: object) -> None:
    with pytest.raises(TypeError, match="read_only is True or False, not"):
        make("h", read_only=value)


@pytest.mark.parametrize("make", [zkeeper.Retry, zkeeper.blocking.Retry])
def test_pauses_do_not_shrink(make: Callable[..., Any]) -> None:
    make(factor=1)
    for factor in (0, 0.5, -1):
        with pytest.raises(BadArgumentsError, match=f"factor is between 1 and inf, not {factor}"):
            make(factor=factor)


@pytest.mark.parametrize("value", ["x", True, b"1"])
def test_a_start_whose_limit_is_no_number_begins_nothing(value: Any) -> None:
    async def story() -> None:
        zk = zkeeper.connect("127.0.0.1:1")
        with pytest.raises(TypeError, match="timeout_s is a number of seconds or None"):
            await zk.start(value)
        with pytest.raises(BadArgumentsError, match="not NaN"):
            await zk.start(float("nan"))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert zk.state is zkeeper.SessionState.CONNECTING

    asyncio.run(story())
    zk = zkeeper.Client("127.0.0.1:1")
    with pytest.raises(TypeError, match="timeout_s is a number of seconds or None"):
        zk.start(value)
    assert zk.state is zkeeper.SessionState.CONNECTING
