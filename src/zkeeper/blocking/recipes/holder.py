"""Who holds a lock: a thread, for which each call is another task on the loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, TypeVar

from zkeeper.recipes.lock import HOLDER

T = TypeVar("T")


class _Holder(threading.local):
    """An object for each thread, which no later thread is given again."""

    def __init__(self) -> None:
        self.token = object()


_holder = _Holder()


def this_thread() -> object:
    return _holder.token


def context_of_this_thread() -> Context:
    """One in which recipes take the calling thread for the holder."""
    context = copy_context()
    context.run(HOLDER.set, _holder.token)
    return context


def as_this_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> "Callable[[], asyncio.Task[T]]":
    """What does the work on the loop for the calling thread."""
    context = context_of_this_thread()
    return lambda: asyncio.get_running_loop().create_task(work(), context=context)
