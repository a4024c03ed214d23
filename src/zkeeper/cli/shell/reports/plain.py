"""The output of zkCli, byte for byte: results on standard output, notes and errors on the error stream."""

import base64
from collections.abc import Iterator
from typing import TextIO

from zkeeper.cli.shell import results
from zkeeper.cli.shell.acl_texts import acl_lines
from zkeeper.cli.shell.commands import COMMANDS, all_usages, usage_text
from zkeeper.cli.shell.hexdump import hexdump_lines
from zkeeper.cli.shell.reports import Event, Failure
from zkeeper.cli.shell.results import DataForm, Result
from zkeeper.cli.shell.stat_texts import stat_lines

NULL = b"null"
"""What zkCli shows for null data."""


class PlainReport:
    """Writes to `out` and `err`, and flushes after each."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err

    def begin(self, words: list[str]) -> None:
        pass

    def show(self, result: Result) -> None:
        is_error_stream = isinstance(result, results.CreatedPath) or (
            isinstance(result, results.Said) and result.is_error_stream
        )
        end = "" if isinstance(result, results.Said) and not result.ends_line else "\n"
        stream = self._err if is_error_stream else self._out
        for text in plain_texts(result):
            print(text, end=end, file=stream)
        stream.flush()

    def note(self, text: str) -> None:
        print(text, file=self._err, flush=True)

    def fail(self, failure: Failure) -> None:
        self.note(failure.text)

    def unknown(self, word: str) -> None:
        self.note(all_usages())
        self.note(f"Command not found: Command not found {word}")

    def end(self, exit_code: int) -> None:
        pass

    def event(self, event: Event) -> None:
        print(event_text(event), file=self._out, flush=True)

    def banner(self, servers: str) -> None:
        print(f"Connecting to {servers}", file=self._out, flush=True)

    def welcome(self, is_line_editor: bool) -> None:
        print("Welcome to ZooKeeper!", file=self._out)
        print(f"JLine support is {'enabled' if is_line_editor else 'disabled'}", file=self._out, flush=True)


def event_text(event: Event) -> str:
    path = "null" if event.path is None else event.path
    return f"\nWATCHER::\n\nWatchedEvent state:{event.state} type:{event.type} path:{path} zxid: {event.zxid}"


def plain_texts(result: Result) -> Iterator[str]:
    """The text of a result; one that has several lines may come in several pieces."""
    match result:
        case results.Names(names):
            yield f"[{', '.join(names)}]"
        case results.Path(path):
            yield path
        case results.Data(data, form):
            yield data_text(data, form)
        case results.CreatedPath(path):
            yield f"Created {path}"
        case results.StatOf(stat):
            yield from stat_lines(stat)
        case results.AclOf(acl):
            yield from acl_lines(acl)
        case results.Identities(identities):
            yield "Auth scheme: User"
            yield from (f"{scheme}: {user}" for scheme, user in identities)
        case results.Count(number):
            yield str(number)
        case results.Quota(path, limits, usage):
            yield f"Output quota for {path} {limits}"
            yield f"Output stat for {path} {usage}"
        case results.Configuration(text, is_new):
            yield f"Committed new configuration:\n{text}" if is_new else text
        case results.ClientAddresses(version, addresses):
            yield f"{version} {','.join(addresses)}"
        case results.History(lines):
            yield from (f"{number} - {line}" for number, line in lines)
        case results.Help(names):
            yield "\n".join(usage_text(COMMANDS[name]) for name in names) if names else all_usages()
        case results.Said(text):
            yield text


def data_text(data: bytes | None, form: DataForm) -> str:
    """Null data reads as `null` in every form, because zkCli does it so."""
    shown = NULL if data is None else data
    if form is DataForm.BASE64:
        return base64.b64encode(shown).decode()
    if form is DataForm.HEX:
        return "\n".join(hexdump_lines(shown))
    return shown.decode(errors="replace")
