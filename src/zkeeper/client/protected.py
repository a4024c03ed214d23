"""Creating a znode that is found again when the reply to its creation was lost.

1. Its name begins with what no other name does. When the outcome of its creation is unknown, it is looked for behind a
   write, which comes after all that was on its way before.
2. An ephemeral one is accepted only if the present session owns it.
3. A creation by `create_protected` that is given up, by an error or by cancellation, is undone in the background.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from zkeeper.arguments import text
from zkeeper.client.settling import insist, settle
from zkeeper.client.states import report
from zkeeper.errors import (
    PASSING,
    AuthFailedError,
    BadArgumentsError,
    ClosedError,
    NoNodeError,
    SessionExpiredError,
    ZooKeeperError,
)
from zkeeper.values import OPEN_ACL, Acl, Created
from zkeeper.wire.client_paths import check_path

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

PREFIX: Final = "_c_"
"""Curator's names begin so: `_c_<guid>-<name>`."""
REFUSED: Final = (BadArgumentsError, NoNodeError)
"""After these there is nothing to undo."""


class Protected:
    """A child of `parent` whose name begins with `prefix`, as no other name does: put a GUID into it (`new_guid`).

    For names, or ways of creating, other than those of `create_protected`. It undoes nothing by itself: when `create`
    was cancelled or failed, `delete` has to be awaited some time.

    Example:
        guid = zkeeper.new_guid(zk)
        mine = zkeeper.Protected(zk, "/members", guid)
        path, stat = await mine.create(lambda: zk.create2(f"/members/{guid}", ephemeral=True))
    """

    def __init__(self, zk: "AsyncClient", parent: str, prefix: str) -> None:
        self._zk = zk
        self._parent = parent
        self._prefix = prefix

    async def create(self, create: Callable[[], Awaitable[Created]], *, ephemeral: bool = True) -> Created:
        """Creates it by `create`, which is called again only when a call before it has made nothing.

        Lost connections are waited out. Raises what `create` raises; `SessionExpiredError` when the session ended on
        the way: what was made goes with it.

        Example:
            name = f"m-{zkeeper.new_guid(zk)}-"
            mine = zkeeper.Protected(zk, "/members", name)
            path, stat = await mine.create(lambda: zk.create2(f"/members/{name}", ephemeral=True, sequential=True))
        """
        created = await self._create_or_find(create)
        if ephemeral and (created.stat is None or created.stat.ephemeral_owner != self._zk.session_id):
            raise SessionExpiredError(f"{created.path} is of a session that is lost")
        return created

    async def _create_or_find(self, create: Callable[[], Awaitable[Created]]) -> Created:
        while True:
            try:
                created = await create()
            except PASSING as error:
                session_id = self._zk.session_id
                found = await self.find()
                if found is not None:
                    return found
                if self._zk.session_id != session_id or session_id == 0:
                    # Servers may still get a request of the old session behind what the new one looked at.
                    raise SessionExpiredError(f"the session was lost while {self._prefix} was created") from error
            else:
                return created if created.stat else await self._with_stat(created.path)

    async def find(self) -> Created | None:
        """The znode, with what was still on its way; None if there is none, whichever session it is of.

        Lost connections are waited out. Raises `SessionExpiredError`.

        Example:
            if await mine.find() is None:
                print("it was never made, or is gone")
        """
        return await insist(self._find_once)

    async def _find_once(self) -> Created | None:
        await settle(self._zk, self._parent)
        try:
            names = await self._zk.children(self._parent)
        except NoNodeError:
            return None
        for name in names:
            if name.startswith(self._prefix):
                return await self._with_stat(f"{self._parent.rstrip('/')}/{name}")
        return None

    async def _with_stat(self, path: str) -> Created:
        return Created(path, await insist(lambda: self._zk.exists(path)))

    async def delete(self) -> None:
        """Deletes the znode if it is there, or still on its way. Lost connections are waited out.

        Raises `SessionExpiredError`; what was ephemeral goes with the session, and may be deleted in the next one.

        Example:
            await mine.delete()
        """
        await insist(self._delete_once)

    async def _delete_once(self) -> None:
        found = await self._find_once()
        if found is not None:
            try:
                await self._zk.delete(found.path)
            except NoNodeError:
                return


async def create_protected(
    zk: "AsyncClient", path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = True,
    sequential: bool = True, guid: str | None = None,
) -> Created:  # fmt: skip
    """Creates a znode whose name begins with a GUID, as `<parent>/_c_<guid>-<name>` (Curator's form).

    When the connection is lost before the reply, the znode is looked for by its GUID as soon as there is a connection
    again, and created if it is not there. An ephemeral one counts only if it belongs to the client's present session,
    so that the result is never a znode that is about to go with an old session. When the call is cancelled or fails,
    what may have been created is deleted in the background; only closing the client stops that.

    Raises as `create2` does, and `SessionExpiredError` when the session is lost meanwhile.

    Example:
        path, stat = await zkeeper.create_protected(zk, "/locks/a/lock-", b"me")
    """
    entries = tuple(acl)
    guid = new_guid(zk) if guid is None else guid
    check_path(path, sequential)
    if "/" in text("guid", guid):
        raise BadArgumentsError(f"guid becomes a part of a name, so it has no slash, unlike {guid!r}")
    parent, _, name = path.rpartition("/")
    whole = f"{parent}/{_prefix(guid)}{name}"
    session_id = zk.session_id
    try:
        return await _protected(zk, path, guid).create(
            lambda: zk.create2(whole, data, acl=entries, ephemeral=ephemeral, sequential=sequential),
            ephemeral=ephemeral,
        )
    except REFUSED:
        raise
    except (Exception, asyncio.CancelledError):
        undo_creation(zk, path, guid, None if ephemeral else session_id)
        raise


def _protected(zk: "AsyncClient", path: str, guid: str) -> Protected:
    return Protected(zk, path.rpartition("/")[0] or "/", _prefix(guid))


def undo_creation(zk: "AsyncClient", path: str, guid: str, session_id: int | None) -> None:
    """Begins to delete what `create_protected(zk, path, guid=guid)` may have made.

    `session_id`: in which it was asked for; None if what was made goes with its session.
    """
    zk._session.begin(_undo(zk, _protected(zk, path, guid), session_id))


async def _undo(zk: "AsyncClient", protected: Protected, session_id: int | None) -> None:
    try:
        await insist(protected.delete, across_sessions=True)
        if session_id not in (None, zk.session_id):
            # Until servers, too, have ended that session, they may still get its request.
            await asyncio.sleep(2 * zk.session_timeout_ms / 1000)
            await insist(protected.delete, across_sessions=True)
    except (ClosedError, AuthFailedError):
        return
    except ZooKeeperError as error:
        report("a znode whose creation was given up may be left", error)


async def find_protected(zk: "AsyncClient", parent: str, guid: str, ephemeral: bool = True) -> Created | None:
    """The child of `parent` that was created with this GUID, also by a request that was still on its way.

    An ephemeral one only if it is of the present session. Lost connections are waited out. Raises
    `SessionExpiredError`.

    Example:
        found = await zkeeper.find_protected(zk, "/locks/a", guid)
    """
    found = await Protected(zk, parent, _prefix(guid)).find()
    if found is None or found.stat is None:
        return None
    return None if ephemeral and found.stat.ephemeral_owner != zk.session_id else found


def _prefix(guid: str) -> str:
    return f"{PREFIX}{guid}-"


def new_guid(zk: "AsyncClient") -> str:
    """A random UUID as text, from the client's own source of chance.

    Example:
        guid = zkeeper.new_guid(zk)
    """
    digits = f"{zk.random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
