"""Starting and stopping again and again leaves nothing behind: no thread, no task, no descriptor."""

import asyncio
import gc
import os
import threading

import pytest

from zkeeper import Client
from zkeeper.errors import ConnectionLossError
from zkeeper.testing import Server

ROUNDS = [40, pytest.param(1000, marks=pytest.mark.slow)]


def left_behind() -> tuple[list[str], int, int]:
    """Threads, open descriptors, and tasks that are not done."""
    gc.collect()
    tasks = [each for each in gc.get_objects() if isinstance(each, asyncio.Task) and not each.done()]
    return sorted(thread.name for thread in threading.enumerate()), len(os.listdir("/proc/self/fd")), len(tasks)


def visit(server: Server, number: int) -> None:
    with Client(server.address) as zk:
        zk.on_state(lambda state: None)
        zk.exists("/a", watch=lambda event: None)
        with zk.watch("/a", recursive=True) as watch:
            watch.add_callback(lambda event: None)
            zk.create("/a", b"%d" % number, ephemeral=True)
            assert zk.states().next() is zk.state


@pytest.mark.parametrize("rounds", ROUNDS)
def test_rounds(server: Server, rounds: int) -> None:
    visit(server, 0)
    before = left_behind()
    for number in range(rounds):
        visit(server, number)
    assert left_behind() == before
    assert server.session_ids == []


@pytest.mark.parametrize("rounds", ROUNDS)
def test_rounds_beside_a_client_that_stays(server: Server, zk: Client, rounds: int) -> None:
    """So the loop is always the same one."""
    visit(server, 0)
    before = left_behind()
    for number in range(rounds):
        visit(server, number)
    assert left_behind() == before
    assert server.session_ids == [zk.session_id]


@pytest.mark.parametrize("rounds", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_rounds_without_a_server(server: Server, rounds: int) -> None:
    server.refuse_connections()
    before = left_behind()
    for _ in range(rounds):
        client = Client(server.address)
        with pytest.raises(ConnectionLossError, match="no session within"):
            client.start(timeout_s=0.001)
    assert left_behind() == before
