"""How the state of a local ensemble is shown: a table that is kept up to date on a terminal, lines otherwise.

Lines tell whatever has changed a role at once, and how far everybody is every `LINES_S` while that changes.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from zkeeper.cli.ensemble.looking import Look, behind
from zkeeper.cli.ensemble.terminal import TerminalEnded, writing
from zkeeper.cli.status.srvr import count_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

LINES_S: Final = 10.0
_COLOURS: Final = {"leader": "bold green", "follower": "green", "observer": "cyan"}
_LEAST_WANTED: Final = ("connections", "behind", "zxid", "epoch")
"""Columns that a narrow terminal is spared, in this order. Addresses, roles and pids are shown in any."""
_AMPLE_COLUMNS: Final = 500


class Display(Protocol):
    def show(self, looks: Sequence[Look], now_s: float) -> None: ...

    def tell(self, sentence: str) -> None:
        """Above the table, or as the next line."""
        ...

    def close(self) -> None: ...


class Lines:
    """For a pipe or a file; `write` takes a line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told: dict[int, Look] = {}
        self._told_s = 0.0

    def show(self, looks: Sequence[Look], now_s: float) -> None:
        is_due = now_s - self._told_s >= LINES_S
        distances = behind(looks)
        for look in looks:
            before = self._told.get(look.sid)
            has_new_role = before is None or (before.role, before.epoch) != (look.role, look.epoch)
            if has_new_role or (is_due and before != look):
                self._told[look.sid] = look
                self._write(line(look, distances[look.sid]))
        if is_due:
            self._told_s = now_s

    def tell(self, sentence: str) -> None:
        self._write(sentence)

    def close(self) -> None: ...


def line(look: Look, distance: int | None) -> str:
    parts = [f"server {look.sid} at {look.address}, pid {look.pid}: {look.role}"]
    if look.epoch is not None:
        parts.append(f"epoch {look.epoch}")
    if look.zxid is not None:
        parts.append(f"zxid {look.zxid:#x}")
    if distance is not None:
        parts.append(f"{distance} behind")
    if look.connections is not None:
        parts.append(count_text(look.connections, "connection"))
    return ", ".join(parts)


class LiveTable:
    """For a terminal. All but `close` raise `TerminalEnded` when it has ended."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._live = Live(console=console, auto_refresh=False, transient=False)
        with writing():
            self._live.start()

    def show(self, looks: Sequence[Look], now_s: float) -> None:
        with writing():
            self._live.update(table(looks, self._live.console), refresh=True)

    def tell(self, sentence: str) -> None:
        with writing():
            self._live.console.print(sentence, soft_wrap=True, markup=False)

    def close(self) -> None:
        with suppress(TerminalEnded), writing():
            self._live.stop()


def table(looks: Sequence[Look], console: "Console") -> "Table":
    """With as many columns as the console has room for. What does not fit even then is folded, and never cut."""
    columns = _columns(looks)
    for name in _LEAST_WANTED:
        if _width(_table(columns), console) <= console.width:
            break
        del columns[name]
    return _table(columns)


def _columns(looks: Sequence[Look]) -> "dict[str, list[str | Text]]":
    from rich.text import Text

    distances = behind(looks)
    return {
        "server": [str(look.sid) for look in looks],
        "address": [look.address for look in looks],
        "role": [Text(look.role, "bold red" if look.is_over else _COLOURS.get(look.role, "yellow")) for look in looks],
        "epoch": [_cell(look.epoch) for look in looks],
        "zxid": [_cell(None if look.zxid is None else hex(look.zxid)) for look in looks],
        "behind": [_cell(distances[look.sid]) for look in looks],
        "connections": [_cell(look.connections) for look in looks],
        "pid": [str(look.pid) for look in looks],
    }


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _table(columns: "dict[str, list[str | Text]]") -> "Table":
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        shown.add_column(name, justify="left" if name in ("server", "address", "role") else "right", overflow="fold")
    for row in zip(*columns.values(), strict=True):
        shown.add_row(*row)
    return shown


def _width(shown: "Table", console: "Console") -> int:
    """What it takes without folding."""
    return console.measure(shown, options=console.options.update(width=_AMPLE_COLUMNS)).maximum


def make_display() -> Display:
    if not sys.stdout.isatty():
        return Lines(lambda text: print(text, flush=True))
    from zkeeper.cli.console import make_console

    return LiveTable(make_console())
