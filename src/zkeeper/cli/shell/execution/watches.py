"""`addWatch` and `removewatches`."""

from typing import Final

from zkeeper.cli.shell.commands import COMMANDS, MODES, UsageError, usage_text
from zkeeper.cli.shell.execution.surroundings import Surroundings, checked_path
from zkeeper.cli.shell.options import Parsed
from zkeeper.values import RemoveWatches

_KINDS: Final = {
    "c": RemoveWatches.CHILDREN,
    "d": RemoveWatches.DATA,
    "p": RemoveWatches.PERSISTENT,
    "r": RemoveWatches.PERSISTENT_RECURSIVE,
}


async def add_watch(surroundings: Surroundings, parsed: Parsed) -> None:
    mode = (parsed.value("m") or MODES[1]).upper()
    if mode not in MODES:
        raise UsageError(usage_text(COMMANDS["addWatch"]))
    watch = surroundings.zk.watch(checked_path(parsed.positional[0]), recursive=mode == MODES[1])
    watch.add_callback(surroundings.watch)
    await watch.start()


async def remove_watches(surroundings: Surroundings, parsed: Parsed) -> None:
    path = checked_path(parsed.positional[0])
    kind = next((kind for name, kind in _KINDS.items() if parsed.has(name)), RemoveWatches.ANY)
    await surroundings.zk.remove_watches(path, kind, local=parsed.has("l"))
