"""The shell under a line editor that reads from the test."""

import asyncio
import io
from pathlib import Path

import pytest
from cli_server import running_server
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from zkeeper.cli.connecting import Connecting
from zkeeper.cli.shell import terminal
from zkeeper.cli.shell.reports.people import PeopleReport
from zkeeper.cli.shell.session import Form, Wishes, make_shell


def wishes_for(server: str) -> Wishes:
    return Wishes(server, Connecting(), Form.PEOPLE, False)


@pytest.fixture(autouse=True)
def _state_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_typed_lines_run_and_are_kept_but_for_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=100)
    monkeypatch.setattr(terminal, "make_report", lambda form: PeopleReport(console))

    async def session() -> int:
        async with running_server(tmp_path / "data") as server:
            with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
                typed.send_text("create /a hello\nget /a\naddauth digest u:secret\nwhoami\nls /none\n\x04")
                return await terminal.interact(wishes_for(server))

    assert asyncio.run(session()) == 1
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    for text in ("Created /a", "\nhello\n", "digest   u", "Node does not exist: /none"):
        assert text in said
    kept = (tmp_path / "state" / "zkeeper" / "shell_history").read_text()
    assert "+create /a hello" in kept
    assert "secret" not in kept


def test_tab_completes_commands_and_paths(tmp_path: Path) -> None:
    async def completions(text: str, server: str) -> list[tuple[str, int]]:
        shell = make_shell(wishes_for(server), PeopleReport(Console(file=io.StringIO())), tells_states=False)
        await shell.run_line("create /app")
        await shell.run_line("create /apple")
        await shell.run_line("create /app/x")
        completer = terminal._ShellCompleter(shell)
        document, event = Document(text), CompleteEvent(completion_requested=True)
        found = [(one.text, one.start_position) async for one in completer.get_completions_async(document, event)]
        await shell.close()
        return found

    async def all_completions() -> list[list[tuple[str, int]]]:
        async with running_server(tmp_path / "data") as server:
            return [await completions(text, server) for text in ("getE", "ls /a", "ls /app/", "ls /none/", "ls ")]

    assert asyncio.run(all_completions()) == [
        [("getEphemerals ", -4)],
        [("/app", -2), ("/apple", -2)],
        [("/app/x", -5)],
        [],
        [("/", 0)],
    ]
