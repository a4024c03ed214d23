"""Creates what records say, many requests in flight, in the order of the records.

1. One connection keeps its order, so a parent is there when its child is created, without waiting for the answer.
2. What exists already is an error, is skipped, or is overwritten (data and ACL); the root of the subtree may exist in
   any case and is changed only by overwriting.
3. After an error nothing new is sent. What was created stays; running again and skipping what exists completes it.
4. All znodes are made persistent: a session of a copying tool would take its ephemerals along.
"""

import asyncio
import enum
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

import click

from zkeeper.cli.failures import ToolError
from zkeeper.cli.transfer.records import ROOT, Record
from zkeeper.errors import NodeExistsError
from zkeeper.values import OPEN_ACL, Acl

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

MAX_CREATES_IN_FLIGHT: Final = 128
END_PATIENCE_S: Final = 3.0


class Existing(enum.Enum):
    """What to do about a znode that exists."""

    FAIL = "fail"
    SKIP = "skip"
    OVERWRITE = "overwrite"


class Tally:
    """What was done so far."""

    def __init__(self) -> None:
        self.created = 0
        self.skipped = 0
        self.overwritten = 0
        self.size_bytes = 0

    @property
    def znodes(self) -> int:
        return self.created + self.skipped + self.overwritten

    def text(self) -> str:
        parts = {"created": self.created, "overwritten": self.overwritten, "left as they are": self.skipped}
        told = ", ".join(f"{number:,} {what}" for what, number in parts.items() if number)
        return f"{self.znodes:,} {'znode' if self.znodes == 1 else 'znodes'}: {told or 'none'}"


class Target:
    """The subtree of `root`, into which records go."""

    def __init__(self, zk: "AsyncClient", root: str, existing: Existing, keeps_acls: bool) -> None:
        self.tally = Tally()
        self._zk = zk
        self._root = root
        self._existing = existing
        self._keeps_acls = keeps_acls

    async def take(self, records: AsyncIterator[Record], progress: Callable[[Tally], None]) -> None:
        """Creates them all. Raises `ToolError` for the first that exists where it must not, and server's errors.

        Whatever ends it, Ctrl-C too, what was done so far is told.
        """
        await self._ensure_parent()
        pending: deque[tuple[Record, asyncio.Future[str]]] = deque()
        try:
            async for record in records:
                pending.append((record, self._create(record)))
                if len(pending) >= MAX_CREATES_IN_FLIGHT:
                    await self._settle(*pending.popleft())
                    progress(self.tally)
            while pending:
                await self._settle(*pending.popleft())
            progress(self.tally)
        except BaseException:
            await self._count_the_rest([request for _, request in pending])
            click.echo(f"Stopped after {self.tally.text()}", err=True)
            raise

    async def _count_the_rest(self, requests: "list[asyncio.Future[str]]") -> None:
        """What was sent already may be done yet; a server that is away is not waited for."""
        if requests:
            done, _ = await asyncio.wait(requests, timeout=END_PATIENCE_S)
            self.tally.created += sum(not one.cancelled() and one.exception() is None for one in done)

    async def _ensure_parent(self) -> None:
        parent = self._root.rpartition("/")[0]
        if parent:
            await self._zk.ensure_path(parent)

    def _create(self, record: Record) -> "asyncio.Future[str]":
        return self._zk.create(self._path_of(record), record.data, acl=self._acl_of(record))

    def _path_of(self, record: Record) -> str:
        if record.path == ROOT:
            return self._root
        return record.path if self._root == ROOT else self._root + record.path

    def _acl_of(self, record: Record) -> tuple[Acl, ...]:
        return record.acl if self._keeps_acls else OPEN_ACL

    async def _settle(self, record: Record, request: "asyncio.Future[str]") -> None:
        try:
            await request
        except NodeExistsError:
            await self._settle_existing(record)
        else:
            self.tally.created += 1
        self.tally.size_bytes += len(record.data or b"")

    async def _settle_existing(self, record: Record) -> None:
        if self._existing is Existing.OVERWRITE:
            path = self._path_of(record)
            requests = [self._zk.set(path, record.data)]
            if self._keeps_acls:
                requests.append(self._zk.set_acl(path, record.acl))
            await asyncio.gather(*requests)
            self.tally.overwritten += 1
        elif self._existing is Existing.SKIP or record.path == ROOT:
            self.tally.skipped += 1
        else:
            raise ToolError(
                f"{self._path_of(record)} exists already; run again with --skip-existing or --overwrite to go on"
            )
