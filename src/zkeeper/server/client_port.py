"""The port that clients connect to: accepts, counts and times connections.

1. A connection over a limit is closed as soon as it is accepted; it costs nothing else. Descriptors that files need
   are never given to connections.
2. One that sends no connect request within one to two periods is closed.
"""

import asyncio
import logging
from collections.abc import Callable

from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.link_state import NEW
from zkeeper.pipeline.service import Service
from zkeeper.server.client_connection import ClientConnection
from zkeeper.server.unread import UnreadReplies

logger = logging.getLogger("zkeeper.clients")


def _names(server: asyncio.Server) -> list[tuple[str, int]]:
    names = [listener.getsockname() for listener in server.sockets]
    return [(str(name[0]), int(name[1])) for name in names]


def _stop(servers: list[asyncio.Server]) -> None:
    """Accepts no more there."""
    for server in servers:
        server.close()


def _ports(server: asyncio.Server) -> list[int]:
    return sorted({port for _, port in _names(server)})


class ClientPort:
    """Limits of 0 are none; `max_open` is what the process has descriptors for, `max_unread_bytes` what clients may
    leave unread together. `sessionless_timeout_s` is the period of rule 2; `tell` takes sentences for the log."""

    def __init__(
        self, service: Service, *, max_per_host: int, max_total: int, sessionless_timeout_s: float, max_open: int = 0,
        max_unread_bytes: int = 0, tcp_keep_alive: bool = False, tell: Callable[[str], None] = logger.warning,
    ) -> None:  # fmt: skip
        self.service = service
        self.tcp_keep_alive = tcp_keep_alive
        self.tell = tell
        self.unread = UnreadReplies(max_unread_bytes)
        self._max_per_host = max_per_host
        self._max_total = max_total
        self._max_open = max_open
        self._sessionless_timeout_s = sessionless_timeout_s
        self._connections: dict[ClientConnection, None] = {}
        self._per_host: dict[str, int] = {}
        self._unproven: dict[ClientConnection, bool] = {}
        self._servers: list[asyncio.Server] = []
        self._place: tuple[str | None, int] = None, 0
        self._sweep: asyncio.TimerHandle | None = None

    async def listen(self, host: str | None, port: int, backlog: int) -> None:
        """Opens the port on `host`, all addresses if it is None; raises `OSError` when it cannot.

        Port 0 is any that is free, the same for all addresses.
        """
        self._place = host, port
        loop = asyncio.get_running_loop()
        backlog = backlog if backlog > 0 else 1024
        server = await loop.create_server(self._accept, host, port, backlog=backlog)
        if len(_ports(server)) > 1:
            server = await self._listen_on_one_port(server, host, backlog)
        self._servers.append(server)
        if self._sweep is None:
            self._sweep = loop.call_later(self._sessionless_timeout_s, self._close_unproven)

    async def _listen_on_one_port(self, server: asyncio.Server, host: str | None, backlog: int) -> asyncio.Server:
        """In place of `server`, which the system gave a port for each address: all of them take one of these."""
        server_ports = _ports(server)
        server.close()
        for port in server_ports[:-1]:
            try:
                return await asyncio.get_running_loop().create_server(self._accept, host, port, backlog=backlog)
            except OSError:
                continue  # Somebody else has it on another address.
        return await asyncio.get_running_loop().create_server(self._accept, host, server_ports[-1], backlog=backlog)

    async def move(self, host: str | None, port: int, backlog: int) -> None:
        """Listens at another place from now on; connections stay. Raises `OSError` when it cannot, and stays then."""
        before, place = self._servers, self._place
        if (host, port) == place:
            return
        self._servers = []
        if port == place[1]:
            _stop(before)  # All addresses, and one of them, exclude each other.
        try:
            await self.listen(host, port, backlog)
        except OSError:
            if port == place[1]:
                await self.listen(*place, backlog)
            else:
                self._servers, self._place = before, place
            raise
        _stop(before)

    def _accept(self) -> ClientConnection:
        return ClientConnection(self)

    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every listening socket."""
        return [name for server in self._servers for name in _names(server)]

    def links(self) -> list[ClientLink]:
        """Every connection's, in the order they were accepted."""
        return [connection.link for connection in self._connections if connection.link is not None]

    def admit(self, connection: ClientConnection) -> bool:
        reason = self._over_a_limit(connection.host)
        if reason:
            self.service.stats.connections_rejected += 1
            self.tell(f"connection from {connection.host} closed: {reason}")
            return False
        self._per_host[connection.host] = self._per_host.get(connection.host, 0) + 1
        self._connections[connection] = None
        self._unproven[connection] = False
        return True

    def _over_a_limit(self, host: str) -> str:
        """Why there is no room for another connection from `host`; empty if there is."""
        here, all_ = self._per_host.get(host, 0), len(self._connections)
        if 0 < self._max_per_host <= here:
            return f"{here} connections from this address are open, maxClientCnxns allows no more"
        if 0 < self._max_total <= all_:
            return f"{all_} connections are open, maxCnxns allows no more"
        if 0 < self._max_open <= all_:
            return (
                f"{all_} connections are open, and the process's limit of descriptors has no room for more; raise the "
                "hard limit (ulimit -Hn, LimitNOFILE of systemd), or find out who opens so many"
            )
        return ""

    def open_count(self) -> int:
        return len(self._connections)

    def forget(self, connection: ClientConnection) -> None:
        self.unread.discard(connection)
        self._unproven.pop(connection, None)
        if connection in self._connections:
            del self._connections[connection]
            left = self._per_host[connection.host] - 1
            if left:
                self._per_host[connection.host] = left
            else:
                del self._per_host[connection.host]

    def _close_unproven(self) -> None:
        """Rule 2: those that were unproven a period ago (the value says it), and still are, have had their time."""
        self._sweep = asyncio.get_running_loop().call_later(self._sessionless_timeout_s, self._close_unproven)
        unproven, self._unproven = self._unproven, {}
        for connection, was_unproven in unproven.items():
            link = connection.link
            if link is None or link.state != NEW:
                continue
            if was_unproven:
                self.service.stats.sessionless_expired += 1
                link.close()
            else:
                self._unproven[connection] = True

    async def close(self) -> None:
        """Stops listening and closes every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
        for server in self._servers:
            server.close()
        for link in self.links():
            link.close()
        for server in self._servers:
            await server.wait_closed()
