"""What a process held that is killed (SIGKILL) passes on to programs of other languages when its session expires.

Everything is held by one process and waited for by another, so that one death shows it all.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import pytest

from .clients.harness import wait_for
from .players import REPLY_DEADLINE_S, Actor, Player
from .stage import Scene, results

VICTIM_SESSION_MS = 3_000
# What the victim holds, and what the survivor then waits for.
CONTESTED = {"mutex": "mutex", "write": "read", "read": "write", "semaphore": "semaphore", "election": "election"}
CASTS = [("ours", "curator"), ("curator", "ours"), ("ours", "kazoo"), ("kazoo", "ours")]
SERVICE = {
    "name": "shop", "id": "s-1", "address": "10.0.0.1", "port": 80, "ssl_port": None, "uri_spec": None,
    "type": "DYNAMIC", "registered_at_ms": 1, "enabled": True, "payload": None,
}  # fmt: skip


class Will:
    """What is to become of what the doomed process has."""

    def __init__(self, scene: Scene, doomed: Player, survivor: str) -> None:
        self._scene = scene
        self._doomed = doomed
        self._survivor = survivor
        self._layout = survivor if doomed.language == "ours" else doomed.language
        self.tokens: dict[str, int | None] = {}
        self.waiting: dict[str, Future[Any]] = {}
        self.seen: dict[str, Callable[[], bool]] = {}
        self._write()

    def _write(self) -> None:
        for held, wanted in CONTESTED.items():
            theirs, ours = self._pair(held, wanted, held)
            self.tokens[held] = theirs.tell("acquire")
            self.waiting[held] = ours.ask("acquire")
        if self._survivor != "curator":  # Curator's may leave alone: see `test_across_meetings.py`.
            self._meet_at_a_barrier()
        self._queue_behind_a_waiter()
        self._see_a_member()
        if self._layout == "curator":
            self._follow_a_leader()
            self._see_a_service()
            self._see_a_znode()

    def _pair(self, theirs: str, ours: str, at: str) -> tuple[Actor, Actor]:
        doomed = self._scene.played_by(self._doomed, theirs, at, limit=1, layout=self._layout)
        return doomed, self._scene.actor(self._survivor, ours, at, limit=1, layout=self._layout)

    def _meet_at_a_barrier(self) -> None:
        theirs = self._scene.played_by(self._doomed, "barrier", "barrier", limit=2)
        ours = self._scene.actor(self._survivor, "barrier", "barrier", limit=2)
        results([theirs.ask("enter"), ours.ask("enter")])
        self.waiting["barrier"] = ours.ask("leave")

    def _queue_behind_a_waiter(self) -> None:
        """The holder lets go, but the next in the queue is the doomed one: it has the lock when it dies."""
        theirs, ours = self._pair("mutex", "mutex", "queue")
        holder = self._scene.actor(self._survivor, "mutex", "queue", layout=self._layout)
        holder.tell("acquire")
        self._scene.queue(theirs, "queue", "acquire")
        self.waiting["queue"] = self._scene.queue(ours, "queue", "acquire")
        holder.tell("release")

    def _follow_a_leader(self) -> None:
        theirs, ours = self._pair("latch", "latch", "latch")
        for latch in (theirs, ours):
            latch.tell("start")
            theirs.tell("wait")
        self.waiting["latch"] = ours.ask("wait")

    def _see_a_member(self) -> None:
        theirs, ours = self._pair("group", "group", "group")
        theirs.tell("join")
        ours.tell("join")
        self.seen["group"] = lambda: len(ours.tell("members")) == 2

    def _see_a_service(self) -> None:
        theirs, ours = self._pair("discovery", "discovery", "services")
        theirs.tell("register", SERVICE)
        self.seen["service"] = lambda: ours.tell("ids", "shop") == ["s-1"]

    def _see_a_znode(self) -> None:
        theirs, ours = self._pair("node", "node", "node")
        theirs.tell("start")
        theirs.tell("present")
        first = self._scene.owner("node")
        ours.tell("start")
        self.seen["znode"] = lambda: self._scene.owner("node") in (0, first)


@pytest.mark.parametrize(("victim", "survivor"), CASTS)
def test_what_a_killed_process_held_passes_on(scene: Scene, victim: str, survivor: str) -> None:
    with scene.stage.extra(victim, VICTIM_SESSION_MS) as doomed:
        will = Will(scene, doomed, survivor)
        for name, is_seen in will.seen.items():
            wait_for(is_seen, f"the {name} to be seen")
        doomed.kill()
        killed_at_s = time.monotonic()
    assert [name for name, order in will.waiting.items() if order.done()] == []
    wait(will.waiting.values(), REPLY_DEADLINE_S, FIRST_COMPLETED)
    # Clients send something at least every third of their timeout.
    assert time.monotonic() - killed_at_s > VICTIM_SESSION_MS / 1000 / 2
    outcomes = dict(zip(will.waiting, results(list(will.waiting.values())), strict=True))
    later = [name for name, token in will.tokens.items() if token is not None and outcomes[name] > token]
    assert later == ["mutex", "write", "read", "semaphore"]
    for name, is_seen in will.seen.items():
        wait_for(lambda seen=is_seen: not seen(), f"the {name} to be seen no more")
