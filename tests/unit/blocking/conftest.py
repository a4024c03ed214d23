"""A server in this process, a client of it, and programs of their own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zkeeper
from zkeeper import Client
from zkeeper.testing import Server

DEADLINE_S = 60.0
SOURCE = str(Path(zkeeper.__file__).parents[1])

BEGINNING = '''
import os, signal, sys, threading
import zkeeper
from zkeeper import blocking, SessionState
from zkeeper.blocking import ForkedError
from zkeeper.testing import Server

# A shell that runs the tests in the background has SIGINT ignored, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

def wait_until(is_so):
    while not is_so():
        os.sched_yield()

def waiting(zk):
    return len(zk._core._thread._waiting)

def signal_main_thread(number, zk, is_noticed):
    """While it waits for one call. A signal that comes just before it waits is not noticed, so one is not enough."""
    wait_until(lambda: waiting(zk) == 1)
    while not is_noticed():
        signal.pthread_kill(threading.main_thread().ident, number)
        os.sched_yield()
'''

Program = Callable[..., str]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with Server(in_memory=True) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    """With an empty tree, and no fault."""
    shared_server.reset_tree()
    return shared_server


@pytest.fixture
def zk(server: Server) -> Iterator[Client]:
    with Client(server.address) as zk:
        yield zk
        server.heal()


@pytest.fixture(params=["uvloop", "asyncio"])
def program(request: pytest.FixtureRequest) -> Program:
    """Runs a program in a process of its own, with either loop, and returns what it prints. It has to end well."""
    loop = "import sys; sys.modules['uvloop'] = None\n" if request.param == "asyncio" else ""

    def run(source: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", loop + BEGINNING + source, *arguments],
            env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run
