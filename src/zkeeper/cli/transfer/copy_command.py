"""`zkeeper copy`."""

import sys

import click

from zkeeper.cli.connecting import Connecting, connecting_options, servers_option
from zkeeper.cli.failures import ToolError, told_failures
from zkeeper.cli.places import TreePlace, read_place
from zkeeper.cli.running import run
from zkeeper.cli.transfer.progress import shown_progress
from zkeeper.cli.transfer.source import Source
from zkeeper.cli.transfer.target import Existing, Target
from zkeeper.cli.transfer.target_options import target_options


@click.command(short_help="Copy a subtree.")
@click.argument("source")
@click.argument("target")
@servers_option()
@connecting_options
@target_options
@click.option("--ephemerals", is_flag=True, help="Copy ephemerals, too; the copies are persistent.")
def command(
    source: str, target: str, servers: str, connecting: Connecting, no_acls: bool, existing: Existing,
    ephemerals: bool,
) -> None:  # fmt: skip
    """Copy the subtree SOURCE to TARGET: each is HOST:PORT,.../PATH, or /PATH on the servers of --server.

    It is no transaction: see docs/tools.md. Run again with --skip-existing, an interrupted copy goes on.
    """
    places = read_place(source, servers), read_place(target, servers)
    sys.exit(run(told_failures(_copy(connecting, *places, ephemerals, existing, not no_acls))))


async def _copy(
    connecting: Connecting, source: TreePlace, target: TreePlace, ephemerals: bool, existing: Existing, acls: bool
) -> int:
    if source.servers == target.servers and f"{target.path}/".startswith(f"{source.path.rstrip('/')}/"):
        raise ToolError(f"{target.path} lies in {source.path}: the copy would copy itself")
    async with connecting.session(source.servers) as there, connecting.session(target.servers) as here:
        reading = Source(there, source.path, ephemerals)
        writing = Target(here, target.path, existing, acls)
        with shown_progress("copy", await reading.expected()) as progress:
            await writing.take(reading.records(), lambda tally: progress(tally.znodes, tally.size_bytes))
    click.echo(writing.tally.text(), err=True)
    return 0
