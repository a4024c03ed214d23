"""A znode that is there as long as its maker is.

1. It is created again when it was deleted, or when it went with its session.
2. A znode of that path which another session owns is waited for, not taken; one's own of an earlier session is deleted.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from zkeeper import OPEN_ACL, Acl, AsyncClient, NodeData, SessionState, insist, settle
from zkeeper.arguments import data as checked_data
from zkeeper.arguments import limit
from zkeeper.errors import (
    PASSING,
    AuthFailedError,
    BadVersionError,
    ClosedError,
    NodeExistsError,
    NoNodeError,
    SessionExpiredError,
)

from .held import OVER
from .patience import PAUSE_S, Wake
from .running import Running
from .znodes import ensure_container, sweep_up

_OTHERS_WERE_QUICKER = (NodeExistsError, NoNodeError, BadVersionError)
"""It has come, gone or changed since it was looked at."""


class PersistentNode(Running):
    """Keeps a znode with the given data, by default an ephemeral.

        async with PersistentNode(zk, "/workers/host-1", b"10.0.0.1") as node:
            await node.present(timeout_s=5.0)

    Promises: whenever there is a connection, the znode comes to exist with the data last given, until `close`, which
    deletes it (an ephemeral one; another one stays). It does not exist between the end of a session and the beginning
    of the next. Data that others set stays, until the znode is made anew. If a znode of that path is not an ephemeral,
    or belongs to somebody else, it is left alone until it goes.

    On the wire it is Curator's `PersistentNode` without protection.
    """

    def __init__(
        self, zk: AsyncClient, path: str, data: bytes = b"", *, ephemeral: bool = True, acl: Sequence[Acl] = OPEN_ACL
    ) -> None:
        super().__init__(zk, path)
        self.path = path
        self._data = checked_data(data)
        self._is_ephemeral = ephemeral
        self._acl = acl
        self._session_id: int | None = None
        self._former_sessions: set[int] = set()
        self._is_present = False
        self._wake = Wake()

    @property
    def is_present(self) -> bool:
        """Whether it exists, as far as is known."""
        return self._is_present

    async def present(self, timeout_s: float | None = None) -> None:
        """Waits until it exists. Raises `TimeoutError`, and what keeps it from being created."""
        async with limit(timeout_s):
            async for _ in self._turns():
                if self._is_present:
                    return

    async def set_data(self, data: bytes) -> None:
        """Sets the data, now and whenever it is made anew. Returns when it is set, or will be at the next making."""
        self._data = checked_data(data)
        if self._is_present:
            try:
                await insist(lambda: self._zk.set(self.path, data))
            except (NoNodeError, SessionExpiredError):
                self._wake.set()

    async def _run(self) -> None:
        stop_listening = self._zk.on_state(self._note_state)
        try:
            while True:
                self._wake.clear()
                await self._keep_once()
        finally:
            stop_listening()
            self._zk.forget_watch(self.path, self._wake.note)
            self._is_present = False
            if self._is_ephemeral:
                self._errands.begin(self._remove())

    async def _keep_once(self) -> None:
        """Makes it if it is missing, or waits until something happens to it."""
        try:
            node = await self._look()
            if node is None:
                self._set_present(False)
                await self._create()
            else:
                self._set_present(await self._is_own(node))
                await self._wake.wait()
        except (*PASSING, SessionExpiredError, *_OTHERS_WERE_QUICKER):
            await asyncio.sleep(PAUSE_S)

    async def _look(self) -> NodeData | None:
        """With a watch on it if it is there. Reading leaves no watch on one that is not."""
        try:
            return await self._zk.get(self.path, watch=self._wake.note)
        except NoNodeError:
            return None

    async def _create(self) -> None:
        # The next look tells whether the one that is there is of this session, whatever becomes of this request.
        self._note_session()
        try:
            await self._zk.create(self.path, self._data, acl=self._acl, ephemeral=self._is_ephemeral)
        except NoNodeError:
            await ensure_container(self._zk, self.path.rpartition("/")[0], self._acl)

    async def _is_own(self, node: NodeData) -> bool:
        """Whether it is to be kept; then it gets its data. Deletes one that is left of an earlier session of ours."""
        self._note_session()
        owner = node.stat.ephemeral_owner
        if owner in self._former_sessions:
            await self._zk.delete(self.path, node.stat.version)
            return False
        if owner != (self._session_id if self._is_ephemeral else 0):
            return False
        if not self._is_present and node.data != self._data:
            await self._zk.set(self.path, self._data)
        return True

    def _note_session(self) -> None:
        if self._zk.session_id != self._session_id:
            if self._session_id is not None:
                self._former_sessions.add(self._session_id)
            self._session_id = self._zk.session_id

    def _set_present(self, is_present: bool) -> None:
        if is_present is not self._is_present:
            self._is_present = is_present
            self._changed.notify()

    def _note_state(self, state: SessionState) -> None:
        if state in OVER:
            self._set_present(False)
            self._wake.set()

    async def _remove(self) -> None:
        """Deletes it if it is ours; what is left of a session that is over, in the background."""
        self._note_session()
        try:
            if self._zk.session_id == 0:
                raise SessionExpiredError
            await insist(self._remove_once)
        except (ClosedError, AuthFailedError):
            return
        except SessionExpiredError:
            for session_id in self._former_sessions | {self._session_id or 0}:
                self._errands.sweep(sweep_up(self._zk, self.path, session_id))

    async def _remove_once(self) -> None:
        # Its creation may be on its way still, and has to come first.
        await settle(self._zk, self.path.rpartition("/")[0])
        stat = await self._zk.exists(self.path)
        if stat is not None and stat.ephemeral_owner in self._former_sessions | {self._session_id}:
            with suppress(NoNodeError):
                await self._zk.delete(self.path)
