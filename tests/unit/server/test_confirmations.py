"""Whether a leader leads still, by pings that a quorum has answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from zkeeper.quorum.verifiers import MajorityVerifier
from zkeeper.server.ensemble.confirmations import Confirmations
from zkeeper.server.ensemble.gathering import Gathering


@dataclass(eq=False)
class Learner:
    voter: int | None
    follows: bool = True
    pings: int = 7
    answered_pings: int = 7


class Rounds:
    """A leader, server 1 of five, with all others as learners; counts what was confirmed."""

    def __init__(self) -> None:
        self.learners: dict[int, Any] = {sid: Learner(sid) for sid in (2, 3, 4, 5)}
        self.learners[6] = Learner(None)
        self.is_alone = False
        self.confirmed: list[int] = []
        """How many, by round."""
        self.confirmations = Confirmations(self.ping, self.gathering, self.confirmed.append)

    def gathering(self) -> Gathering:
        return Gathering([MajorityVerifier(frozenset({1} if self.is_alone else {1, 2, 3, 4, 5}))], 1)

    def ping(self) -> None:
        for learner in self.learners.values():
            learner.pings += 1
        self.confirmations.pinged(self.learners.values())

    def answer(self, sid: int) -> None:
        self.learners[sid].answered_pings += 1
        self.confirmations.answered(self.learners[sid])

    async def ask(self) -> None:
        self.confirmations.ask()
        await asyncio.sleep(0)


def play(scene: Callable[[Rounds], Awaitable[None]]) -> list[int]:
    async def main() -> list[int]:
        rounds = Rounds()
        await scene(rounds)
        return rounds.confirmed

    return asyncio.run(main())


@pytest.mark.parametrize(("sids", "expected"), [((2,), []), ((2, 2, 6), []), ((2, 5), [1])])
def test_a_quorum_of_voters_has_to_answer(sids: tuple[int, ...], expected: list[int]) -> None:
    async def scene(rounds: Rounds) -> None:
        await rounds.ask()
        for sid in sids:
            rounds.answer(sid)

    assert play(scene) == expected


def test_an_answer_to_an_earlier_ping_does_not_count() -> None:
    async def scene(rounds: Rounds) -> None:
        rounds.ping()
        await rounds.ask()
        for sid in (2, 3, 4, 5):
            rounds.answer(sid)
        assert rounds.confirmed == []
        for sid in (3, 4):
            rounds.answer(sid)

    assert play(scene) == [1]


def test_who_asks_while_a_round_is_under_way_waits_for_the_next() -> None:
    async def scene(rounds: Rounds) -> None:
        await rounds.ask()
        rounds.answer(2)
        await rounds.ask()
        await rounds.ask()
        rounds.answer(3)
        assert rounds.confirmed == [1]
        await asyncio.sleep(0)
        rounds.answer(4)
        rounds.answer(5)
        assert rounds.confirmed == [1], "these have answered the ping of the first round"
        for sid in (4, 5):
            rounds.answer(sid)

    assert play(scene) == [1, 2]


def test_who_asks_in_answer_to_a_confirmation_waits_for_a_round_of_its_own() -> None:
    async def scene(rounds: Rounds) -> None:
        def confirmed(count: int) -> None:
            rounds.confirmed.append(count)
            if len(rounds.confirmed) == 1:
                rounds.confirmations.ask()

        rounds.confirmations = Confirmations(rounds.ping, rounds.gathering, confirmed)
        await rounds.ask()
        for _ in range(2):
            for sid in (2, 3):
                rounds.answer(sid)
            await asyncio.sleep(0)

    assert play(scene) == [1, 1]


def test_one_who_joins_later_is_asked_by_the_next_pings() -> None:
    async def scene(rounds: Rounds) -> None:
        late = rounds.learners.pop(4)
        await rounds.ask()
        rounds.answer(2)
        late.pings = late.answered_pings = 0
        rounds.learners[4] = late
        rounds.ping()
        rounds.answer(4)

    assert play(scene) == [1]


def test_one_that_may_go_on_alone_needs_nobody() -> None:
    async def scene(rounds: Rounds) -> None:
        await rounds.ask()
        assert rounds.confirmed == []
        rounds.is_alone = True
        rounds.ping()
        await rounds.ask()

    assert play(scene) == [1, 1]
