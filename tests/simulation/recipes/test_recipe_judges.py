"""The judges of the games see what they are for: each recipe, broken on purpose, is found out within some seeds."""

from collections.abc import Callable
from typing import Any

import pytest

from zkeeper.recipes.atomic_value import AtomicValue, Versioned
from zkeeper.recipes.double_barrier import DoubleBarrier
from zkeeper.recipes.id_generator import IdGenerator
from zkeeper.recipes.lease import Lease

from .game import Violation
from .games import GAMES, MakeGame
from .lock_games import LatchGame, LockGame, MultiLockGame, PartitionGame, ReadWriteGame, SemaphoreGame
from .meeting_games import BarrierGame, DoubleBarrierGame
from .recipe_run import recipe_run
from .value_games import CounterGame, IdGame, LeaseGame, QueueGame
from .view_games import CacheGame, ConfigGame, DiscoveryGame, GroupGame, NodeGame, SmallCacheGame

SEEDS = 40


async def _always(*_: object, **__: object) -> bool:
    return True


async def _nothing(*_: object, **__: object) -> None:
    return None


async def _set_anyway(self: AtomicValue, seen: Versioned, data: bytes) -> bool:
    await self._zk.set(self.path, data)
    return True


async def _reserve_alone(self: IdGenerator) -> int:
    return self._end + self.block_size


async def _obtain_anyway(self: Lease) -> bool:
    return True


async def _in_at_once(self: DoubleBarrier, wake: object) -> tuple[list[str], bool]:
    assert self._own is not None
    return [self._own.name], True


def _wrong_is_minus_one(path: str, data: bytes, kind: Any) -> Any:
    return kind(data.decode()) if kind is str or data.isdigit() else -1


BREAKAGES: list[tuple[MakeGame, str, Callable[..., Any]]] = [
    *((game, "zkeeper.recipes.place.Place._comes_first", _always)
      for game in (LockGame, ReadWriteGame, LatchGame, MultiLockGame)),
    (PartitionGame, "zkeeper.recipes.partitioner.Partitioner.release", _nothing),
    (SemaphoreGame, "zkeeper.recipes.semaphore.Semaphore._has_room", _always),
    (CounterGame, "zkeeper.recipes.atomic_value.AtomicValue.compare_and_set", _set_anyway),
    (QueueGame, "zkeeper.recipes.queue.Queue.put", _nothing),
    (IdGame, "zkeeper.recipes.id_generator.IdGenerator._reserve", _reserve_alone),
    (LeaseGame, "zkeeper.recipes.lease.Lease.obtain", _obtain_anyway),
    (BarrierGame, "zkeeper.recipes.barrier.Barrier.wait", _always),
    (DoubleBarrierGame, "zkeeper.recipes.double_barrier.DoubleBarrier._look", _in_at_once),
    *((game, "zkeeper.recipes.mirror.Mirror._note", lambda self, event: None) for game in (CacheGame, SmallCacheGame)),
    (ConfigGame, "zkeeper.recipes.config_watch.convert", _wrong_is_minus_one),
    *((game, "zkeeper.recipes.persistent_node.PersistentNode._remove", _nothing)
      for game in (NodeGame, GroupGame, DiscoveryGame)),
]  # fmt: skip


def _play(game: MakeGame) -> None:
    for seed in range(SEEDS):
        recipe_run(seed, games=[game])


@pytest.mark.parametrize(("game", "target", "broken"), BREAKAGES)
def test_a_recipe_that_breaks_its_promise_is_found_out(
    game: MakeGame, target: str, broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _play(game)
    monkeypatch.setattr(target, broken)
    with pytest.raises(Violation):
        _play(game)


def test_each_game_is_broken_here() -> None:
    assert {game for game, _, _ in BREAKAGES} == set(GAMES)
