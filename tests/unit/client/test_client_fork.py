"""What a fork leaves of an asyncio client. Each program is a process of its own; the server is in this one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zkeeper
from zkeeper.testing import Server

DEADLINE_S = 60.0
SOURCE = str(Path(zkeeper.__file__).parents[1])

BEGINNING = """
import asyncio, os, signal, sys
import zkeeper
from zkeeper import SessionState
from zkeeper.errors import ForkedError

address = sys.argv[1]

async def refused(ask):
    try:
        await ask()
    except ForkedError as error:
        return "make a new one" in str(error)
    return False

def in_child(work):
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        assert status == 0, status
        return
    signal.alarm(20)
    try:
        asyncio.run(work())
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
"""

Program = Callable[..., str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(in_memory=True) as server:
        yield server


@pytest.fixture(params=["uvloop", "asyncio"])
def program(request: pytest.FixtureRequest, server: Server) -> Program:
    """Runs a program in a process of its own, with either loop, and returns what it prints. It has to end well."""
    runner = "import uvloop as runner\n" if request.param == "uvloop" else "import asyncio as runner\n"
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    server.reset_tree()

    def run(source: str) -> str:
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", runner + BEGINNING + source, server.address],
            env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


def test_the_child_is_refused_and_the_parent_goes_on(program: Program) -> None:
    told = program("""
async def main():
    async with zkeeper.connect(address) as zk:
        await zk.create("/mine", ephemeral=True)
        told = []
        watch = zk.watch("/mine")
        await watch.start()
        zk.on_state(told.append)
        session_id = zk.session_id

        async def ask(call):
            return await call()

        async def work():
            calls = [
                lambda: zk.get("/"), lambda: zk.create("/b"), lambda: zk.ensure_path("/b/c"), zk.start,
                watch.__anext__, lambda: zk.watch("/"), zk.transaction().create("/c").commit,
                lambda: zk.add_auth("digest", "a:b"), lambda: zk.with_chroot("/x").get("/"),
            ]
            assert all([await refused(call) for call in calls])
            try:
                zk.update_hosts(address)
            except ForkedError:
                pass
            else:
                raise AssertionError
            assert zk.state is SessionState.CLOSED
            assert told == []
            watch.stop()
            await zk.close()
            assert await refused(lambda: zk.get("/"))
            async with zkeeper.connect(address) as own:
                assert (await own.get("/mine")).stat.ephemeral_owner == session_id
                await own.set("/mine", b"from the child")

        in_child(work)
        assert (await zk.get("/mine")).data == b"from the child"
        assert (zk.session_id, zk.state, told) == (session_id, SessionState.CONNECTED, [])
        print((await anext(watch)).type.name)

runner.run(main())
""")
    assert told.split() == ["DATA_CHANGED"]


def test_a_watch_that_is_freed_in_the_child_stays_with_the_parent(program: Program) -> None:
    told = program("""
async def main():
    async with zkeeper.connect(address) as zk:
        watches = [zk.watch("/w")]
        await watches[0].start()

        async def work():
            watches.clear()

        in_child(work)
        await zk.create("/w")
        print((await anext(watches[0])).type.name)

runner.run(main())
""")
    assert told.split() == ["CREATED"]


def test_a_client_that_was_not_started_starts_in_the_child(program: Program) -> None:
    program("""
zk = zkeeper.connect(address)

async def work():
    async with zk:
        assert await zk.children("/") == ["zookeeper"]

in_child(work)
runner.run(work())
""")
