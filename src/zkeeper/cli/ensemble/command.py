"""`zkeeper ensemble`."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import click

from zkeeper.cli.ensemble.display import Display, make_display
from zkeeper.cli.ensemble.looking import Look, look_at
from zkeeper.cli.ensemble.members import Member, stop_all
from zkeeper.cli.ensemble.ports import check_ports
from zkeeper.cli.ensemble.terminal import TerminalEnded, writing
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
            members = _make_members(place.folder, count, ports, observers)
            check_ports(members, folder)
            sys.exit(run(_run(members, place)))
    except ToolError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    except _PlaceError as error:
        raise click.BadParameter(str(error), param_hint="'--dir'") from None


class _PlaceError(Exception):
    """Configurations cannot be written to, or read from, where they are to be."""

    def __init__(self, error: OSError) -> None:
        where = "" if error.filename is None else f" at {error.filename}"
        super().__init__(f"The ensemble cannot be kept there: {error.strerror}{where}. Name a folder you may write to.")


@dataclass
class _Place:
    """Where the servers are. It is wanted while they run, and then if one went wrong: its log says why."""

    folder: str
    is_wanted: bool = False


@contextmanager
def _place(folder: str | None) -> Iterator[_Place]:
    """`folder`, or a temporary one that is removed unless it is wanted."""
    if folder is not None:
        yield _Place(folder)
        return
    temporary = _Place(_make_temporary())
    try:
        yield temporary
    finally:
        if not temporary.is_wanted:
            shutil.rmtree(temporary.folder, ignore_errors=True)


def _make_temporary() -> str:
    try:
        return tempfile.mkdtemp(prefix="zkeeper-ensemble-")
    except OSError as error:
        raise _PlaceError(error) from None


def _make_members(folder: str, count: int, ports: LocalPorts, observers: int) -> list[Member]:
    disk = RealDisk()
    try:
        servers = make_local_ensemble(disk, folder, count, ports, observers)
        return [_member(disk, server) for server in servers]
    except ConfigError as error:
        raise ToolError(str(error)) from None
    except OSError as error:
        raise _PlaceError(error) from None
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


async def _run(members: Sequence[Member], place: _Place) -> int:
    """However it ends, the members have ended before."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    place.is_wanted = True
    try:
        with suppress(TerminalEnded):
            await _start_and_watch(members, place.folder, stopping)
    finally:
        ends = [f"server {member.sid} had ended with {member.end}" for member in members if member.end]
        await stop_all(members)
        place.is_wanted = bool(ends)
        with suppress(TerminalEnded), writing():
            click.echo(_stopped_text(ends, place.folder), err=bool(ends))
    return EXIT_FAILED if ends else 0


async def _start_and_watch(members: Sequence[Member], folder: str, stopping: asyncio.Event) -> None:
    with closing(make_display()) as display:
        for member in members:
            await member.start()
        await _watch(members, folder, display, stopping)


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


def _stopped_text(ends: Sequence[str], folder: str) -> str:
    told = "all servers are stopped"
    return f"{told}; {', '.join(ends)}; data and logs are in {folder}" if ends else told


def _end_text(member: Member) -> str:
    """With the end of its log where the server has ended by itself: that says why."""
    told = f"server {member.sid}, pid {member.pid}, has ended with {member.end}"
    if member.was_killed:
        return f"{told}; its log is {member.log_path}"
    return f"{told}. The end of its log, {member.log_path}:\n{member.log_tail()}"
