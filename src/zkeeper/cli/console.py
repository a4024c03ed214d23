"""Consoles for people: tables, colours, progress."""

import sys
from typing import Final

from rich.console import Console

WIDE_COLUMNS: Final = 200


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """As every other output does: `running.run` knows what it means. (Rich would end the program with code 1.)"""
        raise BrokenPipeError


def make_console(is_error_stream: bool = False) -> Console:
    """Where no terminal is, lines are long rather than folded."""
    stream = sys.stderr if is_error_stream else sys.stdout
    return _Console(stderr=is_error_stream, highlight=False, width=None if stream.isatty() else WIDE_COLUMNS)
