"""Finding out what became of a write: the functions of `zkeeper.client.settling` and `zkeeper.client.protected`.

What is asked for here is done on the loop, and is cancelled there when the thread gives it up. Only `insist` repeats in
the thread itself, since what it repeats is a function of the thread.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from zkeeper.blocking.client import Client
from zkeeper.blocking.core import describe
from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.client import protected as on_loop
from zkeeper.client import settling
from zkeeper.errors import PASSING, SessionExpiredError
from zkeeper.values import OPEN_ACL, Acl, Created
from zkeeper.wire.client_pending import CONDITIONAL, READ, RISKY

T = TypeVar("T")


def insist(request: Callable[[], T], *, across_sessions: bool = False) -> T:
    """Repeats a request that may be done twice until a server has answered it, and returns the answer.

    There is no limit in time: use `Retry` where there has to be one. `across_sessions`: goes on in the next session
    when this one is lost, for what has nothing to do with the session.

    Raises the errors that are answers, such as `NoNodeError`; `SessionExpiredError` unless it goes on across sessions;
    `ClosedError`. Whether a write happened once or more often is then up to the request.

    What took longer than its `timeout_s` is repeated like what was lost with its connection.

    Example:
        names = blocking.insist(lambda: zk.children("/jobs"))
    """
    while True:
        try:
            return request()
        except PASSING:
            time.sleep(settling.PAUSE_S)
        except SessionExpiredError:
            if not across_sessions:
                raise


def settle(zk: Client, path: str, *, timeout_s: float | None = None) -> None:
    """Returns when all that this session has requested before, on any connection, is done or never will be.

    After an error whose outcome is UNKNOWN: settle, then look. A read alone, or a `sync`, may come before a write that
    a lost connection has left in the servers. `path` is a znode below which nothing is changed: the deletion of a child
    that does not exist is a write, and what was on its way comes before it.

    Raises `ConnectionLossError`, `SessionExpiredError`; repeating it is safe.

    Example:
        try:
            zk.create("/jobs/7", data)
        except zkeeper.errors.ConnectionLossError:
            blocking.insist(lambda: blocking.settle(zk, "/jobs"))
            is_created = zk.exists("/jobs/7") is not None
    """
    zk._core.ask(CONDITIONAL, timeout_s, partial(settling.settle, zk._zk), path)


def create_protected(
    zk: Client, path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = True,
    sequential: bool = True, guid: str | None = None, timeout_s: float | None = None,
) -> Created:  # fmt: skip
    """Creates a znode whose name begins with a GUID, as `<parent>/_c_<guid>-<name>` (Curator's form).

    When the connection is lost before the reply, the znode is looked for by its GUID as soon as there is a connection
    again, and created if it is not there. An ephemeral one counts only if it belongs to the client's present session,
    so that the result is never a znode that is about to go with an old session. When the call is cancelled or fails,
    what may have been created is deleted in the background; only closing the client stops that.

    Raises as `create2` does, and `SessionExpiredError` when the session is lost meanwhile.

    Example:
        path, stat = blocking.create_protected(zk, "/locks/a/lock-", b"me")
    """
    guid = new_guid(zk) if guid is None else guid
    create = partial(
        on_loop.create_protected, zk._zk, path, data, acl=acl, ephemeral=ephemeral, sequential=sequential, guid=guid
    )  # fmt: skip

    def undo(_: Created) -> None:
        on_loop.undo_creation(zk._zk, path, guid, None if ephemeral else zk.session_id)

    try:
        return zk._core.step(timeout_s, create, undo)
    except CallTimeoutError as error:
        describe(error, RISKY, path)
        raise


def find_protected(
    zk: Client, parent: str, guid: str, ephemeral: bool = True, *, timeout_s: float | None = None
) -> Created | None:
    """The child of `parent` that was created with this GUID, also by a request that was still on its way.

    An ephemeral one only if it is of the present session. Lost connections are waited out. Raises
    `SessionExpiredError`.

    Example:
        found = blocking.find_protected(zk, "/locks/a", guid)
    """
    return zk._core.ask(READ, timeout_s, partial(on_loop.find_protected, zk._zk), parent, guid, ephemeral)


def new_guid(zk: Client) -> str:
    """A random UUID as text, from the client's own source of chance.

    Example:
        guid = blocking.new_guid(zk)
    """
    return on_loop.new_guid(zk._zk)
