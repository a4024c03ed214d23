"""The listening sockets of the election port, which may be taken for a while by the process before this one."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from zkeeper.server.port_failure import PortError

BIND_PAUSE_S: Final = 1.0
DEFAULT_BIND_RETRIES: Final = 3

logger = logging.getLogger("zkeeper.election")

Address = tuple[str | None, int]


class ElectionPortError(PortError):
    """The election port cannot be opened."""

    exit_code = 14


class ElectionPort:
    """Listens on some addresses; one of them is enough. `accept` makes the protocol of a new connection."""

    def __init__(self, accept: Callable[[], asyncio.Protocol], retries: int = DEFAULT_BIND_RETRIES) -> None:
        self._accept = accept
        self._retries = retries
        self._servers: dict[Address, asyncio.Server] = {}

    async def listen(self, addresses: Sequence[Address]) -> None:
        """Listens on `addresses`, a host `None` for all interfaces, and on no others.

        Names are resolved anew at each attempt. There are `retries` of them after the first, for ever if it is 0.
        Raises `ElectionPortError`.
        """
        await self._close([address for address in self._servers if address not in addresses])
        failures = await self._bind(addresses)
        attempts = 1
        while failures and (attempts <= self._retries or (self._retries == 0 and not self._servers)):
            logger.warning("the election port cannot be opened yet: %s; tried again in 1 s", _text(failures))
            await asyncio.sleep(BIND_PAUSE_S)
            failures = await self._bind(addresses)
            attempts += 1
        if not self._servers:
            raise ElectionPortError(
                f"the election port cannot be opened: {_text(failures)}; stop what listens there, or correct the line "
                "of this server"
            )
        if failures:
            logger.warning("the election port is open on other addresses only: %s", _text(failures))

    async def _bind(self, addresses: Sequence[Address]) -> dict[Address, OSError]:
        failures: dict[Address, OSError] = {}
        for address in addresses:
            if address in self._servers:
                continue
            try:
                # TLS of the port belongs here, as `ssl=`.
                loop = asyncio.get_running_loop()
                self._servers[address] = await loop.create_server(self._accept, address[0], address[1])
            except OSError as error:
                failures[address] = error
        return failures

    async def close(self) -> None:
        await self._close(list(self._servers))

    async def _close(self, addresses: Sequence[Address]) -> None:
        """Connections that were accepted are not closed, nor waited for."""
        for address in addresses:
            self._servers.pop(address).close()


def _text(failures: dict[Address, OSError]) -> str:
    return ", ".join([f"{host or '*'}:{port} ({error})" for (host, port), error in failures.items()])
