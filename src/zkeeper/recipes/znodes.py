"""What all recipes do with znodes: create one's own so that it is found again, and delete it for sure.

1. A znode of one's own has a GUID in its name. When the outcome of its creation is unknown it is looked for behind a
   write, which comes after all that was on its way before; it is accepted only if the current session owns it.
2. A creation that is given up, by an error or by cancellation, is undone in the background.
3. A deletion is repeated until it was answered, and cancellation does not stop it. Nobody waits for it longer than the
   session lasts, as the client sees it; what the servers keep after that is swept up in the next session.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from zkeeper import OPEN_ACL, Acl, AsyncClient, Created
from zkeeper.errors import (
    AuthFailedError,
    BadArgumentsError,
    ClosedError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    SessionExpiredError,
    UnimplementedError,
)

from .patience import FINAL, GIVEN_UP, PASSING, PAUSE_S, Errands, insist, persist

_NOWHERE = "_zkeeper_settles_nothing_has_this_name_"


class OwnZNode(NamedTuple):
    """A znode that this session has created. `czxid` is its fencing token."""

    path: str
    czxid: int
    session_id: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def join(parent: str, name: str) -> str:
    return f"{parent.rstrip('/')}/{name}"


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


async def settle(zk: AsyncClient, path: str) -> None:
    """Returns when all that this session has requested before, on any connection, is done or never will be.

    The deletion of what does not exist changes nothing, but it is a write: what was on its way comes before it. A sync
    does not wait for what a lost connection has left in the servers.
    """
    with suppress(NoNodeError, NoAuthError):
        await zk.delete(join(path, _NOWHERE))


async def find(zk: AsyncClient, parent: str, prefix: str) -> str | None:
    """The path of the child whose name begins with `prefix`, with what was still on its way."""
    await settle(zk, parent)
    try:
        names = await zk.children(parent)
    except NoNodeError:
        return None
    return next((join(parent, name) for name in names if name.startswith(prefix)), None)


Create = Callable[[], Awaitable[Created]]


async def create_own(
    zk: AsyncClient, parent: str, prefix: str, errands: Errands, create: Create, acl: Sequence[Acl] = OPEN_ACL
) -> OwnZNode:
    """Creates an ephemeral child of `parent` by `create`, whose name begins with `prefix`, at most once.

    Raises `SessionExpiredError` when the session ended on the way, and what else `create` raises.
    """
    try:
        while True:
            try:
                return _own(zk, await _create_or_find(zk, parent, prefix, create))
            except NoNodeError:
                await ensure_container(zk, parent, acl)
    except BadArgumentsError:
        raise
    except GIVEN_UP:
        errands.begin(_undo(zk, parent, prefix, errands))
        raise


async def _create_or_find(zk: AsyncClient, parent: str, prefix: str, create: Create) -> Created:
    while True:
        try:
            created = await create()
        except PASSING:
            found = await insist(lambda: find(zk, parent, prefix))
            if found is None:
                continue
            created = Created(found, None)
        # Found again, or made by a server that knows no create2: the Stat has to be asked for.
        return created if created.stat else Created(created.path, await insist(partial(zk.exists, created.path)))


def _own(zk: AsyncClient, created: Created) -> OwnZNode:
    if created.stat is None or created.stat.ephemeral_owner != zk.session_id:
        # It was made by a session of ours that is over, and goes with it.
        raise SessionExpiredError
    return OwnZNode(created.path, created.stat.czxid, zk.session_id)


async def _undo(zk: AsyncClient, parent: str, prefix: str, errands: Errands) -> None:
    try:
        await insist(lambda: _delete_found(zk, parent, prefix))
    except SessionExpiredError:
        errands.sweep(persist(lambda: _delete_found(zk, parent, prefix)))


async def _delete_found(zk: AsyncClient, parent: str, prefix: str) -> None:
    with suppress(ClosedError, AuthFailedError, NoNodeError):
        path = await find(zk, parent, prefix)
        if path is not None:
            await zk.delete(path)


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
