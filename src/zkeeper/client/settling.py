"""Finding out what became of a write: repeating what may be done twice, and waiting for what was on its way."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from zkeeper.errors import PASSING, NoAuthError, NoNodeError, SessionExpiredError

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

T = TypeVar("T")

PAUSE_S: Final = 0.05
"""Before a request is sent again. While there is no connection it waits for one anyway."""
NOWHERE: Final = "_zkeeper_settles_nothing_has_this_name_"


async def insist(request: Callable[[], Awaitable[T]], *, across_sessions: bool = False) -> T:
    """Repeats a request that may be done twice until a server has answered it, and returns the answer.

    There is no limit in time: put `asyncio.timeout` around it where there has to be one. `across_sessions`: goes on in
    the next session when this one is lost, for what has nothing to do with the session.

    Raises the errors that are answers, such as `NoNodeError`; `SessionExpiredError` unless it goes on across sessions;
    `ClosedError`. Whether a write happened once or more often is then up to the request.

    Example:
        names = await zkeeper.insist(lambda: zk.children("/jobs"))
    """
    while True:
        try:
            return await request()
        except PASSING:
            await asyncio.sleep(PAUSE_S)
        except SessionExpiredError:
            if not across_sessions:
                raise


async def settle(zk: "AsyncClient", path: str) -> None:
    """Returns when all that this session has requested before, on any connection, is done or never will be.

    After an error whose outcome is UNKNOWN: settle, then look. A read alone, or a `sync`, may come before a write that
    a lost connection has left in the servers. `path` is a znode below which nothing is changed: the deletion of a child
    that does not exist is a write, and what was on its way comes before it.

    Raises `ConnectionLossError`, `SessionExpiredError`; repeating it is safe.

    Example:
        try:
            await zk.create("/jobs/7", data)
        except zkeeper.errors.ConnectionLossError:
            await zkeeper.insist(lambda: zkeeper.settle(zk, "/jobs"))
            is_created = await zk.exists("/jobs/7") is not None
    """
    with suppress(NoNodeError, NoAuthError):
        await zk.delete(f"{path.rstrip('/')}/{NOWHERE}")
