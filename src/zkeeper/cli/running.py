"""Runs a tool's coroutine to its end, on uvloop where it is installed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

EXIT_INTERRUPTED: Final = 130


def run(coroutine: Coroutine[Any, Any, int]) -> int:
    """The coroutine's exit code; 130 when Ctrl-C ended it. What the client logs is left to the tool to tell."""
    logging.getLogger("zkeeper").addHandler(logging.NullHandler())
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(coroutine)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
