"""Shells in sessions with a real server: what a recorded transcript cannot show."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cli_server import running_server

from zkeeper import AsyncClient
from zkeeper.cli.connecting import Connecting
from zkeeper.cli.shell.reports import Event, Failure
from zkeeper.cli.shell.results import Result
from zkeeper.cli.shell.session import Form, Wishes, make_shell
from zkeeper.cli.shell.shell import Shell
from zkeeper.cli.walk import MAX_IN_FLIGHT
from zkeeper.errors import ReconfigDisabledError
from zkeeper.testing import Server
from zkeeper.values import SessionState

DEADLINE_S = 20.0


class Notebook:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.shown: list[Result] = []
        self.notes: list[str] = []
        self.failures: list[Failure] = []
        self.unknown_words: list[str] = []
        self.events: list[Event] = []
        self.ends: list[int] = []
        self.news = asyncio.Event()

    def begin(self, words: list[str]) -> None:
        self.shown = []

    def show(self, result: Result) -> None:
        self.shown.append(result)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def fail(self, failure: Failure) -> None:
        self.failures.append(failure)

    def unknown(self, word: str) -> None:
        self.unknown_words.append(word)

    def end(self, exit_code: int) -> None:
        self.ends.append(exit_code)

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    def banner(self, servers: str) -> None: ...

    def welcome(self, is_line_editor: bool) -> None: ...


Scenario = Callable[[Shell, Notebook], Awaitable[None]]


def in_shell(folder: Path, scenario: Scenario, address: str | None = None, timeout_ms: int = 10_000) -> None:
    async def run() -> None:
        async with running_server(folder) as server:
            notebook = Notebook()
            wishes = Wishes(address or server, Connecting(timeout_ms), Form.PLAIN, False)
            shell = make_shell(wishes, notebook, tells_states=True)
            try:
                await asyncio.wait_for(scenario(shell, notebook), DEADLINE_S)
            finally:
                await shell.close()

    asyncio.run(run())


async def run_all(shell: Shell, *lines: str) -> list[int]:
    return [await shell.run_line(line) for line in lines]


def test_exit_codes(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, "ls /", "ls /none", "foo", "ls", "ls -q /", "", "quit") == [0, 1, 127, 1, 1, 1, 1]
        assert shell.is_over
        assert notebook.failures[0] == Failure("Node does not exist: /none", "NoNode", "/none", -101)
        assert notebook.unknown_words == ["foo"]

    in_shell(tmp_path, scenario)


def test_a_redone_command_counts_as_itself(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, "ls /none", "redo 0", "redo x", "redo 7", "version") == [1, 1, 1, 1, 0]
        assert shell.history.last()[1] == (1, "ls /none")
        assert [one.text for one in notebook.failures[2:]] == ["Command index out of range"] * 2

    in_shell(tmp_path, scenario)


def test_connect_ends_one_session_and_begins_another(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        await run_all(shell, "create -e /e")
        first = shell.zk.session_id
        assert await run_all(shell, "connect", "get /e") == [0, 1]
        assert shell.zk.session_id != first
        assert [event.state for event in notebook.events] == ["SyncConnected", "Closed", "SyncConnected"]

    in_shell(tmp_path, scenario)


def test_connect_with_a_chroot_sees_paths_below_it(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        await run_all(shell, "create /app", f"connect {shell.servers}/app", "create /a x", "get /none")
        assert notebook.failures[-1].text == "Node does not exist: /none"
        assert await run_all(shell, f"connect {shell.servers.removesuffix('/app')}", "get /app/a") == [0, 0]

    in_shell(tmp_path, scenario)


def test_an_event_that_fires_two_watches_is_told_once(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        await run_all(shell, "create /a x", "get -w /a", "stat -w /a", "addWatch /a", "addWatch -m PERSISTENT /a")
        notebook.events.clear()
        await run_all(shell, "set /a y", "sync /")
        assert [(event.type, event.path) for event in notebook.events] == [("NodeDataChanged", "/a")]
        await run_all(shell, "set /a z", "sync /")
        assert len(notebook.events) == 2

    in_shell(tmp_path, scenario)


def test_a_refused_credential_ends_the_session_until_connect(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, "addauth nonsense x") == [1]
        assert notebook.events[-1].state == "AuthFailed"
        assert await run_all(shell, "ls /", "connect", "ls /") == [0, 0, 0]

    in_shell(tmp_path, scenario)


def test_a_credential_may_be_left_out(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, "addauth ip", "addauth digest") == [0, 1]
        assert notebook.events[-1].state == "AuthFailed"

    in_shell(tmp_path, scenario)


def test_removewatches_l_needs_no_server() -> None:
    async def scenario(shell: Shell, notebook: Notebook, server: Server) -> None:
        assert await run_all(shell, "ls -w /", "stat -w /a") == [0, 1]
        server.refuse_connections()
        server.drop_connections()
        await asyncio.wait_for(shell.zk.wait_for(SessionState.SUSPENDED), DEADLINE_S)
        assert await run_all(shell, "removewatches / -c -l", "removewatches / -l") == [0, 1]
        assert [event.type for event in notebook.events if event.path == "/"] == ["ChildWatchRemoved"]
        assert notebook.failures[-1].text == "KeeperErrorCode = No such watcher for /"
        server.heal()

    with Server() as server:
        asyncio.run(asyncio.wait_for(_play(scenario, server), DEADLINE_S))


async def _play(scenario: Callable[[Shell, Notebook, Server], Awaitable[None]], server: Server) -> None:
    notebook = Notebook()
    shell = make_shell(Wishes(server.address, Connecting(10_000), Form.PLAIN, False), notebook, tells_states=True)
    try:
        await scenario(shell, notebook, server)
    finally:
        await shell.close()


def test_no_server_is_a_lost_connection_after_the_timeout(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, "ls /a") == [1]
        assert notebook.failures == [Failure("KeeperErrorCode = ConnectionLoss for /a", "ConnectionLoss", "/a", -4)]

    in_shell(tmp_path, scenario, address="127.0.0.1:1", timeout_ms=100)


@pytest.mark.parametrize("option", ["", "-b 7", "-b 0"])
def test_deleteall_deletes_leaves_first_in_batches(tmp_path: Path, option: str) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        await run_all(shell, "create /t")
        await asyncio.gather(*(shell.zk.create(f"/t/{at}") for at in range(MAX_IN_FLIGHT + 44)))
        await asyncio.gather(*(shell.zk.create(f"/t/7/{at}") for at in range(10)))
        assert await run_all(shell, f"deleteall /t {option}", "stat /t") == [0, 1]

    in_shell(tmp_path, scenario)


def test_deleteall_tells_what_it_could_not_do(tmp_path: Path) -> None:
    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, "deleteall /zookeeper") == [1]
        assert notebook.failures[-1].text == "Failed to delete some node(s) in the subtree!"

    in_shell(tmp_path, scenario)


def test_reconfig_takes_groups_and_weights_out_of_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = tmp_path / "members"
    members.write_text("server.1=h:1:2;3\nother=x\ngroup.1=1\nweight.1=2\n")
    asked: list[Any] = []

    async def note(zk: AsyncClient, **arguments: Any) -> None:
        asked.append(arguments["members"])
        raise ReconfigDisabledError

    monkeypatch.setattr(AsyncClient, "reconfig", note)

    async def scenario(shell: Shell, notebook: Notebook) -> None:
        await run_all(shell, f"reconfig -file {members}")
        assert asked == [["server.1=h:1:2;3", "group.1=1", "weight.1=2"]]

    in_shell(tmp_path / "data", scenario)


def test_reconfig_reads_a_file_of_members(tmp_path: Path) -> None:
    members = tmp_path / "members"
    members.write_text("# new\nserver.1=Host:1:2;3\nother=x\n")

    async def scenario(shell: Shell, notebook: Notebook) -> None:
        assert await run_all(shell, f"reconfig -file {members}", f"reconfig -file {tmp_path}/none") == [1, 1]
        texts = [failure.text for failure in notebook.failures]
        assert texts[0] == "KeeperErrorCode = Reconfig is disabled"
        assert texts[1].endswith("(No such file or directory)")

    in_shell(tmp_path / "data", scenario)
