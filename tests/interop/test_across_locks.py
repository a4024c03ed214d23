"""Locks of several languages on the same paths: Curator's and ours, kazoo's and ours, each in a process of its own.

Inside a lock a znode is counted up, by a read and two writes that are not atomic. Whoever sees it odd, or change, says
so; and two writers at a time make the sum too small.
"""

from typing import Any

import pytest

from .players import Actor
from .stage import Scene, results

TURNS = 5
PAIRS = pytest.mark.parametrize("other", ["curator", "kazoo"])


def queue_behind_a_gate(scene: Scene, at: str, gate: Actor, actors: list[Actor], counter: str) -> list[Any]:
    """Has the actors take turns at the lock. It is held until all of them have queued, one after the other."""
    gate.tell("acquire")
    waiting = [scene.queue(actor, at, "turns", TURNS, counter) for actor in actors]
    assert not [order for order in waiting if order.done()]
    gate.tell("release")
    return results(waiting)


@PAIRS
def test_holders_of_a_mutex_never_overlap_and_come_in_their_order(scene: Scene, other: str) -> None:
    languages = ["ours", other, other, "ours", other, "ours"]
    gate, *actors = [scene.actor(each, "mutex", "lock", layout=other) for each in [other, *languages]]
    counter = scene.create("counter", b"0")
    told = queue_behind_a_gate(scene, "lock", gate, actors, counter)
    assert [turns[0][1] for turns in told] == [2, 4, 6, 8, 10, 12]  # the order in which they had queued
    in_order = sorted((number, token) for turns in told for token, number in turns)
    assert [number for number, _ in in_order] == list(range(2, 2 * TURNS * len(actors) + 1, 2))
    tokens = [token for _, token in in_order]
    assert tokens == sorted(set(tokens))
    assert scene.data("counter") == str(2 * TURNS * len(actors)).encode()
    assert scene.children("lock") == []


@PAIRS
def test_readers_and_writers_take_turns(scene: Scene, other: str) -> None:
    cast = [("ours", "read"), (other, "read"), ("ours", "write"), (other, "read"), ("ours", "read"), (other, "write")]
    cast += [("ours", "read"), (other, "read"), (other, "write"), ("ours", "write")]
    gate = scene.actor("ours", "write", "rw", layout=other)
    actors = [scene.actor(language, side, "rw", layout=other) for language, side in cast]
    told = queue_behind_a_gate(scene, "rw", gate, actors, scene.create("counter", b"0"))
    assert [turns[0][1] for turns in told] == [0, 0, 2, 2, 2, 4, 4, 4, 6, 8]  # each sees the writers before it
    written = [turn for (_, side), turns in zip(cast, told, strict=True) if side == "write" for turn in turns]
    in_order = sorted((number, token) for token, number in written)
    assert [number for number, _ in in_order] == list(range(2, 2 * 4 * TURNS + 1, 2))
    assert in_order == sorted(in_order, key=lambda turn: turn[1])
    assert scene.children("rw") == []


@PAIRS
@pytest.mark.parametrize("ours_first", [True, False])
def test_readers_and_writers_exclude_each_other(scene: Scene, other: str, ours_first: bool) -> None:
    one, two = ("ours", other) if ours_first else (other, "ours")
    readers = [scene.actor(language, "read", "rw", layout=other) for language in (one, two)]
    writers = [scene.actor(language, "write", "rw", layout=other) for language in (one, two)]
    for reader in readers:
        reader.tell("acquire")
    for reader in readers:
        assert [writer.tell("try_acquire") for writer in writers] == [False, False]
        reader.tell("release")
    writers[0].tell("acquire")
    assert [reader.tell("try_acquire") for reader in readers] == [False, False]
    assert writers[1].tell("try_acquire") is False
    writers[0].tell("release")
    assert writers[1].tell("try_acquire") is True


@PAIRS
def test_a_semaphore_has_the_same_number_of_leases_for_all(scene: Scene, other: str) -> None:
    ours, theirs, late = [
        scene.actor(each, "semaphore", "leases", limit=2, layout=other) for each in ("ours", other, "ours")
    ]
    assert ours.tell("acquire") < theirs.tell("acquire")
    their_late = scene.actor(other, "semaphore", "leases", limit=2, layout=other)
    assert late.tell("try_acquire") is False
    assert their_late.tell("try_acquire") is False
    theirs.tell("release")
    assert late.tell("try_acquire") is True
    ours.tell("release")
    assert their_late.tell("try_acquire") is True


@PAIRS
def test_visitors_with_a_lease_are_never_too_many(scene: Scene, other: str) -> None:
    visitors = [scene.actor(each, "semaphore", "leases", limit=2, layout=other) for each in ("ours", other) * 3]
    place = scene.create("place")
    told = results([visitor.ask("visits", TURNS, place) for visitor in visitors])
    counts = [count for counts in told for count in counts]
    assert len(counts) == TURNS * len(visitors)
    assert set(counts) <= {1, 2}
    assert scene.children("leases/leases" if other == "curator" else "leases") == []
