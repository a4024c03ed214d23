"""A lock that many readers or one writer hold.

1. A reader waits for the nearest writer before it only, never for a reader.
2. A writer waits for the nearest contender before it, of either kind.
3. A task that writes may begin to read as well; the read lock then has the writer's place in the queue, so that no
   other writer comes between when the write lock is released first.
"""

from collections.abc import Sequence

from zkeeper import OPEN_ACL, Acl, AsyncClient

from .held import Held
from .lock import Queueing, _current
from .names import Layout, Role
from .place import Place

_READ = {Layout.CURATOR: "__READ__", Layout.KAZOO: "__rlock__"}
_WRITE = {Layout.CURATOR: "__WRIT__", Layout.KAZOO: "__lock__"}


class ReadWriteLock:
    """`read` and `write` are used like a `Lock`, and promise what it does; see there.

        rw = ReadWriteLock(zk, "/locks/table")
        async with rw.read:
            ...
        async with rw.write as held:
            ...

    Fair: a reader that comes after a waiting writer waits for it. Both sides are re-entrant if asked for. A task that
    holds `write` may acquire `read`, and keeps it when it releases `write`. The other way round waits for itself for
    ever: release `read` first.

    On the wire it is Curator's `InterProcessReadWriteLock`, or kazoo's `ReadLock` and `WriteLock` with
    `layout="kazoo"`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, *, identifier: str = "", layout: Layout | str = Layout.CURATOR,
        reentrant: bool = False, acl: Sequence[Acl] = OPEN_ACL,
    ) -> None:  # fmt: skip
        layout = Layout(layout)
        kinds = (_READ[layout], _WRITE[layout])
        write_role, read_role = Role(layout, _WRITE[layout], kinds), Role(layout, _READ[layout], (_WRITE[layout],))
        self.path = path
        self.write = WriteLock(zk, path, write_role, kinds, identifier, reentrant, acl)
        self.read = ReadLock(zk, path, read_role, kinds, identifier, reentrant, acl, self.write)


class WriteLock(Queueing):
    """The side of those who change; see `ReadWriteLock`."""

    def held_by_current_task(self) -> Held | None:
        return next((held for held in self._holds.get(_current(), ()) if held.is_held), None)


class ReadLock(Queueing):
    """The side of those who look; see `ReadWriteLock`."""

    def __init__(
        self, zk: AsyncClient, path: str, role: Role, kinds: tuple[str, ...], identifier: str,
        reentrant: bool, acl: Sequence[Acl], write: WriteLock,
    ) -> None:  # fmt: skip
        super().__init__(zk, path, role, kinds, identifier, reentrant, acl)
        self._write = write

    def _new_place(self) -> Place:
        beside = self._write.held_by_current_task
        return Place(self._zk, self.path, self._role, self._data, self._errands, acl=self._acl, beside=beside)
