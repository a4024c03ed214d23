"""The token bucket for connect requests: what it refuses, what it costs, and how the chance of a refusal moves."""

from random import Random

import pytest
import raw_wire as raw
from pipeline_harness import Server

from zkeeper.pipeline.stats import ServiceStats
from zkeeper.server.config.model import ConnectionThrottleConfig
from zkeeper.server.connection_throttle import ConnectionThrottle


class Dice(Random):
    """Throws what the test says."""

    throw = 0.0

    def random(self) -> float:
        return self.throw


class Bucket:
    def __init__(self, config: ConnectionThrottleConfig) -> None:
        self.now_ms = 1000
        self.dice = Dice()
        self.stats = ServiceStats()
        self.throttle = ConnectionThrottle(config, self.dice, lambda: self.now_ms, self.stats)

    def admits(self, count: int, session_id: int = 0) -> list[bool]:
        return [self.throttle.admit(session_id) for _ in range(count)]

    @property
    def chance(self) -> float:
        return round(float(self.stats.connection_drop_probability), 6)


def test_a_full_bucket_admits_as_many_as_it_holds() -> None:
    bucket = Bucket(ConnectionThrottleConfig(tokens=3))
    assert bucket.admits(5) == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("passed_ms", "admitted"),
    [(10, 0), (11, 2), (19, 3), (20, 4), (24, 4), (25, 5), (1000, 5)],
)
def test_it_fills_when_more_than_the_fill_time_has_passed(passed_ms: int, admitted: int) -> None:
    bucket = Bucket(ConnectionThrottleConfig(tokens=5, fill_time_ms=10, fill_count=2))
    bucket.admits(5)
    bucket.now_ms += passed_ms
    assert bucket.admits(9).count(True) == admitted


def test_the_deficit_is_measured_for_those_that_pass() -> None:
    bucket = Bucket(ConnectionThrottleConfig(tokens=2))
    bucket.admits(4)
    deficit = bucket.stats.connection_token_deficit
    assert (deficit.count, deficit.minimum, deficit.maximum) == (2, 1, 2)


@pytest.mark.parametrize(("session_id", "admitted"), [(0, 2), (77, 3)])
def test_weights_make_a_new_session_dearer_than_an_old_one(session_id: int, admitted: int) -> None:
    config = ConnectionThrottleConfig(tokens=7, is_weight_enabled=True)
    assert Bucket(config).admits(9, session_id).count(True) == admitted
    assert Bucket(ConnectionThrottleConfig(tokens=7)).admits(9, session_id).count(True) == 7


# Random early drop.

BLUE = ConnectionThrottleConfig(
    tokens=4, fill_time_ms=100, fill_count=4, freeze_time_ms=10, drop_increase=0.4, drop_decrease=0.3,
    decrease_ratio=0.5,
)  # fmt: skip


def moved(bucket: Bucket, ms: int) -> float:
    """The chance after one more connect request, `ms` later."""
    bucket.now_ms += ms
    bucket.admits(1)
    return bucket.chance


def test_the_chance_rises_while_the_bucket_is_empty_once_per_freeze_time_and_up_to_certainty() -> None:
    bucket = Bucket(BLUE)
    bucket.admits(4)
    assert [moved(bucket, ms) for ms in (10, 1, 5, 6, 11, 11)] == [0.0, 0.4, 0.4, 0.8, 1.0, 1.0]


def test_the_chance_falls_while_little_is_missing() -> None:
    bucket = Bucket(BLUE)
    bucket.stats.connection_drop_probability = 0.5
    bucket.dice.throw = 0.9
    assert [moved(bucket, 11) for _ in range(4)] == [0.2, 0.0, 0.0, 0.0]


def test_the_chance_stays_while_more_is_missing_and_the_bucket_not_empty() -> None:
    bucket = Bucket(BLUE)
    bucket.dice.throw = 0.9
    bucket.admits(3)
    bucket.stats.connection_drop_probability = 0.5
    assert moved(bucket, 11) == 0.5


@pytest.mark.parametrize(("throw", "passes"), [(0.49, False), (0.5, True)])
def test_a_throw_below_the_chance_refuses_and_costs_no_token(throw: float, passes: bool) -> None:
    bucket = Bucket(BLUE)
    bucket.dice.throw = throw
    bucket.stats.connection_drop_probability = 0.5
    assert bucket.admits(1) == [passes]
    bucket.dice.throw = 0.9
    assert bucket.admits(9).count(True) == (3 if passes else 4)


def test_without_a_freeze_time_nothing_is_refused_at_random() -> None:
    bucket = Bucket(ConnectionThrottleConfig(tokens=2, freeze_time_ms=-1))
    bucket.stats.connection_drop_probability = 1.0
    assert bucket.admits(3) == [True, True, False]


# At the door.


def test_a_refused_connection_is_closed_unanswered_and_counted() -> None:
    server = Server()
    config = ConnectionThrottleConfig(tokens=1)
    server.service.handshake.admit_connection = ConnectionThrottle(
        config, Random(1), lambda: server.now_ms, server.service.stats
    ).admit
    first = server.connect()
    refused = server.open()
    assert refused.handshake(raw.connect()) == b""
    assert refused.is_closed
    assert (server.service.stats.connections_dropped, server.service.stats.connections_rejected) == (0, 1)
    server.now_ms += 100
    first.link.lost()
    again = server.open()
    again.handshake(raw.connect(session_id=first.session_id, password=first.password))
    assert again.session_id == first.session_id
