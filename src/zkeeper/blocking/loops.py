"""The event loop of the background thread: uvloop's where that is installed.

1. Names are resolved in daemon threads, one for each question. The threads of a pool would be waited for, so that a
   resolver that hangs would hold up `stop` and the end of the process; and a child that was forked off would crash at
   its end, waiting for threads of libuv's pool that it does not have.
2. Nothing is imported when a loop is made or runs: a child that is forked off meanwhile would find the module locked,
   by a thread that it does not have, for ever.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any, cast


class ResolvingLoop(asyncio.AbstractEventLoop):
    """Mixed into a loop: invariant 1."""

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0,  # noqa: A002  asyncio's name
        flags: int = 0,
    ) -> Any:  # fmt: skip
        if isinstance(host, str) and host.isascii():
            host = host.encode()  # Of text the encoding would be imported.
        with suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        answer: asyncio.Future[Any] = self.create_future()
        question = (host, port, family, type, proto, flags)
        threading.Thread(target=self._resolve, args=(answer, question), name="zkeeper resolver", daemon=True).start()
        return await answer

    def _resolve(self, answer: "asyncio.Future[Any]", question: Any) -> None:
        found, failure = None, None
        try:
            found = socket.getaddrinfo(*question)
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # The loop is closed.
            self.call_soon_threadsafe(_settle, answer, found, failure)


def _settle(answer: "asyncio.Future[Any]", found: Any, failure: Exception | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(found)
    else:
        answer.set_exception(failure)


try:
    _base: type[asyncio.AbstractEventLoop] = import_module("uvloop").Loop  # By name: the compiler reads this file, too.
except ImportError:
    _base = asyncio.SelectorEventLoop

_Loop = cast("type[asyncio.AbstractEventLoop]", type(f"Resolving{_base.__name__}", (ResolvingLoop, _base), {}))


def new_loop() -> asyncio.AbstractEventLoop:
    return _Loop()
