"""`zkeeper ensemble`."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from zkeeper.cli.ensemble.display import Display, make_display
from zkeeper.cli.ensemble.looking import Look, look_at
from zkeeper.cli.ensemble.members import Member, stop_all
from zkeeper.cli.ensemble.ports import check_ports
from zkeeper.cli.failures import ToolError
from zkeeper.cli.running import run
from zkeeper.server.config import ConfigError, load
from zkeeper.server.config.local_ensemble import LocalPorts, LocalServer, make_local_ensemble
from zkeeper.storage.disk import Disk
from zkeeper.storage.real_disk import RealDisk
from zkeeper.storage.whole_files import read_file

REFRESH_S: Final = 0.5
EXIT_FAILED: Final = 1


@click.command(short_help="Run an ensemble on this machine, for development.")
@click.option("-n", "--servers", "voters", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
              help="How many servers vote.")  # fmt: skip
@click.option("--observers", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="How many servers there are beside them that do not vote.")  # fmt: skip
@click.option("--dir", "folder", type=click.Path(file_okay=False), metavar="DIR",
              help="Where configurations, data and logs are, and stay; a temporary folder without it.")  # fmt: skip
@click.option("--base-port", type=click.IntRange(1, 65535), default=2181, show_default=True, metavar="PORT",
              help="The first server's client port. The others follow, then the ports between servers.")  # fmt: skip
def command(voters: int, observers: int, folder: str | None, base_port: int) -> None:
    """Start an ensemble on 127.0.0.1, each server a process, and show its state until Ctrl-C.

    A DIR that has an ensemble is started again as it is there. A server that ends, or is killed, is shown as ended,
    and the others go on. Ctrl-C stops all. Exit code: 0, or 1 if a server has ended before.
    """
    count = voters + observers
    ports = LocalPorts(base_port, base_port + count, base_port + 2 * count)
    try:
        with _place(folder) as place:
            members = _make_members(place, count, ports, observers)
            check_ports(members)
            sys.exit(run(_run(members, place)))
    except ToolError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)


@contextmanager
def _place(folder: str | None) -> Iterator[str]:
    """`folder`, or a temporary one that is removed unless servers ran and something went wrong: then their logs are
    wanted."""
    if folder is not None:
        yield folder
        return
    temporary = tempfile.mkdtemp(prefix="zkeeper-ensemble-")
    is_wanted = False
    try:
        yield temporary
    except SystemExit as end:
        is_wanted = end.code != 0
        raise
    finally:
        if not is_wanted:
            shutil.rmtree(temporary, ignore_errors=True)


def _make_members(folder: str, count: int, ports: LocalPorts, observers: int) -> list[Member]:
    disk = RealDisk()
    try:
        servers = make_local_ensemble(disk, folder, count, ports, observers)
        return [_member(disk, server) for server in servers]
    except (ConfigError, OSError) as error:
        raise ToolError(str(error)) from None
    finally:
        disk.close()


def _member(disk: Disk, server: LocalServer) -> Member:
    """Where it serves, its configuration says; the folder may be older than what is asked for now."""
    config = load(server.config_path, {}, {}, lambda path: read_file(disk, path)).config
    host, port = config.network.client_port_address, config.network.client_port
    assert host is not None
    assert port is not None
    addresses = () if config.quorum is None else config.quorum.me.addresses
    peers = [(each.host, number) for each in addresses for number in (each.quorum_port, each.election_port)]
    return Member(server.sid, server.config_path, (host, port), peers, f"{config.storage.data_dir}/version-2")


async def _run(members: Sequence[Member], folder: str) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    display = make_display()
    try:
        for member in members:
            await member.start()
        await _watch(members, folder, display, stopping)
    finally:
        display.close()
        ends = [f"server {member.sid} had ended with {member.end}" for member in members if member.end]
        await stop_all(members)
    if ends:
        click.echo(f"all servers are stopped; {', '.join(ends)}; data and logs are in {folder}", err=True)
        return EXIT_FAILED
    click.echo("all servers are stopped")
    return 0


async def _watch(members: Sequence[Member], folder: str, display: Display, stopping: asyncio.Event) -> None:
    """Returns when it is time to stop, or nobody is left who could be stopped."""
    loop = asyncio.get_running_loop()
    waits: dict[asyncio.Task[Any], Member] = {loop.create_task(member.wait()): member for member in members}
    asked: asyncio.Task[Any] = loop.create_task(stopping.wait())
    is_told = False
    while waits:
        looks = await look_at(members)
        display.show(looks, loop.time())
        if not is_told and _is_ready(looks):
            is_told = True
            display.tell(_ready_text(looks, folder))
        done, _ = await asyncio.wait([*waits, asked], timeout=REFRESH_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in done - {asked}:
            display.tell(_end_text(waits.pop(wait)))
        if asked in done:
            return
    display.show(await look_at(members), loop.time())


def _is_ready(looks: Sequence[Look]) -> bool:
    return any(look.serves for look in looks) and all(look.serves or look.is_over for look in looks)


def _ready_text(looks: Sequence[Look], folder: str) -> str:
    serving = [look.address for look in looks if look.serves]
    who = "all servers serve" if len(serving) == len(looks) else "the other servers serve"
    return f"{who}; connect to {','.join(serving)}; data and logs are in {folder}; Ctrl-C stops all"


def _end_text(member: Member) -> str:
    """With the end of its log where the server has ended by itself: that says why."""
    told = f"server {member.sid}, pid {member.pid}, has ended with {member.end}"
    if member.was_killed:
        return f"{told}; its log is {member.log_path}"
    return f"{told}. The end of its log, {member.log_path}:\n{member.log_tail()}"
