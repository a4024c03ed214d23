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
        self.confirmed: list[str] = []
        self.confirmations = Confirmations(self.ping, self.gathering)

    def gathering(self) -> Gathering:
        return Gathering([MajorityVerifier(frozenset({1} if self.is_alone else {1, 2, 3, 4, 5}))], 1)

    def ping(self) -> None:
        for learner in self.learners.values():
            learner.pings += 1
        self.confirmations.pinged(self.learners.values())

    def answer(self, sid: int) -> None:
        self.learners[sid].answered_pings += 1
        self.confirmations.answered(self.learners[sid])

    async def ask(self, name: str) -> None:
        self.confirmations.ask(lambda: self.confirmed.append(name))
        await asyncio.sleep(0)


def play(scene: Callable[[Rounds], Awaitable[None]]) -> list[str]:
    async def main() -> list[str]:
        rounds = Rounds()
        await scene(rounds)
        return rounds.confirmed

    return asyncio.run(main())


@pytest.mark.parametrize(("sids", "expected"), [((2,), []), ((2, 2, 6), []), ((2, 5), ["a"])])
def test_a_quorum_of_voters_has_to_answer(sids: tuple[int, ...], expected: list[str]) -> None:
    async def scene(rounds: Rounds) -> None:
        await rounds.ask("a")
        for sid in sids:
            rounds.answer(sid)

    assert play(scene) == expected


def test_an_answer_to_an_earlier_ping_does_not_count() -> None:
    async def scene(rounds: Rounds) -> None:
        rounds.ping()
        await rounds.ask("a")
        for sid in (2, 3, 4, 5):
            rounds.answer(sid)
        assert rounds.confirmed == []
        for sid in (3, 4):
            rounds.answer(sid)

    assert play(scene) == ["a"]


def test_who_asks_while_a_round_is_under_way_waits_for_the_next() -> None:
    async def scene(rounds: Rounds) -> None:
        await rounds.ask("a")
        rounds.answer(2)
        await rounds.ask("b")
        await rounds.ask("c")
        rounds.answer(3)
        assert rounds.confirmed == ["a"]
        await asyncio.sleep(0)
        rounds.answer(4)
        rounds.answer(5)
        assert rounds.confirmed == ["a"], "these have answered the ping of the first round"
        for sid in (4, 5):
            rounds.answer(sid)

    assert play(scene) == ["a", "b", "c"]


def test_what_asks_in_answer_to_a_confirmation_is_one_round_more() -> None:
    async def scene(rounds: Rounds) -> None:
        rounds.confirmations.ask(lambda: rounds.confirmations.ask(lambda: rounds.confirmed.append("inner")))
        await rounds.ask("a")
        for _ in range(2):
            for sid in (2, 3):
                rounds.answer(sid)
            await asyncio.sleep(0)

    assert play(scene) == ["a", "inner"]


def test_one_who_joins_later_is_asked_by_the_next_pings() -> None:
    async def scene(rounds: Rounds) -> None:
        late = rounds.learners.pop(4)
        await rounds.ask("a")
        rounds.answer(2)
        late.pings = late.answered_pings = 0
        rounds.learners[4] = late
        rounds.ping()
        rounds.answer(4)

    assert play(scene) == ["a"]


def test_one_that_may_go_on_alone_needs_nobody() -> None:
    async def scene(rounds: Rounds) -> None:
        await rounds.ask("a")
        assert rounds.confirmed == []
        rounds.is_alone = True
        rounds.ping()
        await rounds.ask("b")

    assert play(scene) == ["a", "b"]
