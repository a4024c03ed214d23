"""Runs a tool's coroutine to its end, on uvloop where it is installed."""

import asyncio
import io
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

EXIT_INTERRUPTED: Final = 130
EXIT_UNREAD: Final = 141


def run(coroutine: Coroutine[Any, Any, int]) -> int:
    """The coroutine's exit code; 130 when Ctrl-C ended it, 141 when nobody reads the output any more.

    What the client logs is left to the tool to tell. What the output cannot show, in an encoding that is not UTF-8, is
    shown as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.getLogger("zkeeper").addHandler(logging.NullHandler())
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(coroutine)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Else Python complains when it flushes.
        return EXIT_UNREAD


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
