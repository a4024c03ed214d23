"""The shell: takes words, finds the command, runs it, and keeps session, history and exit code.

1. Every command ends with an exit code: 0 done, 1 failed or used wrongly, 127 unknown. The shell's own is that of the
   last command; `quit` leaves it as it is.
2. A failed command never ends the shell.
3. A session that was closed, or whose credentials were refused, stays so until `connect`.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import zkeeper
from zkeeper.cli.shell.commands import COMMANDS, Command, UsageError, find_command, parse_command
from zkeeper.cli.shell.error_texts import error_name, error_text, full_text
from zkeeper.cli.shell.events import Events
from zkeeper.cli.shell.execution import EXECUTIONS
from zkeeper.cli.shell.execution.surroundings import CommandError, Surroundings, number_of
from zkeeper.cli.shell.history import History
from zkeeper.cli.shell.options import OptionError, Parsed
from zkeeper.cli.shell.reports import Failure, Report
from zkeeper.cli.shell.results import Help, Said
from zkeeper.cli.shell.results import History as HistoryShown
from zkeeper.cli.shell.words import split_words
from zkeeper.errors import BadArgumentsError, ConnectionLossError, ZooKeeperError
from zkeeper.values import SessionState

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

FAILED: Final = 1
UNKNOWN: Final = 127
_READY: Final = (SessionState.CONNECTED, SessionState.CONNECTED_READ_ONLY)
_DEAD: Final = (SessionState.CLOSED, SessionState.AUTH_FAILED)


class World(NamedTuple):
    """How a shell reaches the world: clients by connect string, files by path."""

    open_client: Callable[[str], "AsyncClient"]
    """Raises `BadArgumentsError` for a connect string that is wrong."""
    read_file: Callable[[str], str]
    connect_timeout_s: float
    is_zkcli: bool
    """Whether everything is done and told as zkCli does it, also where that helps nobody."""


class Shell:
    """One shell with at most one session at a time."""

    def __init__(self, servers: str, world: World, report: Report, tells_states: bool = True) -> None:
        self.servers = servers
        self.exit_code = 0
        self.is_over = False
        self.history = History()
        self._world = world
        self._report = report
        self._events = Events(report, tells_states)
        self._watch = self._events.on_watch
        self._starting: asyncio.Task[None] | None = None
        self.zk = self._open(world.open_client(servers))

    # The session.

    def _open(self, zk: "AsyncClient") -> "AsyncClient":
        zk.on_state(self._events.on_state)
        self._starting = asyncio.ensure_future(_start(zk))
        return zk

    async def close(self) -> None:
        """Ends the session, so that its ephemerals go, and says nothing more."""
        self._events.is_on = False
        await self._close_session()

    async def _close_session(self) -> None:
        await self.zk.close()
        if self._starting is not None:
            await self._starting

    async def wait_until_connected(self) -> None:
        """Raises `ConnectionLossError` if that takes longer than the timeout."""
        try:
            await self.zk.wait_for(*_READY, *_DEAD, timeout_s=self._world.connect_timeout_s)
        except TimeoutError:
            where = f"No server of {self.servers} could be reached in time"
            raise ConnectionLossError(f"{where}: {self.zk._session.last_failure}") from None

    @property
    def is_alive(self) -> bool:
        return self.zk.state not in _DEAD

    # Commands.

    async def run_line(self, line: str) -> int:
        """Runs a line that was typed or piped in; returns the exit code. A blank one does nothing."""
        words = split_words(line)
        if words:
            self.history.add(line)
            await self.run_words(words)
        return self.exit_code

    async def run_words(self, words: list[str]) -> int:
        """Runs one command and returns its exit code."""
        self._report.begin(words)
        code = await self._run(words)
        if code is not None:
            self.exit_code = code
        self._report.end(self.exit_code)
        return self.exit_code

    async def _run(self, words: list[str]) -> int | None:
        command = find_command(words[0])
        if command is None:
            self._report.unknown(words[0])
            return UNKNOWN
        try:
            return await self._execute(command, words[1:])
        except (UsageError, OptionError, CommandError, ValueError) as error:
            self._report.fail(Failure(str(error), _MISTAKES.get(type(error), "BadCommand")))
        except ZooKeeperError as error:
            path = None if command.name == "reconfig" else error.path or _path_in(command, words[1:])
            text = error_text(error, path) if self._world.is_zkcli else full_text(error, path)
            self._report.fail(Failure(text, error_name(error), path, error.code))
        return FAILED

    async def _execute(self, command: Command, words: list[str]) -> int | None:
        if not command.needs_session:
            return await self._execute_here(command.name, words)
        if not self.is_alive:
            self._say_not_connected()
            return 0
        parsed = parse_command(command, words)
        if command.name == "close":
            await self._close_session()
        elif command.name == "version":
            self._report.show(Said(f"ZooKeeper CLI version: zkeeper {zkeeper.__version__}", _VERSION))
        else:
            await self._execute_there(command.name, parsed)
        return 0

    async def _execute_there(self, name: str, parsed: Parsed) -> None:
        if not (name == "removewatches" and parsed.has("l")):
            await self.wait_until_connected()
        world = self._world
        surroundings = Surroundings(self.zk, self._report, self._watch, world.read_file, world.is_zkcli)
        await EXECUTIONS[name](surroundings, parsed)

    def _say_not_connected(self) -> None:
        self._report.show(Said("Not connected", {"connected": False}))

    # Commands that need no session.

    async def _execute_here(self, name: str, words: list[str]) -> int | None:
        match name:
            case "quit" | "exit":
                await self._close_session()
                self.is_over = True
                return None
            case "connect":
                await self._connect(words)
                return 0
            case "help":
                self._help(words)
                return 0
            case "redo":
                code = await self._redo(words)
            case "history":
                self._report.show(HistoryShown(self.history.last()))
                code = 0
            case _:
                self._print_watches(words)
                code = 0
        if not self.is_alive:
            self._say_not_connected()
        return code

    async def _connect(self, words: list[str]) -> None:
        servers = words[0] if words else self.servers
        try:
            zk = self._world.open_client(servers)
        except BadArgumentsError as error:
            raise CommandError(str(error)) from None
        await self._close_session()
        self.servers, self.zk = servers, self._open(zk)
        await self.wait_until_connected()

    def _help(self, words: list[str]) -> None:
        unknown = [word for word in words if word not in COMMANDS]
        if unknown:
            raise CommandError(f"There is no command {unknown[0]}")
        self._report.show(Help(words[:1]))

    async def _redo(self, words: list[str]) -> int | None:
        if not words:
            return 0
        line = self.history.line(number_of(words[0], "Command index out of range"))
        if line is None:
            raise CommandError("Command index out of range")
        again = split_words(line)
        if again[0] == "redo":
            raise CommandError("No redoing redos")
        self.history.replace_last(line)
        return await self._run(again)

    def _print_watches(self, words: list[str]) -> None:
        if words:
            self._events.is_on = words[0] == "on"
        else:
            state = "on" if self._events.is_on else "off"
            self._report.show(Said(f"printwatches is {state}", {"printwatches": state}))


_MISTAKES: Final[dict[type[Exception], str]] = {
    UsageError: "Usage",
    OptionError: "Usage",
    CommandError: "CommandFailed",
}
"""Names for programs of what is no error of ZooKeeper's."""
_VERSION: Final[dict[str, object]] = {"version": zkeeper.__version__}


async def _start(zk: "AsyncClient") -> None:
    """Opens the session in the background, for as long as it takes; the state tells how that went."""
    try:
        await zk.start(timeout_s=None)
    except ZooKeeperError:
        return


def _path_in(command: Command, words: list[str]) -> str | None:
    """The path that the command was about; errors that never reached a server do not carry one."""
    if not command.takes_path:
        return None
    try:
        positional = parse_command(command, words).positional
    except (UsageError, OptionError):
        return None
    return positional[0] if positional else None
