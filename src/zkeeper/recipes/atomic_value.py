"""A value in one znode that is read, compared and set.

1. Every change is conditional on the version that was read, so no change is lost.
2. When the outcome of a change is unknown, the znode is read behind a write. If its version has not moved, or somebody
   else's value is there, the change was not made and may be tried again; otherwise the caller is told so.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from zkeeper import OPEN_ACL, Acl, AsyncClient, insist, settle
from zkeeper.arguments import data
from zkeeper.errors import PASSING, BadVersionError, NodeExistsError, NoNodeError

from .patience import persist
from .znodes import checked, ensure_container


class Versioned(NamedTuple):
    """A value, and the version of the znode that had it.

    Example:
        seen = await value.get_versioned()
        was_set = await value.compare_and_set(seen, seen.value + b"!")
    """

    value: bytes
    version: int


class AtomicValue:
    """Bytes that are changed by compare-and-set. The znode is created with `start` when it is first asked for.

        value = AtomicValue(zk, "/settings/mode")
        await value.update(lambda old: old.upper())

    Promises: `update` and `compare_and_set` are done at most once, on exactly the value that they saw. When the
    connection is lost and it cannot be told whether the change was made, they raise `ConnectionLossError` or
    `SessionExpiredError` with `outcome` UNKNOWN; whoever may do it twice calls again. `set` may be done twice.

    On the wire it is Curator's `SharedValue`.
    """

    def __init__(self, zk: AsyncClient, path: str, *, start: bytes = b"", acl: Sequence[Acl] = OPEN_ACL) -> None:
        self.path = checked(zk, path)
        self._zk = zk
        self._start = data(start)
        self._acl = acl

    async def get(self) -> bytes:
        """The value now."""
        return (await self.get_versioned()).value

    async def get_versioned(self) -> Versioned:
        """The value with its version, for `compare_and_set`."""
        while True:
            try:
                data, stat, _ = await persist(lambda: self._zk.get(self.path))
                return Versioned(data, stat.version)
            except NoNodeError:
                await self._create()

    async def set(self, value: bytes) -> None:
        """Sets it, whatever it was."""
        while True:
            try:
                await persist(lambda: self._zk.set(self.path, value))
                return
            except NoNodeError:
                await self._create()

    async def compare_and_set(self, seen: Versioned, value: bytes) -> bool:
        """Sets it if its version is still that of `seen`; False if it is not."""
        while True:
            try:
                await self._zk.set(self.path, value, seen.version)
                return True
            except (BadVersionError, NoNodeError):
                return False
            except PASSING:
                await insist(lambda: settle(self._zk, self.path))
                now = await self.get_versioned()
                if now.version == seen.version:
                    continue
                if now.version == seen.version + 1 and now.value != value:
                    return False
                raise

    async def update(self, change: Callable[[bytes], bytes]) -> bytes:
        """Replaces the value by `change(value)`, which is called again when somebody else was quicker. Returns it."""
        while True:
            seen = await self.get_versioned()
            value = change(seen.value)
            if await self.compare_and_set(seen, value):
                return value

    async def _create(self) -> None:
        try:
            await persist(lambda: self._zk.create(self.path, self._start, acl=self._acl))
        except NodeExistsError:
            pass
        except NoNodeError:
            await ensure_container(self._zk, self.path.rpartition("/")[0], self._acl)
