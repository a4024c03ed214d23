"""The configurations of an ensemble on this machine alone, for development: a folder for each server.

    <folder>/server-1/zoo.cfg
    <folder>/server-1/data/myid

What is there already is left alone, so that an ensemble can be started again with all it knows. All ports are on the
loopback: nobody is let in from outside.
"""

import os
from typing import Final, NamedTuple

from zkeeper.quorum.members import LARGEST_SID
from zkeeper.server.config.messages import ConfigError
from zkeeper.server.config.quorum_member import MYID
from zkeeper.storage.disk import Disk
from zkeeper.storage.whole_files import replace_file

HOST: Final = "127.0.0.1"

_SETTINGS: Final = "tickTime=2000\ninitLimit=10\nsyncLimit=5\n4lw.commands.whitelist=*\nadmin.enableServer=false\n"


class LocalPorts(NamedTuple):
    """Of the first server; each other one has them one higher than the one before."""

    client: int = 2181
    quorum: int = 2888
    election: int = 3888


DEFAULT_PORTS: Final = LocalPorts()


class LocalServer(NamedTuple):
    """`config_path` says all of it, also which ports it has: the folder may be older than what was asked for."""

    sid: int
    config_path: str


def make_local_ensemble(
    disk: Disk, folder: str, count: int, ports: LocalPorts = DEFAULT_PORTS, observers: int = 0
) -> list[LocalServer]:
    """Writes the configurations of `count` servers, the last `observers` of which have no vote, where they are missing.

    Blocks; `OSError` when the disk refuses. Raises `ConfigError` for a number or ports that cannot be, or when another
    number of servers was made there.
    """
    folder = os.path.abspath(folder)
    _check(count, ports, observers)
    servers = [LocalServer(sid, os.path.join(folder, f"server-{sid}", "zoo.cfg")) for sid in range(1, count + 1)]
    _check_folder(disk, folder, servers)
    for server in servers:
        if not disk.exists(server.config_path):
            _write(disk, server, _lines(count, ports, observers))
    return servers


def _check(count: int, ports: LocalPorts, observers: int) -> None:
    if not 0 <= observers < max(count, 1):
        raise ConfigError(f"{observers} of {count} servers cannot be observers", "leave at least one that votes")
    if not 1 <= count <= LARGEST_SID:
        raise ConfigError(f"an ensemble of {count} servers cannot be", f"name a number from 1 to {LARGEST_SID}")
    firsts = sorted(ports)
    if firsts[0] < 1 or firsts[-1] + count - 1 > 0xFFFF:
        raise ConfigError(f"ports of {count} servers from {tuple(ports)} are out of range", "choose from 1 to 65535")
    if min(firsts[1] - firsts[0], firsts[2] - firsts[1]) < count:
        raise ConfigError(f"ports of {count} servers from {tuple(ports)} overlap", "choose them further apart")


def _check_folder(disk: Disk, folder: str, servers: list[LocalServer]) -> None:
    there = [name for name in disk.names(folder) if name.startswith("server-")] if disk.exists(folder) else []
    if there and len(there) != len(servers):
        raise ConfigError(f"{folder} has an ensemble of {len(there)} servers", "name that number, or another folder")


def _lines(count: int, ports: LocalPorts, observers: int) -> str:
    """The members, each with its client address, so that all have the same lines."""
    return "".join(_line(number, ports, number >= count - observers) for number in range(count))


def _line(number: int, ports: LocalPorts, is_observer: bool) -> str:
    role = "observer" if is_observer else "participant"
    client, quorum, election = (port + number for port in ports)
    return f"server.{number + 1}={HOST}:{quorum}:{election}:{role};{HOST}:{client}\n"


def _write(disk: Disk, server: LocalServer, lines: str) -> None:
    data = os.path.join(os.path.dirname(server.config_path), "data")
    disk.make_folders(data)
    replace_file(disk, os.path.join(data, MYID), b"%d\n" % server.sid)
    escaped = data.replace("\\", "\\\\")
    text = f"dataDir={escaped}\n{_SETTINGS}standaloneEnabled=false\n{lines}"
    replace_file(disk, server.config_path, text.encode())
