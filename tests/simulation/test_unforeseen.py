"""Something fails that nobody thought of: the server stops, for memory and log may not agree any more."""

from collections.abc import Callable
from typing import Any

import pytest

from zkeeper.server import standalone
from zkeeper.testing.simulation import UnhandledError

from .requests import Create, GetData, SetData
from .scenario import Scenario

WORDS = "nobody thought of this"


def fail(*_: Any) -> Any:
    raise RuntimeError(WORDS)


class Failing:
    """Has whatever method is asked for, and none works."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return fail


def fail_to_prepare(world: Scenario) -> None:
    world.server.service.wall_ms = fail


def fail_to_append(world: Scenario) -> None:
    world.server.service.connect_log(Failing(), fail)


def fail_to_apply(world: Scenario) -> None:
    world.server.service.audit = Failing()


def fail_to_write(world: Scenario) -> None:
    world.server.log._log._files._disk = Failing()


def fail_behind_a_sync(world: Scenario) -> None:
    trigger = world.server.log._commit._trigger
    trigger._txns_limit = 0
    trigger._random = Failing()


PLACES = [fail_to_prepare, fail_to_append, fail_to_apply, fail_to_write, fail_behind_a_sync]


def stops(world: Scenario) -> None:
    """The server ends by itself, in order, and says why."""
    server = world.server
    with pytest.raises(UnhandledError, match=WORDS):
        world.sim.run_for(1)
    assert world.node.is_over
    assert str(server.failure) == WORDS
    world.sim.run(server.stop(), world.node.machine)


@pytest.mark.parametrize("break_it", PLACES)
def test_what_fails_on_the_road_of_writes_stops_the_server(break_it: Callable[[Scenario], None]) -> None:
    """And what was acknowledged is there again when it starts."""
    with Scenario() as world:
        client = world.connect(timeout_ms=40_000)
        world.create(client, "/a")
        break_it(world)
        first, second, _ = world.post(client, SetData("/a", b"new"), Create("/b"), GetData("/a"))
        stops(world)
        is_told = [sent.reply is not None for sent in (first, second)]
        world.node.machine.kill()
        world.node.start()
        nodes = world.node.photo().nodes
        assert nodes["/a"].data == b"new" or not is_told[0]
        assert "/b" in nodes or not is_told[1]
        again = world.connect(session=client.session)
        assert world.call(again, Create("/after")).code == 0


@pytest.mark.parametrize("task", ["expire_for_ever", "reap_for_ever"])
def test_a_task_that_ends_stops_the_server(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it sessions would live, and locks be held, for ever."""

    async def end(*_: Any) -> None:
        fail()

    monkeypatch.setattr(standalone, task, end)
    with Scenario() as world:
        stops(world)
