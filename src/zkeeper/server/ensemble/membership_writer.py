"""Memberships become durable away from the loop, in the order in which they changed.

Whoever must not go on before that (an acknowledgement of a reconfig, for one) waits for `settled`.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import MembershipFiles
from zkeeper.storage.disk import Disk

LANE: Final = "membership"


class MembershipWriter:
    """A `MembershipFiles` that returns at once; `files` does the work."""

    def __init__(self, disk: Disk, files: MembershipFiles) -> None:
        self._disk = disk
        self._files = files
        self._last: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None

    def write_next(self, membership: Membership) -> None:
        self._submit(partial(self._files.write_next, membership))

    def activate(self, membership: Membership) -> None:
        self._submit(partial(self._files.activate, membership))

    def remove_next(self) -> None:
        self._submit(self._files.remove_next)

    async def settled(self) -> None:
        """Returns once all that changed before is durable. Raises the first failure there was, a `StorageError`."""
        if self._last is not None:
            await asyncio.wait([self._last])
        if self._failure is not None:
            raise self._failure

    def _submit(self, job: Callable[[], None]) -> None:
        self._last = self._disk.submit(LANE, job)
        self._last.add_done_callback(self._note)

    def _note(self, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and self._failure is None:
            self._failure = done.exception()
