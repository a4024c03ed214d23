"""`zkeeper import`."""

import sys
from contextlib import ExitStack

import click

from zkeeper.cli.connecting import Connecting, connecting_options, servers_option
from zkeeper.cli.failures import ToolError, told_failures
from zkeeper.cli.places import TreePlace, read_place
from zkeeper.cli.running import run
from zkeeper.cli.streams import open_reader
from zkeeper.cli.transfer.export_format import read_export
from zkeeper.cli.transfer.progress import shown_progress
from zkeeper.cli.transfer.records import RecordError
from zkeeper.cli.transfer.target import Existing, Target
from zkeeper.cli.transfer.target_options import target_options


@click.command(short_help="Create a subtree from a file.")
@click.argument("file")
@click.argument("target")
@servers_option()
@connecting_options
@target_options
def command(
    file: str, target: str, servers: str, connecting: Connecting, no_acls: bool, existing: Existing,
) -> None:  # fmt: skip
    """Create what FILE holds (- for standard input) as the subtree TARGET.

    TARGET is HOST:PORT,.../PATH, or /PATH on the servers of --server. It is no transaction: see docs/tools.md.
    Run again with --skip-existing, an interrupted import goes on.
    """
    place = read_place(target, servers)
    sys.exit(run(told_failures(_import(connecting, file, place, existing, not no_acls))))


async def _import(connecting: Connecting, file: str, place: TreePlace, existing: Existing, acls: bool) -> int:
    with ExitStack() as files:
        stream = sys.stdin if file == "-" else files.enter_context(open(file, encoding="utf-8"))
        async with connecting.session(place.servers) as zk:
            target = Target(zk, place.path, existing, acls)
            with shown_progress("import", None) as progress:
                try:
                    records = read_export(await open_reader(stream))
                    await target.take(records, lambda tally: progress(tally.znodes, tally.size_bytes))
                except RecordError as error:
                    raise ToolError(f"{file} cannot be imported: {error}") from None
    click.echo(f"{target.tally.text()} in {place}", err=True)
    return 0
