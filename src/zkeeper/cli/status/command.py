"""`zkeeper status`."""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from zkeeper.cli.connecting import DEFAULT_SERVERS, tls_options
from zkeeper.cli.failures import told_failures
from zkeeper.cli.running import run
from zkeeper.cli.status.srvr import Health, Status, behind, exit_code, roles_text

if TYPE_CHECKING:
    from ssl import SSLContext

    from rich.table import Table

    from zkeeper.cli.status.asking import Answer

DEFAULT_TIMEOUT_MS: Final = 5000
_COLOURS: Final = {Health.SERVING: "green", Health.READ_ONLY: "yellow"}


@click.command(short_help="Ask servers how they are.")
@click.argument("servers", nargs=-1, metavar="[HOST:PORT,...]...")
@click.option("--timeout", "timeout_ms", type=click.IntRange(min=1), default=DEFAULT_TIMEOUT_MS, show_default=True,
              metavar="MS", help="How long to wait for each server.")  # fmt: skip
@tls_options
@click.option("--json", "is_json", is_flag=True, help="JSON for programs: one object on one line for each server.")
@click.option("--word", metavar="WORD", callback=lambda _context, _option, word: _checked(word),
              help="Ask this four-letter word instead and print the answers.")  # fmt: skip
def command(
    servers: tuple[str, ...], timeout_ms: int, tls: "SSLContext | None", is_json: bool, word: str | None
) -> None:
    """Ask SERVERS how they are, by the four-letter word srvr.

    Exit code: 0 if all of them serve, 1 if some do, 2 if none does. With --word: 0 if all answer the word, 1 if some
    do, 2 if none does.
    """
    places = _places(servers or (DEFAULT_SERVERS,))
    if word is not None:
        sys.exit(run(told_failures(_print_answers(places, word, timeout_ms / 1000, tls, is_json))))
    sys.exit(run(told_failures(_print_status(places, timeout_ms / 1000, tls, is_json))))


def _checked(word: str | None) -> str | None:
    if word is not None and len(word) != 4:
        raise click.BadParameter(f"{word!r} has not four letters")
    return word


def _places(servers: Sequence[str]) -> list[tuple[str, int]]:
    from zkeeper.client.hosts import parse_connect_string
    from zkeeper.errors import BadArgumentsError

    try:
        hosts, _ = parse_connect_string(",".join(servers))
    except BadArgumentsError as error:
        raise click.BadParameter(str(error)) from None
    return [(host, port) for host, port in hosts]


async def _print_status(
    places: Sequence[tuple[str, int]], timeout_s: float, tls: "SSLContext | None", is_json: bool
) -> int:
    from zkeeper.cli.console import make_console
    from zkeeper.cli.status.asking import status_of

    statuses = await asyncio.gather(*(status_of(host, port, timeout_s, tls) for host, port in places))
    if is_json:
        for status in statuses:
            click.echo(json.dumps(_values(status)))
    else:
        console = make_console()
        console.print(_table(statuses))
        roles = roles_text(statuses)
        if roles is not None:
            console.print(f"  {roles}\n")
    return exit_code(statuses)


def _values(status: Status) -> dict[str, object]:
    zxid = None if status.zxid is None else hex(status.zxid)
    return {**status._asdict(), "health": status.health.value, "zxid": zxid}


def _table(statuses: Sequence[Status]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("server", "health", "mode", "version", "zxid"):
        table.add_column(name, no_wrap=True)
    for name in ("behind", "clients", "waiting", "znodes", "latency avg/max ms"):
        table.add_column(name, justify="right")
    distances = behind(statuses)
    for status in statuses:
        health = Text(status.health.value, _COLOURS.get(status.health, "bold red"))
        if status.reason is not None:
            health.append(f": {status.reason}", "red")
        table.add_row(status.server, health, *_cells(status, distances[status.server]))
    return table


def _cells(status: Status, distance: int | None) -> list[str]:
    latency = "" if status.latency_avg_ms is None else f"{status.latency_avg_ms:.1f} / {status.latency_max_ms:.0f}"
    zxid = None if status.zxid is None else hex(status.zxid)
    cells = (status.mode, status.version, zxid, distance, status.connections, status.outstanding, status.nodes, latency)
    return ["" if cell is None else str(cell) for cell in cells]


async def _print_answers(
    places: Sequence[tuple[str, int]], word: str, timeout_s: float, tls: "SSLContext | None", is_json: bool
) -> int:
    from zkeeper.cli.status.asking import word_of

    answers = await asyncio.gather(*(word_of(host, port, word, timeout_s, tls) for host, port in places))
    for one in answers:
        if is_json:
            click.echo(json.dumps(one._asdict()))
        else:
            _print_answer(one, has_head=len(places) > 1)
    failures = sum(one.error is not None for one in answers)
    return 0 if not failures else 2 if failures == len(answers) else 1


def _print_answer(one: "Answer", has_head: bool) -> None:
    if one.error is not None:
        click.echo(f"{one.server}: {one.error}" if has_head else one.error, err=True)
        return
    if has_head:
        click.echo(one.server)
    if one.answer:
        click.echo(one.answer.rstrip("\n"))
    else:
        click.echo("the answer is empty", err=True)
