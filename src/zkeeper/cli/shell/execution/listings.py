"""`ls`, `getEphemerals`, `getAllChildrenNumber`."""

from zkeeper.cli.shell.execution.surroundings import Surroundings, checked_path, wants_watch
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.shell.results import Count, Names, Path, StatOf
from zkeeper.cli.walk import listing


async def list_children(surroundings: Surroundings, parsed: Parsed) -> None:
    watch = surroundings.watch if wants_watch(surroundings, "ls", "[-w]", parsed) else None
    path = checked_path(parsed.positional[0])
    if parsed.has("R"):
        async for one in listing(surroundings.zk, path):
            surroundings.report.show(Path(one))
        return
    found = await surroundings.zk.children2(path, watch=watch)
    surroundings.report.show(Names(sorted(found.names)))
    if parsed.has("s"):
        surroundings.report.show(StatOf(found.stat))


async def list_ephemerals(surroundings: Surroundings, parsed: Parsed) -> None:
    prefix = checked_path(parsed.positional[0]) if parsed.positional else "/"
    surroundings.report.show(Names(sorted(await surroundings.zk.ephemerals(prefix))))


async def count_descendants(surroundings: Surroundings, parsed: Parsed) -> None:
    path = checked_path(parsed.positional[0])
    surroundings.report.show(Count(await surroundings.zk.descendant_count(path)))
