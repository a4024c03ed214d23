"""`zkeeper export`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import click

from zkeeper.cli.connecting import Connecting, connecting_options, servers_option
from zkeeper.cli.failures import told_failures
from zkeeper.cli.places import TreePlace, read_place
from zkeeper.cli.running import run
from zkeeper.cli.streams import speak_utf8
from zkeeper.cli.transfer.export_format import head_text, record_text, tail_text
from zkeeper.cli.transfer.progress import shown_progress
from zkeeper.cli.transfer.source import Source


@click.command(short_help="Write a subtree to a file.")
@click.argument("source")
@click.argument("file", default="-")
@servers_option()
@connecting_options
@click.option("--ephemerals", is_flag=True, help="Export ephemerals, too, marked as such.")
def command(
    source: str, file: str, servers: str, connecting: Connecting, ephemerals: bool,
) -> None:  # fmt: skip
    """Write the subtree SOURCE to FILE as JSON, one znode a line. Without FILE, to standard output.

    SOURCE is HOST:PORT,.../PATH, or /PATH on the servers of --server. FILE appears when all of it is written.
    """
    sys.exit(run(told_failures(_export(connecting, read_place(source, servers), file, ephemerals))))


async def _export(connecting: Connecting, place: TreePlace, file: str, ephemerals: bool) -> int:
    znodes = size_bytes = 0
    async with connecting.session(place.servers) as zk:
        source = Source(zk, place.path, ephemerals)
        with shown_progress("export", await source.expected()) as progress, _whole_file(file) as out:
            out.write(head_text(place.path))
            async for record in source.records():
                out.write(record_text(record, is_first=not znodes))
                znodes += 1
                size_bytes += len(record.data or b"")
                progress(znodes, size_bytes)
            out.write(tail_text(znodes))
    click.echo(f"{znodes:,} znodes exported from {place}", err=True)
    return 0


@contextmanager
def _whole_file(path: str) -> Iterator[TextIO]:
    """A file under another name that gets its own when the block ends well; standard output for `-`."""
    if path == "-":
        speak_utf8()
        yield sys.stdout
        sys.stdout.flush()
        return
    part = f"{path}.part"
    try:
        with open(part, "w", encoding="utf-8") as out:
            yield out
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(part)
        raise
