"""Where clients connect to, when zoo.cfg and the server's own line may both say so."""

from dataclasses import replace

from zkeeper.quorum.members import ClientAddress
from zkeeper.server.config.build import Given
from zkeeper.server.config.members import Listed
from zkeeper.server.config.messages import ConfigError
from zkeeper.server.config.model import NetworkConfig, ServerConfig
from zkeeper.wire.addresses import WILDCARD, canonical_address, listening_host


def with_client_address(given: Given, listed: Listed, sid: int) -> ServerConfig:
    """The configuration with the client address of the server's own line, if it is there; the two have to agree."""
    member = listed.membership.members.get(sid)
    client = member.client if member is not None else None
    if client is None:
        return given.config
    network = given.config.network
    if network.client_port is not None and not _agree(network, client):
        raise _clash(given, listed, sid, client)
    found = replace(network, client_port=client.port, client_port_address=listening_host(client.host))
    place = listed.place(f"server.{sid}")
    sources = {**given.config.sources, "clientPort": place, "clientPortAddress": place}
    return replace(given.config, network=found, sources=sources)


def with_missing_client_address(given: Given, listed: Listed, sid: int) -> ServerConfig:
    """The same for a server that stands alone: what zoo.cfg says is in force."""
    config = with_client_address(given, listed, sid)
    return config if given.config.network.client_port is None else given.config


def _agree(network: NetworkConfig, client: ClientAddress) -> bool:
    host = network.listening_host
    is_same_host = host is None or canonical_address(host).decode() == client.host
    return network.client_port == client.port and is_same_host


def _clash(given: Given, listed: Listed, sid: int, client: ClientAddress) -> ConfigError:
    network = given.config.network
    reason = (
        f"client address for this server (id = {sid}) in static config file is"
        f" {network.client_port_address or WILDCARD}:{network.client_port}"
        f" is different from client address found in dynamic file: {client}"
    )
    return listed.error(f"server.{sid}", reason, "name the client address in one place only")
