"""`config` and `reconfig`."""

from typing import Final

from zkeeper.cli.shell.commands import COMMANDS, UsageError, usage_text
from zkeeper.cli.shell.execution.surroundings import CommandError, Surroundings, number_of
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.shell.results import ClientAddresses, Configuration, StatOf

_SERVER: Final = "server."
_MEMBERSHIP: Final = (_SERVER, "group.", "weight.")
_MIXED: Final = (
    "Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not "
    "allowed)"
)
_TWO_LISTS: Final = "Can't use -file and -members together (conflicting non-incremental modes)"


async def config(surroundings: Surroundings, parsed: Parsed) -> None:
    node = await surroundings.zk.config(watch=surroundings.watch if parsed.has("w") else None)
    text = node.data.decode(errors="replace")
    surroundings.report.show(client_addresses(text) if parsed.has("c") else Configuration(text))
    if parsed.has("s"):
        surroundings.report.show(StatOf(node.stat))


def client_addresses(text: str) -> ClientAddresses:
    """Where clients connect. A client port without a host belongs to the host of its server."""
    version = ""
    addresses = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "version":
            version = value
        elif key.startswith(_SERVER) and ";" in value:
            server, _, client = value.partition(";")
            addresses.append(client if ":" in client else f"{server.partition(':')[0]}:{client}")
    return ClientAddresses(version, addresses)


async def reconfig(surroundings: Surroundings, parsed: Parsed) -> None:
    joining, leaving = _items(parsed.value("add")), _items(parsed.value("remove"))
    members = _members(surroundings, parsed)
    if members is None and not joining and not leaving:
        raise UsageError(usage_text(COMMANDS["reconfig"]))
    if members is not None and (joining or leaving):
        raise CommandError(_MIXED)
    version = number_of(parsed.value("v") or "-1", "-v must be followed by a long (configuration version)", 16)
    node = await surroundings.zk.reconfig(joining=joining, leaving=leaving, members=members, version=version)
    surroundings.report.show(Configuration(node.data.decode(errors="replace"), is_new=True))
    if parsed.has("s"):
        surroundings.report.show(StatOf(node.stat))


def _items(text: str | None) -> list[str]:
    return [item for item in (text or "").lower().split(",") if item]


def _members(surroundings: Surroundings, parsed: Parsed) -> list[str] | None:
    path, listed = parsed.value("file"), parsed.value("members")
    if path is not None and listed is not None:
        raise CommandError(_TWO_LISTS)
    if path is None:
        return None if listed is None else _items(listed)
    try:
        text = surroundings.read_file(path)
    except OSError as error:
        raise CommandError(f"Error processing {path}{path} ({error.strerror})") from None
    return [line.strip().lower() for line in text.splitlines() if line.strip().startswith(_MEMBERSHIP)]
