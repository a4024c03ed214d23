"""`zkeeper ensemble`."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from zkeeper.cli.ensemble.display import Display, make_display
from zkeeper.cli.ensemble.looking import look_at
from zkeeper.cli.ensemble.members import Member, stop_all
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

    A DIR that has an ensemble is started again as it is there. The ensemble ends as a whole: with Ctrl-C, exit code 0,
    or, exit code 1, when one of its servers ends by itself.
    """
    count = voters + observers
    ports = LocalPorts(base_port, base_port + count, base_port + 2 * count)
    with _place(folder) as place:
        sys.exit(run(_run(_make_members(place, count, ports, observers), place)))


@contextmanager
def _place(folder: str | None) -> Iterator[str]:
    """`folder`, or a temporary one that is removed unless something went wrong: then the logs in it are wanted."""
    if folder is not None:
        yield folder
        return
    temporary = tempfile.mkdtemp(prefix="zkeeper-ensemble-")
    try:
        yield temporary
    except SystemExit as end:
        if end.code == 0:
            shutil.rmtree(temporary, ignore_errors=True)
        raise


def _make_members(folder: str, count: int, ports: LocalPorts, observers: int) -> list[Member]:
    disk = RealDisk()
    try:
        servers = make_local_ensemble(disk, folder, count, ports, observers)
        return [_member(disk, server) for server in servers]
    except (ConfigError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    finally:
        disk.close()


def _member(disk: Disk, server: LocalServer) -> Member:
    """Where it serves, its configuration says; the folder may be older than what is asked for now."""
    config = load(server.config_path, {}, {}, lambda path: read_file(disk, path)).config
    host, port = config.network.client_port_address, config.network.client_port
    assert host is not None
    assert port is not None
    return Member(server.sid, server.config_path, host, port, f"{config.storage.data_dir}/version-2")


async def _run(members: Sequence[Member], folder: str) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    display = make_display()
    try:
        for member in members:
            await member.start()
        dead = await _watch(members, folder, display, stopping)
    finally:
        display.close()
        await stop_all(members)
    if dead is not None:
        click.echo(dead, err=True)
        return EXIT_FAILED
    click.echo("all servers are stopped")
    return 0


async def _watch(members: Sequence[Member], folder: str, display: Display, stopping: asyncio.Event) -> str | None:
    """Returns when it is time to stop; why, if a member has ended by itself."""
    loop = asyncio.get_running_loop()
    ends = {loop.create_task(member.ended()): member for member in members}
    asked = loop.create_task(stopping.wait())
    is_told = False
    while True:
        looks = await look_at(members)
        display.show(looks, loop.time())
        if not is_told and all(look.serves for look in looks):
            is_told = True
            display.tell(_ready_text(members, folder))
        done, _ = await asyncio.wait([*ends, asked], timeout=REFRESH_S, return_when=asyncio.FIRST_COMPLETED)
        if asked in done:
            return None
        for end in done:
            return _death_text(ends[end], end.result())


def _ready_text(members: Sequence[Member], folder: str) -> str:
    addresses = ",".join(member.address for member in members)
    return f"all servers serve; connect to {addresses}; data and logs are in {folder}; Ctrl-C stops all"


def _death_text(member: Member, code: int) -> str:
    how = f"exit code {code}" if code >= 0 else f"signal {-code}"
    return (
        f"server {member.sid} has ended with {how}, so all are stopped. The end of its log, {member.log_path}:\n"
        f"{member.log_tail()}"
    )
