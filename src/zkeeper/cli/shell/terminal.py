"""The shell for a person: a line editor with history and completion, events printed above the line that is typed.

1. Events that come while a line is typed are printed above it; the line stays as it is.
2. Ctrl-C gives up a running command or the typed line, Ctrl-D leaves the shell.
3. Lines with credentials are not kept in the history file.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_or_none, run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.history import History as LineHistory

from zkeeper.cli.shell.completion import Kind, path_prefix, wanted_completion
from zkeeper.cli.shell.reports import Event, Report
from zkeeper.cli.shell.session import Wishes, is_connected, make_report, make_shell
from zkeeper.cli.shell.shell import Shell
from zkeeper.cli.walk import child_path
from zkeeper.errors import ZooKeeperError
from zkeeper.values import SessionState

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

COMPLETION_TIMEOUT_S: Final = 2.0
MAX_COMPLETIONS: Final = 500
_STATES: Final = {
    SessionState.CONNECTED: ("CONNECTED", "ansigreen"),
    SessionState.CONNECTED_READ_ONLY: ("CONNECTEDREADONLY", "ansiyellow"),
    SessionState.CLOSED: ("CLOSED", "ansired"),
    SessionState.AUTH_FAILED: ("AUTH_FAILED", "ansired"),
}
_CONNECTING: Final = ("CONNECTING", "ansiyellow")


async def interact(wishes: Wishes) -> int:
    """Runs lines until the person leaves; returns the exit code of the last one."""
    report = _AbovePrompt(make_report(wishes.form))
    report.banner(wishes.servers)
    shell = make_shell(wishes, report, tells_states=True)
    try:
        if wishes.waits and not await is_connected(shell, report, []):
            return 1
        report.welcome(True)
        await _wait_a_moment(shell)
        await _run_lines(shell, report)
    finally:
        await shell.close()
    return shell.exit_code


async def _wait_a_moment(shell: Shell) -> None:
    """Most servers answer at once; the first prompt then says so. The others are not waited for."""
    try:
        await shell.zk.wait_for(SessionState.CONNECTED, SessionState.CONNECTED_READ_ONLY, timeout_s=0.5)
    except TimeoutError:
        return


async def _run_lines(shell: Shell, report: Report) -> None:
    session: PromptSession[str] = PromptSession(
        history=_line_history(),
        completer=_ShellCompleter(shell),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
    )
    while not shell.is_over:
        try:
            line = await session.prompt_async(lambda: _prompt(shell))
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        await _run_interruptibly(shell, report, line)


async def _run_interruptibly(shell: Shell, report: Report, line: str) -> None:
    running = asyncio.ensure_future(shell.run_line(line))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, running.cancel)
    try:
        await asyncio.wait([running])
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    if running.cancelled():
        report.note("\nGiven up. What was sent already may still be done.")
    else:
        running.result()


def _prompt(shell: Shell) -> StyleAndTextTuples:
    state, colour = _STATES.get(shell.zk.state, _CONNECTING)
    host, _, chroot = shell.servers.partition("/")
    server = shell.zk.server
    where = host if server is None else f"{server[0]}:{server[1]}"
    return [
        ("", "[zk: "),
        ("ansicyan", where + (f"/{chroot}" if chroot else "")),
        ("", "("),
        (colour, state),
        ("", f") {shell.history.next_number}] "),
    ]


class _AbovePrompt:
    """Passes everything on; what comes while a line is typed goes above it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.begin, self.show, self.note = report.begin, report.show, report.note
        self.fail, self.unknown, self.end = report.fail, report.unknown, report.end
        self.banner, self.welcome = report.banner, report.welcome

    def event(self, event: Event) -> None:
        app = get_app_or_none()
        if app is None or not app.is_running:
            self._report.event(event)
        else:
            run_in_terminal(lambda: self._report.event(event))


def _line_history() -> LineHistory:
    """A file under the user's state, or memory where there is no home to write to."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    folder = os.path.join(home, "zkeeper")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return InMemoryHistory()
    return _DiscreetHistory(os.path.join(folder, "shell_history"))


class _DiscreetHistory(FileHistory):
    """A file that cannot be read or written ends no shell; the lines are then forgotten with it."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return super().load_history_strings()
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        if "addauth" not in string:
            with suppress(OSError):
                super().store_string(string)


class _ShellCompleter(Completer):
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> list[Completion]:
        return []

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        wanted = wanted_completion(document.text_before_cursor)
        if wanted.kind is Kind.PATH:
            for completion in await self._paths(wanted.prefix):
                yield completion
        for word, meaning in wanted.words.items():
            yield Completion(f"{word} ", -len(wanted.prefix), display=word, display_meta=meaning)

    async def _paths(self, prefix: str) -> list[Completion]:
        if not prefix:
            return [Completion("/", 0)]
        wanted = path_prefix(prefix)
        names = [name for name in await _names_below(self._shell.zk, wanted.parent) if name.startswith(wanted.name)]
        return [
            Completion(child_path(wanted.parent, name), -len(prefix), display=name)
            for name in sorted(names)[:MAX_COMPLETIONS]
        ]


async def _names_below(zk: "AsyncClient", path: str) -> list[str]:
    """None where they cannot be told: Tab never fails."""
    try:
        async with asyncio.timeout(COMPLETION_TIMEOUT_S):
            return await zk.children(path)
    except (TimeoutError, ZooKeeperError):
        return []
