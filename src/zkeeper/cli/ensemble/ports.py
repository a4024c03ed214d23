"""Whether the ports of a local ensemble are free: else its servers would end one by one, and others answer for them."""

import socket
from collections.abc import Iterable

from zkeeper.cli.ensemble.members import Address, Member
from zkeeper.cli.failures import ToolError


def check_ports(members: Iterable[Member]) -> None:
    """Opens each port and closes it again. Raises `ToolError` that names the first that cannot be had."""
    for member in members:
        for address in member.listens:
            try:
                _try(address)
            except OSError as error:
                raise ToolError(_text(member, address, error)) from None


def _try(address: Address) -> None:
    """As a server does: what is left of connections that are over keeps no port, and somebody who listens does."""
    family, kind, protocol, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)


def _text(member: Member, address: Address, error: OSError) -> str:
    host, port = address
    return (
        f"server {member.sid} cannot have port {port} on {host}: {error.strerror}. Nothing was started. Stop what "
        "listens there, or choose other ports with --base-port; where --dir has an ensemble already, in "
        f"{member.config_path}"
    )
