"""What all recipes do with znodes: create one's own so that it is found again, and delete it for sure.

1. A znode of one's own has a GUID in its name, by which it is found again: it is `zkeeper.Protected`.
2. A creation that is given up, by an error or by cancellation, is undone in the background.
3. A deletion is repeated until it was answered, and cancellation does not stop it. Nobody waits for it longer than the
   session lasts, as the client sees it; what the servers keep after that is swept up in the next session.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from zkeeper import OPEN_ACL, Acl, AsyncClient, Created, Protected
from zkeeper.arguments import text
from zkeeper.errors import (
    PASSING,
    AuthFailedError,
    BadArgumentsError,
    ClosedError,
    NodeExistsError,
    NoNodeError,
    SessionExpiredError,
    UnimplementedError,
)

from .patience import FINAL, GIVEN_UP, PAUSE_S, Errands, persist


class OwnZNode(NamedTuple):
    """A znode that this session has created. `czxid` is its fencing token."""

    path: str
    czxid: int
    session_id: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def checked(zk: AsyncClient, path: str) -> str:
    """The path of a recipe. Raises `BadArgumentsError` if it can name no znode, `TypeError` if it is none at all."""
    if not isinstance(zk, AsyncClient):
        raise TypeError(f"this recipe takes an AsyncClient, not {zk!r}; zkeeper.blocking has those that take a Client")
    zk.with_chroot(path)
    return path


def join(parent: str, name: str) -> str:
    return f"{parent.rstrip('/')}/{name}"


def checked_child(zk: AsyncClient, parent: str, what: str, name: str) -> str:
    """The path of a child whose name users give, as `what`. Raises as `checked` does."""
    if not text(what, name) or "/" in name:
        raise BadArgumentsError(
            f"{what} becomes the name of a znode: it is not empty and has no slash, unlike {name!r}"
        )
    return checked(zk, join(parent, name))


async def ensure_container(zk: AsyncClient, path: str, acl: Sequence[Acl] = OPEN_ACL) -> None:
    """Makes the znode and its ancestors where they are missing, as containers, which go when they are spent."""
    if path in ("", "/"):
        return
    while True:
        try:
            await persist(lambda: zk.create(path, acl=acl, container=True))
            return
        except NodeExistsError:
            return
        except NoNodeError:
            await ensure_container(zk, path.rpartition("/")[0], acl)
        except UnimplementedError:
            await persist(lambda: zk.ensure_path(path, acl=acl))
            return


Create = Callable[[], Awaitable[Created]]


async def create_own(
    zk: AsyncClient, parent: str, prefix: str, errands: Errands, create: Create, acl: Sequence[Acl] = OPEN_ACL
) -> OwnZNode:
    """Creates an ephemeral child of `parent` by `create`, whose name begins with `prefix`, at most once.

    Raises `SessionExpiredError` when the session ended on the way, and what else `create` raises.
    """
    protected = Protected(zk, parent, prefix)
    try:
        while True:
            try:
                return _own(zk, await protected.create(create))
            except NoNodeError:
                await ensure_container(zk, parent, acl)
    except BadArgumentsError:
        raise
    except GIVEN_UP:
        errands.begin(_undo(protected, errands))
        raise


def _own(zk: AsyncClient, created: Created) -> OwnZNode:
    assert created.stat is not None
    return OwnZNode(created.path, created.stat.czxid, zk.session_id)


async def _undo(protected: Protected, errands: Errands) -> None:
    with suppress(ClosedError, AuthFailedError):
        try:
            await protected.delete()
        except SessionExpiredError:
            errands.sweep(_sweep_up_protected(protected))


async def _sweep_up_protected(protected: Protected) -> None:
    with suppress(ClosedError, AuthFailedError):
        await persist(protected.delete)


async def delete_surely(zk: AsyncClient, path: str, session_id: int, errands: Errands) -> None:
    """Deletes an ephemeral znode of that session; returns when it is gone or the session has ended."""
    while zk.session_id == session_id and zk.state not in FINAL:
        try:
            await zk.delete(path)
            return
        except NoNodeError:
            return
        except SessionExpiredError:
            break
        except (ClosedError, AuthFailedError):
            return
        except PASSING:
            await asyncio.sleep(PAUSE_S)
    errands.sweep(sweep_up(zk, path, session_id))


async def sweep_up(zk: AsyncClient, path: str, session_id: int) -> None:
    """Deletes what a session has left, which is over for us, but not yet for the servers: others wait for it."""
    with suppress(ClosedError, AuthFailedError, NoNodeError):
        stat = await persist(lambda: zk.exists(path))
        if stat is not None and stat.ephemeral_owner == session_id:
            await persist(lambda: zk.delete(path))
