"""`zkeeper bench`."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from zkeeper.cli.bench.load import Measured, Plan, run_load
from zkeeper.cli.bench.outcome import outcome_table, outcome_values
from zkeeper.cli.connecting import Connecting, connecting_options, servers_option
from zkeeper.cli.failures import EXIT_FAILED, told_failures
from zkeeper.cli.running import run
from zkeeper.wire.jute import MAX_BUFFER_BYTES

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

ROOT_PREFIX: Final = "/zkeeper-bench-"
MAX_CREATES_IN_FLIGHT: Final = 256
MAX_SIZE_BYTES: Final = MAX_BUFFER_BYTES - 127
"""Beside the data a request has its header, a path below `ROOT_PREFIX` and an ACL."""


class Run(NamedTuple):
    servers: str
    connecting: Connecting
    plan: Plan
    connections: int
    znodes: int
    is_json: bool


@click.command(short_help="Put load on servers and measure.")
@servers_option()
@connecting_options
@click.option("--connections", type=click.IntRange(min=1), default=4, show_default=True, help="Sessions.")
@click.option(
    "--in-flight",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Requests that each session keeps on their way.",
)
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long.",
)
@click.option(
    "--reads",
    "reads_percent",
    type=click.IntRange(0, 100),
    default=90,
    show_default=True,
    metavar="PERCENT",
    help="Share of reads; the rest sets data.",
)
@click.option(
    "--size",
    "size_bytes",
    type=int,
    callback=lambda context, option, size_bytes: _checked_size(size_bytes),
    default=100,
    show_default=True,
    metavar="BYTES",
    help=f"Data of each znode, at most {MAX_SIZE_BYTES}.",
)
@click.option("--znodes", type=click.IntRange(min=1), default=1000, show_default=True, help="Znodes to read and set.")
@click.option("--json", "is_json", is_flag=True, help="JSON for programs.")
def command(
    servers: str, connecting: Connecting, connections: int,
    in_flight: int, duration_s: float, reads_percent: int, size_bytes: int, znodes: int, is_json: bool,
) -> None:  # fmt: skip
    """Put load on servers and tell requests per second and latencies.

    The znodes are made below one of their own, and deleted at the end. Exit code 1 if any request failed. The
    generator is one Python process and may be what limits a fast server; then run several.
    """
    plan = Plan(in_flight, duration_s, reads_percent, size_bytes)
    sys.exit(run(told_failures(_bench(Run(servers, connecting, plan, connections, znodes, is_json)))))


def _checked_size(size_bytes: int) -> int:
    if 0 <= size_bytes <= MAX_SIZE_BYTES:
        return size_bytes
    limit = f"{MAX_BUFFER_BYTES} bytes is the longest request that servers take (jute.maxbuffer)"
    raise click.BadParameter(f"{size_bytes} is not between 0 and {MAX_SIZE_BYTES}: {limit}")


async def _bench(wanted: Run) -> int:
    chance = Random()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(wanted.connecting.session(wanted.servers))
            for _ in range(wanted.connections)
        ]
        root = f"{ROOT_PREFIX}{chance.getrandbits(32):08x}"
        async with _znodes(clients[0], root, wanted.znodes, chance.randbytes(wanted.plan.size_bytes)) as paths:
            with _progress(wanted) as progress:
                measured = await run_load(clients, paths, wanted.plan, chance, progress)
    _tell(measured, wanted.is_json)
    return EXIT_FAILED if measured.errors else 0


@asynccontextmanager
async def _znodes(zk: "AsyncClient", root: str, number: int, value: bytes) -> AsyncIterator[list[str]]:
    from asyncio import gather

    paths = [f"{root}/{at}" for at in range(number)]
    try:
        await zk.create(root)
        for start in range(0, number, MAX_CREATES_IN_FLIGHT):
            await gather(*(zk.create(path, value) for path in paths[start : start + MAX_CREATES_IN_FLIGHT]))
        yield paths
    finally:
        await zk.delete_tree(root)


@contextmanager
def _progress(wanted: Run) -> Iterator[Callable[[float, int], None]]:
    """A bar on the error stream, if that is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from zkeeper.cli.console import make_console

    console = make_console(is_error_stream=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("load", total=wanted.plan.duration_s, rate="")

        def tell(seconds: float, done: int) -> None:
            bar.update(task, completed=seconds, rate=f"{done / seconds:,.0f}/s" if seconds else "")

        yield tell


def _tell(measured: Measured, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps(outcome_values(measured)))
        return
    from zkeeper.cli.console import make_console

    make_console().print(outcome_table(measured))
    click.echo(f"{measured.done / measured.seconds:,.0f} requests/s in {measured.seconds:.1f} s")
    for name, count in measured.errors.items():
        click.echo(f"{count:,} requests failed with {name}", err=True)
