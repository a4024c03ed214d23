"""The faults of a test server as zkeeper's own asyncio client meets them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import zkeeper
from zkeeper import AsyncClient, SessionState
from zkeeper.testing import Server

PATIENCE_S = 20.0
LOST_AND_BACK = [SessionState.SUSPENDED, SessionState.LOST, SessionState.CONNECTED]
CUT_AND_BACK = [SessionState.SUSPENDED, SessionState.CONNECTED]


class Visit:
    """A client that is connected, and the states it went through since."""

    def __init__(self, server: Server, zk: AsyncClient) -> None:
        self.server = server
        self.zk = zk
        self.states: list[SessionState] = []
        self._changed = asyncio.Event()
        zk.on_state(self._note)

    def _note(self, state: SessionState) -> None:
        self.states.append(state)
        self._changed.set()

    async def wait_for(self, *states: SessionState) -> None:
        """Until it has gone through these; CONNECTING may come between."""
        async with asyncio.timeout(PATIENCE_S):
            while [state for state in self.states if state is not SessionState.CONNECTING] != list(states):
                self._changed.clear()
                await self._changed.wait()


def play(script: Callable[[Visit], Coroutine[Any, Any, None]], session_timeout_ms: int = 10_000) -> None:
    async def scene() -> None:
        with Server(in_memory=True) as server:
            async with zkeeper.connect(server.address, session_timeout_ms=session_timeout_ms) as zk:
                await script(Visit(server, zk))

    asyncio.run(scene())


def test_a_dropped_connection_is_made_again() -> None:
    async def script(visit: Visit) -> None:
        await visit.zk.create("/mine", ephemeral=True)
        session_id = visit.zk.session_id
        assert visit.server.drop_connections(session_id) == 1
        await visit.wait_for(*CUT_AND_BACK)
        stat = await visit.zk.exists("/mine")
        assert stat is not None
        assert stat.ephemeral_owner == session_id == visit.zk.session_id

    play(script)


def test_an_expired_session_is_told_and_replaced() -> None:
    async def script(visit: Visit) -> None:
        await visit.zk.create("/mine", ephemeral=True)
        session_id = visit.zk.session_id
        visit.server.expire(session_id)
        await visit.wait_for(*LOST_AND_BACK)
        assert visit.zk.session_id != session_id
        assert await visit.zk.exists("/mine") is None

    play(script)


def test_a_pause_longer_than_the_session_is_a_lost_session() -> None:
    """The client gives it up by its own clock; the server, which stood still, when it goes on."""

    async def script(visit: Visit) -> None:
        session_id = visit.zk.session_id
        visit.server.pause()
        await visit.zk.wait_for(SessionState.LOST, timeout_s=PATIENCE_S)
        visit.server.resume()
        await visit.zk.wait_for(SessionState.CONNECTED, timeout_s=PATIENCE_S)
        assert visit.zk.session_id != session_id

    play(script, session_timeout_ms=300)


def test_replies_that_are_late_keep_their_order() -> None:
    async def script(visit: Visit) -> None:
        visit.server.delay_ms = 20
        done: list[int] = []
        pending = [visit.zk.create(f"/{number}") for number in range(100)]
        for number, one in enumerate(pending):
            asyncio.ensure_future(one).add_done_callback(lambda _, number=number: done.append(number))
        await asyncio.gather(*pending)
        await asyncio.sleep(0)
        assert done == list(range(100))
        assert visit.states == []

    play(script)


@pytest.mark.parametrize("fault", ["restart", "outage"])
def test_a_session_outlives(fault: str) -> None:
    async def script(visit: Visit) -> None:
        session_id = visit.zk.session_id
        if fault == "restart":
            visit.server.restart()
        else:
            visit.server.refuse_connections()
            visit.server.drop_connections()
            await visit.wait_for(SessionState.SUSPENDED)
            visit.server.heal()
        await visit.wait_for(*CUT_AND_BACK)
        assert visit.zk.session_id == session_id
        assert await visit.zk.children("/") == ["zookeeper"]

    play(script)


def test_a_reset_is_a_new_session_on_an_empty_tree() -> None:
    async def script(visit: Visit) -> None:
        await visit.zk.create("/a")
        visit.server.reset_tree()
        await visit.wait_for(*LOST_AND_BACK)
        assert await visit.zk.children("/") == ["zookeeper"]

    play(script)
