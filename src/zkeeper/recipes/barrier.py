"""A gate that is shut as long as its znode exists."""

from zkeeper import OPEN_ACL, AsyncClient
from zkeeper.arguments import limit
from zkeeper.errors import NodeExistsError, NoNodeError

from .patience import Wake, persist
from .znodes import checked, ensure_container


class Barrier:
    """Holds up all who `wait` from `create` until `remove`.

        barrier = Barrier(zk, "/barriers/migration")
        await barrier.create()
        ...
        await barrier.remove()      # elsewhere: await barrier.wait()

    Promises: `wait` returns only after a moment in which the barrier did not exist, and goes on across lost connections
    and sessions. The barrier belongs to no session: it stays until it is removed. Does not promise that nobody has shut
    it again when `wait` returns.

    On the wire it is Curator's `DistributedBarrier` and kazoo's `Barrier`.
    """

    def __init__(self, zk: AsyncClient, path: str) -> None:
        self._zk = zk
        self.path = checked(zk, path)

    async def create(self) -> bool:
        """Shuts it; False if it was shut already. After a lost connection it may be False for one's own."""
        while True:
            try:
                await persist(lambda: self._zk.create(self.path, acl=OPEN_ACL))
                return True
            except NodeExistsError:
                return False
            except NoNodeError:
                await ensure_container(self._zk, self.path.rpartition("/")[0])

    async def remove(self) -> bool:
        """Opens it; False if it was open. After a lost connection it may be False for one's own."""
        try:
            await persist(lambda: self._zk.delete(self.path))
        except NoNodeError:
            return False
        return True

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it is open; False if it is still shut after `timeout_s` seconds."""
        wake = Wake()
        try:
            async with limit(timeout_s):
                while await persist(lambda: self._zk.exists(self.path, watch=wake.note)) is not None:
                    await wake.wait()
                    wake.clear()
        except TimeoutError:
            return False
        finally:
            self._zk.forget_watch(self.path, wake.note)
        return True
