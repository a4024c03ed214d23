"""`zkeeper tree`."""

import json
import sys
from collections.abc import Callable
from typing import Final

import click

from zkeeper.cli.connecting import Connecting, connecting_options, servers_option
from zkeeper.cli.failures import told_failures
from zkeeper.cli.places import TreePlace, read_place
from zkeeper.cli.running import run
from zkeeper.cli.shell.stat_texts import stat_values
from zkeeper.cli.streams import speak_utf8
from zkeeper.cli.tree.lines import Totals, line_of
from zkeeper.cli.tree.nodes import Bounds, Node, Rest, read_tree

DEFAULT_MAX_CHILDREN: Final = 100


@click.command(short_help="Show a subtree with sizes.")
@click.argument("place", default="/", metavar="[PLACE]")
@servers_option()
@connecting_options
@click.option(
    "-d",
    "--depth",
    type=click.IntRange(min=0),
    default=0,
    metavar="LEVELS",
    help="Levels below PLACE to show; all if not given.",
)
@click.option(
    "--max-children",
    type=click.IntRange(min=0),
    default=DEFAULT_MAX_CHILDREN,
    show_default=True,
    metavar="NUMBER",
    help="Children of one znode to show; 0 for all.",
)
@click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="JSON for programs: one object on one line for each znode; shows all children.",
)
def command(
    place: str, servers: str, connecting: Connecting,
    depth: int, max_children: int, is_json: bool,
) -> None:  # fmt: skip
    """Show the subtree PLACE: sizes of data, ephemerals and their sessions, and totals.

    PLACE is HOST:PORT,.../PATH, or /PATH on the servers of --server; / if not given.
    """
    bounds = Bounds(depth, 0 if is_json else max_children)
    sys.exit(run(told_failures(_show(connecting, read_place(place, servers), bounds, is_json))))


async def _show(connecting: Connecting, place: TreePlace, bounds: Bounds, is_json: bool) -> int:
    async with connecting.session(place.servers) as zk:
        totals = Totals()
        printer = _printer_for_programs() if is_json else _printer_for_people()
        async for one in read_tree(zk, place.path, bounds):
            printer(one)
            if isinstance(one, Node):
                totals.add(one)
    if not is_json:
        click.echo(f"\n{totals.text()}")
    return 0


def _printer_for_programs() -> Callable[[Node | Rest], None]:
    speak_utf8()
    return _print_json


def _print_json(one: Node | Rest) -> None:
    assert isinstance(one, Node), "JSON leaves no children out"
    stat = None if one.stat is None else stat_values(one.stat)
    click.echo(json.dumps({"path": one.path, "stat": stat}, ensure_ascii=False))


def _printer_for_people() -> Callable[[Node | Rest], None]:
    from rich.text import Text

    from zkeeper.cli.console import make_console

    console = make_console()
    return lambda one: console.print(Text.assemble(*line_of(one)), soft_wrap=True)
