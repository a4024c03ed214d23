"""A barrier that a number of members enter together and leave together.

1. Members are ephemerals with unique names. Who sees that all are there creates `ready`, and then all are in.
2. On the way out the member whose name is lowest waits for the highest; the others delete themselves and wait for the
   lowest. So everybody watches one znode, and the lowest is the last to go.
"""

from collections.abc import Sequence
from contextlib import suppress

from zkeeper import OPEN_ACL, Acl, AsyncClient, insist, new_guid
from zkeeper.arguments import limit, text, whole_number
from zkeeper.errors import NodeExistsError, NoNodeError, SessionExpiredError

from .errors import LockTimeoutError
from .patience import GIVEN_UP, Errands, Wake, persist
from .znodes import OwnZNode, checked, create_own, delete_surely, join

_READY = "ready"


class DoubleBarrier:
    """`members` processes begin together (`enter`) and end together (`leave`).

        async with DoubleBarrier(zk, "/barriers/run", 3):
            ...

    Promises: `enter` returns once `members` were there at the same time; a session that is lost while waiting enters
    anew. `leave` returns once all the others have left or their sessions have ended. A path may be used again when all
    have left.

    Does not promise that the others are still alive after `enter`. A member that comes while the others are in or are
    leaving is let in at once, as in Curator.

    On the wire it is Curator's `DistributedDoubleBarrier` and kazoo's `DoubleBarrier`.
    """

    def __init__(
        self, zk: AsyncClient, path: str, members: int, *, identifier: str = "", acl: Sequence[Acl] = OPEN_ACL
    ) -> None:
        self.path = checked(zk, path)
        self.members = whole_number("members", members, 1)
        self._zk = zk
        self._data = text("identifier", identifier).encode()
        self._acl = acl
        self._errands = Errands()
        self._own: OwnZNode | None = None

    async def enter(self, timeout_s: float | None = None) -> None:
        """Waits for the others, at most `timeout_s` seconds. Raises `LockTimeoutError`, and is not a member then."""
        within = limit(timeout_s)
        try:
            async with within:
                while not await self._enter_once():
                    self._give_up()
        except TimeoutError as error:
            self._give_up()
            raise LockTimeoutError(f"fewer than {self.members} were at {self.path} within {timeout_s} s") from error
        except GIVEN_UP:
            self._give_up()
            raise

    async def leave(self, timeout_s: float | None = None) -> None:
        """Waits until all have left, at most `timeout_s` seconds. Raises `LockTimeoutError`, and has left then."""
        within = limit(timeout_s)
        try:
            async with within:
                while not await self._leave_once():
                    pass
                with suppress(NoNodeError):
                    await persist(lambda: self._zk.delete(self._ready))
        except TimeoutError as error:
            raise LockTimeoutError(f"others are still at {self.path} after {timeout_s} s") from error
        finally:
            self._give_up()

    async def settled(self) -> None:
        """Waits until what goes on in the background is done."""
        await self._errands.all_done()

    async def __aenter__(self) -> "DoubleBarrier":
        await self.enter()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.leave()

    @property
    def _ready(self) -> str:
        return join(self.path, _READY)

    async def _enter_once(self) -> bool:
        """False when the session was lost on the way."""
        wake = Wake()
        try:
            is_ready = await insist(lambda: self._zk.exists(self._ready, watch=wake.note)) is not None
            own = self._own = await self._join()
            while not is_ready:
                wake.clear()
                present, is_ready = await self._look(wake)
                if own.name not in present:
                    return False
                if len(present) >= self.members:
                    await self._open()
                    return True
                if not is_ready:
                    await wake.wait()
            return True
        except SessionExpiredError:
            return False
        finally:
            self._zk.forget_watch(self._ready, wake.note)

    async def _join(self) -> OwnZNode:
        guid = new_guid(self._zk)
        path = join(self.path, guid)
        return await create_own(
            self._zk, self.path, guid, self._errands,
            lambda: self._zk.create2(path, self._data, acl=self._acl, ephemeral=True), self._acl,
        )  # fmt: skip

    async def _look(self, wake: Wake) -> tuple[list[str], bool]:
        """The members that are there, and whether they are in."""
        stat = await insist(lambda: self._zk.exists(self._ready, watch=wake.note))
        return await self._present(), stat is not None

    async def _present(self) -> list[str]:
        try:
            names = await insist(lambda: self._zk.children(self.path))
        except NoNodeError:
            return []
        return sorted(name for name in names if name != _READY)

    async def _open(self) -> None:
        with suppress(NodeExistsError):
            await insist(lambda: self._zk.create(self._ready, acl=self._acl))

    async def _leave_once(self) -> bool:
        """One step of leaving; True when nobody is left."""
        present = await persist(self._present)
        own = self._own.name if self._own is not None else None
        if not [name for name in present if name != own]:
            if self._own is not None:
                await self._errands.finish(delete_surely(self._zk, self._own.path, self._own.session_id, self._errands))
            self._own = None
            return True
        if present[0] != own:
            self._give_up()
        await self._wait_for(join(self.path, present[-1] if present[0] == own else present[0]))
        return False

    async def _wait_for(self, path: str) -> None:
        wake = Wake()
        try:
            await insist(lambda: self._zk.get(path, watch=wake.note))
            await wake.wait()
        except (NoNodeError, SessionExpiredError):
            pass
        finally:
            self._zk.forget_watch(path, wake.note)

    def _give_up(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            self._errands.begin(delete_surely(self._zk, own.path, own.session_id, self._errands))
