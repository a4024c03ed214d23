"""What comes out of commands is written here: as zkCli writes it, in colours and tables, or as JSON.

`Report` is what all of them are; the execution of commands knows nothing else of them.
"""

from typing import NamedTuple, Protocol

from zkeeper.cli.shell.results import Result


class Event(NamedTuple):
    """A change of the session's state (`type` is None, `path` null), or of a watched znode."""

    state: str
    type: str
    path: str | None
    zxid: int


class Failure(NamedTuple):
    """A command that failed: what to say, and for programs the name of the error, its code, and what it is about."""

    text: str
    name: str
    path: str | None = None
    code: int | None = None
    """ZooKeeper's, of errors that are ZooKeeper's."""


class Report(Protocol):
    """A command begins, shows any number of results and notes, perhaps fails, and ends. Events come at any time."""

    def begin(self, words: list[str]) -> None: ...

    def show(self, result: Result) -> None: ...

    def note(self, text: str) -> None:
        """Something that is not the result: a warning, a hint, an old form of a command."""

    def fail(self, failure: Failure) -> None: ...

    def unknown(self, word: str) -> None:
        """There is no such command."""

    def end(self, exit_code: int) -> None: ...

    def event(self, event: Event) -> None: ...

    def banner(self, servers: str) -> None:
        """Before the session is opened."""

    def welcome(self, is_line_editor: bool) -> None:
        """A session of several commands begins."""
