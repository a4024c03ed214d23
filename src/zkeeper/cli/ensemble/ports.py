"""Whether the ports of a local ensemble are free: else its servers would end one by one, and others answer for them."""

import os
import socket
from collections.abc import Iterable

from zkeeper.cli.ensemble.members import Address, Member
from zkeeper.cli.failures import ToolError


def check_ports(members: Iterable[Member], folder: str | None) -> None:
    """Opens each port and closes it again. Raises `ToolError` that names the first that cannot be had.

    `folder` is where the configurations stay; None if they do not.
    """
    for member in members:
        for address in member.listens:
            try:
                _try(address)
            except OSError as error:
                raise ToolError(_text(member, address, error, folder)) from None


def _try(address: Address) -> None:
    """As a server does: what is left of connections that are over keeps no port, and somebody who listens does."""
    family, kind, protocol, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)


def _text(member: Member, address: Address, error: OSError, folder: str | None) -> str:
    host, port = address
    return (
        f"server {member.sid} cannot have port {port} on {host}: {error.strerror}. Nothing was started. Stop what "
        f"listens there, or choose other ports {_where(folder)}"
    )


def _where(folder: str | None) -> str:
    """A folder has kept its ports since its configurations were written."""
    if folder is None:
        return "with --base-port"
    files = os.path.join(folder, "server-*", "zoo.cfg")
    return f"with --base-port and another --dir, or in the server lines of all of {files}"
