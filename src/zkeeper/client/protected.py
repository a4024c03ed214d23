"""Creating a znode that is found again when the reply to its creation was lost."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from zkeeper.errors import ConnectionLossError, Outcome
from zkeeper.values import OPEN_ACL, Acl, Created

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

PREFIX: Final = "_c_"
"""Curator's names begin so: `_c_<guid>-<name>`."""


def protected_name(guid: str, name: str) -> str:
    return f"{PREFIX}{guid}-{name}"


async def create_protected(
    zk: "AsyncClient", path: str, data: bytes | None = b"", *, acl: Iterable[Acl] = OPEN_ACL, ephemeral: bool = True,
    sequential: bool = True, guid: str | None = None,
) -> Created:  # fmt: skip
    """Creates a znode whose name begins with a GUID, as `<parent>/_c_<guid>-<name>` (Curator's form).

    When the connection is lost before the reply, the znode is looked for by its GUID as soon as there is a connection
    again, and created if it is not there. An ephemeral one counts only if it belongs to the client's present session,
    so that the result is never a znode that is about to go with an old session.

    Raises as `create2` does, and `SessionExpiredError` when the session is lost meanwhile; a znode that may have been
    created goes with that session if it is ephemeral. Cancelled, it may leave a znode behind; its name has the `guid`,
    which a caller who has to clean up chooses (`new_guid`).

    Example:
        path, stat = await zkeeper.create_protected(zk, "/locks/a/lock-", b"me")
    """
    entries = tuple(acl)
    guid = new_guid(zk) if guid is None else guid
    parent, _, name = path.rpartition("/")
    protected = f"{parent}/{protected_name(guid, name)}"
    while True:
        try:
            return await zk.create2(protected, data, acl=entries, ephemeral=ephemeral, sequential=sequential)
        except ConnectionLossError as error:
            if error.outcome is not Outcome.UNKNOWN:
                raise
        found = await find_protected(zk, parent or "/", guid, ephemeral)
        if found is not None:
            return found


async def find_protected(zk: "AsyncClient", parent: str, guid: str, ephemeral: bool = True) -> Created | None:
    """The child of `parent` that was created with this GUID; an ephemeral one only if it is of the present session.

    Lost connections are waited out. Raises `NoNodeError` where there is no parent, `SessionExpiredError`.
    """
    beginning = protected_name(guid, "")
    while True:
        try:
            for name in await zk.children(parent):
                if not name.startswith(beginning):
                    continue
                path = f"{parent.rstrip('/')}/{name}"
                stat = await zk.exists(path)
                if stat is not None and (not ephemeral or stat.ephemeral_owner == zk.session_id):
                    return Created(path, stat)
            return None
        except ConnectionLossError:
            continue


def new_guid(zk: "AsyncClient") -> str:
    """A random UUID as text, from the client's own source of chance."""
    digits = f"{zk.random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
