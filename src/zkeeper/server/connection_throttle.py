"""The token bucket that connect requests pay from, with random early drop (semantics, section 17).

1. The bucket never holds more than its capacity, and a connection that is refused pays nothing.
2. The chance of a random refusal moves at most once per freeze time: up when the bucket is empty, down when little of
   it is missing.
"""

import math
from collections.abc import Callable
from random import Random

from zkeeper.pipeline.stats import ServiceStats
from zkeeper.server.config.model import ConnectionThrottleConfig

NO_RANDOM_DROP = -1


class ConnectionThrottle:
    """`now_ms` is a monotonic clock; the chance and what is missing from the bucket are shown in `stats`.

    `has_local_sessions` says that new sessions are local ones.
    """

    def __init__(
        self, config: ConnectionThrottleConfig, random: Random, now_ms: Callable[[], int], stats: ServiceStats,
        has_local_sessions: bool = False,
    ) -> None:  # fmt: skip
        self._config = config
        self._random = random
        self._now_ms = now_ms
        self._stats = stats
        self._new_session_weight = config.local_session_weight if has_local_sessions else config.global_session_weight
        self._tokens = config.tokens
        self._filled_ms = now_ms()
        self._frozen_ms = self._filled_ms

    def admit(self, session_id: int) -> bool:
        """Whether a connect request for `session_id`, 0 for a new session, may pass."""
        now_ms = self._now_ms()
        self._fill(now_ms)
        if self._config.freeze_time_ms != NO_RANDOM_DROP and self._drops_at_random(now_ms):
            return False
        price = self._price(session_id)
        if self._tokens < price:
            return False
        self._tokens -= price
        self._stats.connection_token_deficit.add(self._config.tokens - self._tokens)
        return True

    def _fill(self, now_ms: int) -> None:
        config = self._config
        elapsed_ms = now_ms - self._filled_ms
        if elapsed_ms > config.fill_time_ms:
            self._tokens = min(config.tokens, self._tokens + elapsed_ms * config.fill_count // config.fill_time_ms)
            self._filled_ms = now_ms

    def _drops_at_random(self, now_ms: int) -> bool:
        if now_ms - self._frozen_ms > self._config.freeze_time_ms:
            self._frozen_ms = now_ms
            self._move_chance()
        return self._random.random() < self._stats.connection_drop_probability

    def _move_chance(self) -> None:
        config, chance = self._config, self._stats.connection_drop_probability
        if self._tokens == 0:
            chance = min(1.0, chance + config.drop_increase)
        elif config.tokens - self._tokens <= math.floor(config.tokens * config.decrease_ratio + 0.5):
            chance = max(0.0, chance - config.drop_decrease)
        self._stats.connection_drop_probability = chance

    def _price(self, session_id: int) -> int:
        config = self._config
        if not config.is_weight_enabled:
            return 1
        return self._new_session_weight if session_id == 0 else config.renew_session_weight
