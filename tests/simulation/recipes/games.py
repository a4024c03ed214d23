"""All games. A seed draws one of them, so a seed that once found a mistake draws from those that there were then."""

from collections.abc import Callable
from random import Random
from typing import Any

from .game import Game
from .lock_games import LatchGame, LockGame, MultiLockGame, PartitionGame, ReadWriteGame, SemaphoreGame
from .meeting_games import BarrierGame, DoubleBarrierGame
from .recipe_world import RecipeWorld
from .value_games import CounterGame, IdGame, LeaseGame, QueueGame
from .view_games import CacheGame, ConfigGame, DiscoveryGame, GroupGame, NodeGame, SmallCacheGame

MakeGame = Callable[[RecipeWorld, Random, Any], Game]

FIRST_GAMES: list[MakeGame] = [
    LockGame, ReadWriteGame, SemaphoreGame, LatchGame, CounterGame, QueueGame, CacheGame, GroupGame,
]  # fmt: skip
GAMES: list[MakeGame] = [
    *FIRST_GAMES, MultiLockGame, PartitionGame, IdGame, LeaseGame, BarrierGame, DoubleBarrierGame, SmallCacheGame,
    ConfigGame, NodeGame, DiscoveryGame,
]  # fmt: skip
