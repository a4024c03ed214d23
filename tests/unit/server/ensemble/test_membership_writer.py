"""Memberships become durable on a lane, in order, and whoever waits hears of a failure."""

import random

import pytest

from zkeeper.errors import StorageError
from zkeeper.quorum.membership import Membership
from zkeeper.server.ensemble.membership_writer import MembershipWriter
from zkeeper.testing.simulation import SimulatedDisk, Simulation

ONE = Membership.parse("server.1=a:1:2")


class Slow:
    """Files that may fail, and note what was done."""

    def __init__(self, failing: str = "") -> None:
        self.done: list[str] = []
        self._failing = failing

    def write_next(self, membership: Membership) -> None:
        self._do(f"next {membership.version}")

    def activate(self, membership: Membership) -> None:
        self._do(f"activate {membership.version}")

    def remove_next(self) -> None:
        self._do("remove")

    def _do(self, what: str) -> None:
        if what == self._failing:
            raise StorageError(f"{what} failed")
        self.done.append(what)


def test_what_changed_is_durable_once_it_settled() -> None:
    files = Slow()

    async def main() -> None:
        writer = MembershipWriter(SimulatedDisk(random.Random(1)), files, _never)
        await writer.settled()
        writer.write_next(ONE)
        writer.activate(ONE.with_version(5))
        writer.remove_next()
        assert files.done == []
        await writer.settled()
        assert files.done == ["next 0", "activate 5", "remove"]

    with Simulation(1) as simulation:
        simulation.run(main())


def test_a_failure_is_not_forgotten() -> None:
    told: list[StorageError] = []

    async def main() -> None:
        writer = MembershipWriter(SimulatedDisk(random.Random(1)), Slow("next 0"), told.append)
        writer.write_next(ONE)
        writer.activate(ONE)
        for _ in range(2):
            with pytest.raises(StorageError, match="next 0 failed"):
                await writer.settled()
        assert [str(error) for error in told] == ["next 0 failed"]

    with Simulation(1) as simulation:
        simulation.run(main())


def _never(error: StorageError) -> None:
    raise AssertionError(error)
