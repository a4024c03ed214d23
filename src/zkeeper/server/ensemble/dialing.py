"""Connects to a server that has several addresses: all of them are tried at once, and the first that answers is taken.

Names are resolved anew at each attempt, as a machine may come back under another address.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

Connection = TypeVar("Connection", bound=asyncio.Protocol)
Address = tuple[str, int]
Dialled = tuple[asyncio.BaseTransport, Connection]


async def dial(make: Callable[[], Connection], addresses: Sequence[Address], timeout_s: float) -> Connection:
    """The protocol, made by `make`, of a new connection. `OSError` tells why each of `addresses` failed."""
    loop, failures = asyncio.get_running_loop(), list[str]()
    pending = [loop.create_task(_dial_one(make, address, timeout_s)) for address in addresses]
    try:
        while pending:
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in pending if task.done()]:
                pending.remove(task)
                error = task.exception()
                if error is None:
                    return task.result()[1]
                failures.append(str(error))
    finally:
        for task in pending:
            task.add_done_callback(_hang_up)
            task.cancel()
    raise OSError("; ".join(failures) or "no address of it is known")


async def _dial_one(make: Callable[[], Connection], address: Address, timeout_s: float) -> Dialled[Connection]:
    host, port = address
    try:
        async with asyncio.timeout(timeout_s):
            # TLS towards peers belongs here, as `ssl=`.
            return await asyncio.get_running_loop().create_connection(make, host, port)
    except TimeoutError:
        raise OSError(f"{host}:{port} does not answer within {timeout_s:g} s") from None
    except OSError as error:
        raise OSError(f"{host}:{port}: {error}") from error


def _hang_up(task: "asyncio.Task[Dialled[Connection]]") -> None:
    """The others have lost, even if they answered at the same moment."""
    if not task.cancelled() and task.exception() is None:
        task.result()[0].close()
