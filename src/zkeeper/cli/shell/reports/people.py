"""Colours and tables for people at a terminal."""

import json
from datetime import datetime
from difflib import get_close_matches

from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.json import JSON
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from zkeeper.cli.shell import results
from zkeeper.cli.shell.acl_texts import permission_letters
from zkeeper.cli.shell.commands import COMMANDS, Command, usage_text
from zkeeper.cli.shell.quota_limits import NONE, Limits, read_limits, read_usage
from zkeeper.cli.shell.reports import Event, Failure
from zkeeper.cli.shell.reports.plain import data_text, plain_texts
from zkeeper.cli.shell.reports.visible import visible
from zkeeper.cli.shell.results import DataForm, Result
from zkeeper.cli.shell.stat_texts import unsigned_hex
from zkeeper.values import Stat


class PeopleReport:
    """Writes to a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, words: list[str]) -> None:
        pass

    def show(self, result: Result) -> None:
        end = "" if isinstance(result, results.Said) and not result.ends_line else "\n"
        self._console.print(renderable(result), end=end, soft_wrap=isinstance(result, results.Data))

    def note(self, text: str) -> None:
        self._console.print(Text(visible(text), "yellow"))

    def fail(self, failure: Failure) -> None:
        self._console.print(Text(visible(failure.text), "bold red"))

    def unknown(self, word: str) -> None:
        close = get_close_matches(word, COMMANDS, n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else "`help` lists the commands."
        self._console.print(Text.assemble((f"There is no command {word}. ", "bold red"), hint))

    def end(self, exit_code: int) -> None:
        pass

    def event(self, event: Event) -> None:
        self._console.print(event_line(event))

    def banner(self, servers: str) -> None:
        self._console.print(f"[dim]Connecting to[/] {escape(servers)}")

    def welcome(self, is_line_editor: bool) -> None:
        self._console.print("[dim]`help` lists the commands, Tab completes, Ctrl-D leaves[/]")


def event_line(event: Event) -> Text:
    if event.path is None:
        good = event.state in {"SyncConnected", "ConnectedReadOnly"}
        return Text.assemble(("● ", "green" if good else "red"), (f"session: {event.state}", "dim"))
    zxid = "" if event.zxid < 0 else f"  zxid {unsigned_hex(event.zxid)}"
    return Text.assemble(("◆ ", "magenta"), (event.type, "bold magenta"), " ", (event.path, "cyan"), (zxid, "dim"))


def renderable(result: Result) -> RenderableType:
    """The form of a result on a terminal."""
    match result:
        case results.Names(names):
            return Columns([Text(name, "cyan") for name in names], padding=(0, 3)) if names else Text("(none)", "dim")
        case results.Path(path):
            return path_text(path)
        case results.Data(data, form):
            return _data(data, form)
        case results.CreatedPath(path):
            return Text.assemble(("Created ", "green"), (path, "cyan"))
        case results.StatOf(stat):
            return stat_table(stat)
        case results.AclOf(acl):
            rows = [[one.scheme, one.id, permission_letters(one.permissions)] for one in acl]
            return _table(["scheme", "id", "permissions"], rows)
        case results.Identities(identities):
            return _table(["scheme", "id"], [list(pair) for pair in identities])
        case results.Quota(path, limits, usage):
            return _quota_table(path, read_limits(limits), read_usage(usage))
        case results.History(lines):
            return Text("\n").join(Text.assemble((f"{number:>4}  ", "dim"), line) for number, line in lines)
        case results.Help(names):
            return _explanation(COMMANDS[names[0]]) if names else _command_table()
        case _:
            return Text(visible("\n".join(plain_texts(result))))


def path_text(path: str) -> Text:
    """The name of a znode stands out from those of its parents."""
    parent, slash, name = path.rpartition("/")
    return Text.assemble((parent + slash, "dim"), (name, "cyan"))


def _data(data: bytes | None, form: DataForm) -> RenderableType:
    if data is None:
        return Text("null", "dim italic")
    text = visible(data_text(data, form))
    if form is DataForm.TEXT and text[:1] in ("{", "["):
        try:
            return JSON(text)
        except json.JSONDecodeError:
            pass
    return Text(text)


def stat_table(stat: Stat) -> Table:
    """Times, versions and zxids side by side."""
    table = Table.grid(padding=(0, 3, 0, 0))
    cells = [
        ("created", f"{_time(stat.ctime_ms)}  zxid {unsigned_hex(stat.czxid)}"),
        ("modified", f"{_time(stat.mtime_ms)}  zxid {unsigned_hex(stat.mzxid)}"),
        ("children", f"{stat.num_children}, changed by zxid {unsigned_hex(stat.pzxid)}"),
        ("versions", f"data {stat.version}, children {stat.cversion}, ACL {stat.aversion}"),
        ("data", f"{stat.data_length} bytes"),
        ("kind", _kind(stat.ephemeral_owner)),
    ]
    for name, value in cells:
        table.add_row(Text(name, "dim"), Text(value))
    return table


def _kind(owner: int) -> str:
    """Servers do not tell containers and znodes with a TTL from others."""
    return f"ephemeral of session {unsigned_hex(owner)}" if owner else "not ephemeral"


def _time(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000).astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _table(heads: list[str], rows: list[list[str]]) -> Table:
    table = Table(*map(escape, heads), box=None, padding=(0, 3, 0, 0), header_style="dim")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table


def _quota_table(path: str, limits: Limits, usage: tuple[int, int]) -> Table:
    def cell(limit: int) -> str:
        return "" if limit == NONE else f"{limit:,}"

    rows = [
        ["znodes", f"{usage[0]:,}", cell(limits.znodes), cell(limits.znodes_hard)],
        ["bytes", f"{usage[1]:,}", cell(limits.size_bytes), cell(limits.size_bytes_hard)],
    ]
    return _table([path, "used", "soft limit", "hard limit"], rows)


def _command_table() -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=False)
    for command in sorted(COMMANDS.values(), key=lambda one: one.name.lower()):
        table.add_row(Text(command.name, "bold cyan"), Text(_short_arguments(command), "dim"), command.summary)
    return table


def _short_arguments(command: Command) -> str:
    arguments = command.arguments.partition(" #")[0]
    return arguments if len(arguments) < 40 else "…"


def _explanation(command: Command) -> RenderableType:
    table = Table.grid(padding=(0, 3, 0, 0))
    for option in command.options:
        table.add_row(f"  -{option.name}" + (f" <{option.value}>" if option.value else ""), option.help)
    grid = Table.grid()
    grid.add_row(Text(usage_text(command).partition("\n")[0], "bold cyan"))
    grid.add_row(Text(command.summary))
    grid.add_row(table)
    return grid
