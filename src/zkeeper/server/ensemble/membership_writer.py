"""Memberships become durable away from the loop, in the order in which they changed.

1. All of it goes through the lane of the transaction log. So a membership that was proposed is durable before the
   transaction that proposes it is in the log, which is submitted later (storage, section 13).
2. Whoever must not go on before that, without a sync of the log, waits for `settled`.
3. After the first failure, which `on_failure` is told, nothing may be acknowledged any more.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from zkeeper.errors import StorageError
from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import MembershipFiles
from zkeeper.storage.disk import Disk
from zkeeper.storage.log_writer import LANE


class MembershipWriter:
    """A `MembershipFiles` that returns at once; `files` does the work."""

    def __init__(self, disk: Disk, files: MembershipFiles, on_failure: Callable[[StorageError], None]) -> None:
        self._disk = disk
        self._files = files
        self._on_failure = on_failure
        self._last: asyncio.Future[None] | None = None
        self._failure: StorageError | None = None

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
        error = None if done.cancelled() else done.exception()
        if error is None or self._failure is not None:
            return
        self._failure = error if isinstance(error, StorageError) else StorageError(f"the members: {error!r}")
        self._on_failure(self._failure)
