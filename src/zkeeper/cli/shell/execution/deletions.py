"""`delete` and `deleteall`."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from zkeeper.cli.shell.execution.surroundings import CommandError, Surroundings, checked_path, number_of, version_of
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.walk import breadth_first
from zkeeper.errors import ZooKeeperError

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

DEFAULT_BATCH: Final = 1000
MAX_BATCHES_IN_FLIGHT: Final = 10
OLD_VERSION_FORM: Final = "'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead."


async def delete(surroundings: Surroundings, parsed: Parsed) -> None:
    version = version_of(parsed)
    if len(parsed.positional) > 1:
        surroundings.report.note(OLD_VERSION_FORM)
        version = number_of(parsed.positional[1], "-v must be followed by a version number", bits=32)
    await surroundings.zk.delete(checked_path(parsed.positional[0]), version)


async def delete_all(surroundings: Surroundings, parsed: Parsed) -> None:
    """Leaves first, in transactions of `-b` deletes; with `-b 0` one by one. Stops at the first failure."""
    batch = number_of(parsed.value("b") or str(DEFAULT_BATCH), "-b argument must be an int value")
    path = checked_path(parsed.positional[0])
    paths = await breadth_first(surroundings.zk, path)
    paths.reverse()
    try:
        if batch < 1:
            for one in paths:
                await surroundings.zk.delete(one)
        else:
            await _delete_in_batches(surroundings.zk, paths, batch)
    except ZooKeeperError as error:
        raise CommandError("Failed to delete some node(s) in the subtree!") from error


async def _delete_in_batches(zk: "AsyncClient", paths: Sequence[str], batch: int) -> None:
    stride = batch * MAX_BATCHES_IN_FLIGHT
    for start in range(0, len(paths), stride):
        several = paths[start : start + stride]
        batches = [several[at : at + batch] for at in range(0, len(several), batch)]
        answers = await asyncio.gather(*(_delete_at_once(zk, one) for one in batches), return_exceptions=True)
        for failure in filter(None, answers):
            raise failure


async def _delete_at_once(zk: "AsyncClient", paths: Sequence[str]) -> None:
    transaction = zk.transaction()
    for path in paths:
        transaction.delete(path)
    await transaction.commit()
