"""The end of the terminal, as when its window is closed.

1. Whoever writes to a terminal that has ended gets an `EIO`; here that becomes `TerminalEnded`.
2. From then on what is written to that terminal is dropped: Python flushes its streams once more when it exits.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class TerminalEnded(Exception):
    """Nobody sees any more what is written."""


@contextmanager
def writing() -> Iterator[None]:
    """Around what writes to a stream that may be a terminal, and does nothing else with files."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        _leave_terminal()
        raise TerminalEnded from None


def _leave_terminal() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and _has_ended(stream.fileno()):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _has_ended(descriptor: int) -> bool:
    """A terminal that has ended is a device still, and answers to nothing that is asked of terminals."""
    return stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor)
