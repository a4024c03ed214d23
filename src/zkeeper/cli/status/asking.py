"""Asks a server a four-letter word."""

import asyncio
from typing import TYPE_CHECKING

from zkeeper.cli.status.srvr import Health, Status, read_srvr

if TYPE_CHECKING:
    from ssl import SSLContext


async def ask(host: str, port: int, word: str, timeout_s: float, tls: "SSLContext | None" = None) -> str:
    """The whole answer. Raises `OSError` or `TimeoutError`."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            writer.write(word.encode())
            return (await reader.read()).decode(errors="replace")
        finally:
            writer.close()


async def status_of(host: str, port: int, timeout_s: float, tls: "SSLContext | None" = None) -> Status:
    """How the server is; one that cannot be reached has a status, too."""
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return read_srvr(server, await ask(host, port, "srvr", timeout_s, tls))
    except TimeoutError:
        return Status(server, Health.UNREACHABLE, f"no answer in {timeout_s:g} s")
    except OSError as error:
        return Status(server, Health.UNREACHABLE, error.strerror or str(error))
