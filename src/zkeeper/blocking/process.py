"""The one loop thread of a process: begun by the first client that starts, ended by the last one that stops.

1. What is left at the end of the process is closed then, so that ephemerals go at once; for that there is a limit.
2. A forked process begins with none: whose thread it was, only the parent knows.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.blocking.loop_thread import LoopThread
from zkeeper.errors import ClosedError

EXIT_PATIENCE_S: Final = 5.0


class User(Protocol):
    """Who needs the thread. `close` ends what it has on the loop."""

    def close(self) -> Coroutine[Any, Any, None]: ...


class _Process:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: LoopThread | None = None
        self.users: set[User] = set()


_process = _Process()


def join(user: User) -> LoopThread:
    """The thread, for `user` until it leaves."""
    with _process.lock:
        if _process.thread is None or _process.thread.refusal is not None:
            _process.thread, _process.users = LoopThread(), set()
        _process.users.add(user)
        return _process.thread


def leave(user: User) -> None:
    """Ends the thread if nobody else needs it; returns when it has ended. Who has left before may leave again."""
    with _process.lock:
        was_last = _process.users == {user}
        _process.users.discard(user)
        thread = _process.thread
        if not was_last or thread is None:
            return
        _process.thread = None
    thread.end()


def _at_exit() -> None:
    thread, users = _process.thread, list(_process.users)
    if thread is None:
        return

    async def close_all() -> None:
        await asyncio.gather(*[user.close() for user in users], return_exceptions=True)

    with suppress(CallTimeoutError, ClosedError):
        thread.run(EXIT_PATIENCE_S, close_all, (), {})
    thread.end()


def _after_fork() -> None:
    global _process
    _process = _Process()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork)
