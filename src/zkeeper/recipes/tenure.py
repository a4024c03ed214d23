"""A znode of one's own, from its creation to its end, and what is held by it.

1. It watches its znode: when that is deleted, or the session ends, what is held by it is lost, and whoever waits wakes.
2. It ends once, by `leave`: the znode is then deleted for sure, in the background.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from zkeeper import AsyncClient, EventType, SessionState, Stat, WatchEvent, insist

from .held import OVER, Held
from .names import NotInQueueError
from .patience import GONE, Errands, Wake
from .znodes import OwnZNode, delete_surely


class Tenure:
    def __init__(self, zk: AsyncClient, errands: Errands) -> None:
        self.znode: OwnZNode | None = None
        self.held: Held | None = None
        self._zk = zk
        self._errands = errands
        self._wake = Wake()
        self._is_over = False
        self._forget_state = _nothing

    def begin(self, znode: OwnZNode) -> None:
        """To be called without a pause after the creation. `watch_own` comes next."""
        self.znode = znode
        self._is_over = self._zk.session_id != znode.session_id
        self._wake.clear()
        self._forget_state = self._zk.on_state(self._note_state)

    def watch_own(self) -> Awaitable[Stat | None]:
        """Asks for the own znode, and to be told when it goes."""
        assert self.znode is not None
        return self._zk.exists(self.znode.path, watch=self._note_own)

    def hold(self) -> Held:
        """What is held from now on, until it is lost or released. Raises `NotInQueueError` if it is lost already."""
        self.raise_if_over()
        assert self.znode is not None
        self.held = Held(self.znode, self._release)
        return self.held

    def raise_if_over(self) -> None:
        if self._is_over or self.znode is None:
            raise NotInQueueError

    # Leaving.

    def end(self) -> OwnZNode | None:
        """It is over, without a deletion. Returns the znode that is left; None if it was over before."""
        znode, self.znode = self.znode, None
        if znode is not None:
            self._forget_state()
            self._zk.forget_watch(znode.path, self._note_own)
            if self.held is not None:
                self.held.note_release()
        return znode

    def leave(self) -> "asyncio.Task[None] | None":
        """Gives everything up; the znode is deleted in the background. What was given up before is not again."""
        znode = self.end()
        if znode is None:
            return None
        return self._errands.begin(delete_surely(self._zk, znode.path, znode.session_id, self._errands))

    async def left(self) -> None:
        """As `leave`, and waits until the znode is gone. Cancelling the wait does not stop the deletion."""
        task = self.leave()
        if task is not None:
            await asyncio.shield(task)

    async def _release(self) -> None:
        await self.left()

    # Being told.

    def _note_own(self, event: WatchEvent) -> None:
        if event.type in (EventType.DELETED, EventType.NONE):
            self._lose()
        elif self.znode is not None:
            # Somebody has set its data. That has used up the watch.
            self._errands.begin(self._watch_again(self.znode))

    async def _watch_again(self, znode: OwnZNode) -> None:
        with suppress(*GONE):
            if await insist(self.watch_own) is None and self.znode is znode:
                self._lose()

    def _note_state(self, state: SessionState) -> None:
        if state in OVER:
            self._lose()

    def _lose(self) -> None:
        self._is_over = True
        if self.held is not None:
            self.held.lose()
        self._wake.set()


def _nothing() -> None:
    """Nothing is to be forgotten before something was begun."""
