"""What is done to an ensemble: kills, pauses, cuts between members, slow ways, orderly restarts.

1. A fault has a beginning, lasts for a while, and an end, after which everybody runs and everything flows.
2. What is drawn follows from the seed. Who leads at that moment, and when exactly it happens, is the machine's.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interop.ensembles.ensemble import Ensemble, Unsettled
from interop.ensembles.member import Member

from .relays import Relays, Way

LASTS_S = (0.2, 6.0)
DELAY_S = (0.01, 0.3)

Fault = Callable[[], Iterator[str]]


class Faults:
    """`draw` gives a context: the fault begins with it and ends with it."""

    def __init__(self, rng: random.Random, ensemble: Ensemble, relays: Relays) -> None:
        self._random = rng
        self._ensemble = ensemble
        self._relays = relays
        self.kinds: dict[str, Fault] = {
            name.removeprefix("_fault_"): getattr(self, name) for name in dir(self) if name.startswith("_fault_")
        }

    def draw(self) -> tuple[str, Fault, float]:
        """A name, the fault, and for how long."""
        name = self._random.choice(sorted(self.kinds))
        return name, self.kinds[name], self._random.uniform(*LASTS_S)

    # Processes.

    def _fault_kill_one(self) -> Iterator[str]:
        yield from self._killed([self._anybody()])

    def _fault_kill_leader(self) -> Iterator[str]:
        yield from self._killed([self._leader()])

    def _fault_kill_most(self) -> Iterator[str]:
        yield from self._killed(self._some(len(self._members) // 2 + 1))

    def _fault_kill_all(self) -> Iterator[str]:
        yield from self._killed(self._members)

    def _fault_pause_one(self) -> Iterator[str]:
        yield from self._paused([self._anybody()])

    def _fault_pause_leader(self) -> Iterator[str]:
        yield from self._paused([self._leader()])

    def _fault_pause_most(self) -> Iterator[str]:
        yield from self._paused(self._some(len(self._members) // 2 + 1))

    def _fault_pause_followers_and_kill_the_leader(self) -> Iterator[str]:
        """What the leader has logged alone must not come back as if it had been acknowledged, nor go if it was."""
        leader = self._leader()
        others = self._ensemble.others(leader)
        for member in others:
            member.pause()
        yield f"{others} stand still, then {leader} is killed"
        leader.kill()
        for member in others:
            member.resume()
        leader.start()

    def _fault_restart_leader(self) -> Iterator[str]:
        leader = self._leader()
        leader.stop()
        yield f"{leader} is stopped"
        leader.start()

    # The network.

    def _fault_isolate_one(self) -> Iterator[str]:
        yield from self._parted([self._anybody().sid])

    def _fault_isolate_leader(self) -> Iterator[str]:
        yield from self._parted([self._leader().sid])

    def _fault_halves(self) -> Iterator[str]:
        yield from self._parted([member.sid for member in self._some(len(self._members) // 2)])

    def _fault_nobody_hears_anybody(self) -> Iterator[str]:
        yield from self._cut([*itertools.permutations(self._sids, 2)])

    def _fault_bridge(self) -> Iterator[str]:
        """Two do not see each other; the others see both."""
        one, other = self._random.sample(self._sids, 2)
        yield from self._cut([(one, other), (other, one)])

    def _fault_one_way(self) -> Iterator[str]:
        one, other = self._random.sample(self._sids, 2)
        yield from self._cut([(one, other)])

    def _fault_deaf_leader(self) -> Iterator[str]:
        leader = self._leader().sid
        yield from self._cut([(other, leader) for other in self._sids if other != leader])

    def _fault_dumb_leader(self) -> Iterator[str]:
        leader = self._leader().sid
        yield from self._cut([(leader, other) for other in self._sids if other != leader])

    def _fault_slow_ways(self) -> Iterator[str]:
        ways = self._random.sample([*itertools.permutations(self._sids, 2)], len(self._sids))
        delay_s = self._random.uniform(*DELAY_S)
        self._relays.delay(ways, delay_s)
        yield f"{ways} take {delay_s:.2f} s"
        self._relays.heal()

    def _fault_isolated_leader_is_killed(self) -> Iterator[str]:
        leader = self._leader()
        parted = self._parted([leader.sid])
        yield f"{next(parted)}, and {leader} is killed then"
        leader.kill()
        next(parted, None)
        leader.start()

    # Parts of them.

    @property
    def _members(self) -> list[Member]:
        return list(self._ensemble.members.values())

    @property
    def _sids(self) -> list[int]:
        return list(self._ensemble.members)

    def _anybody(self) -> Member:
        return self._random.choice(self._members)

    def _leader(self) -> Member:
        """Who leads; anybody if that is not clear."""
        try:
            return self._ensemble.leader
        except Unsettled:
            return self._anybody()

    def _some(self, count: int) -> list[Member]:
        return self._random.sample(self._members, count)

    def _killed(self, members: list[Member]) -> Iterator[str]:
        for member in members:
            member.kill()
        yield f"{members} are killed"
        for member in members:
            member.start()

    def _paused(self, members: list[Member]) -> Iterator[str]:
        for member in members:
            member.pause()
        yield f"{members} stand still"
        for member in members:
            member.resume()

    def _parted(self, sids: list[int]) -> Iterator[str]:
        others = [sid for sid in self._sids if sid not in sids]
        yield from self._cut([way for one in sids for other in others for way in ((one, other), (other, one))])

    def _cut(self, ways: list[Way]) -> Iterator[str]:
        self._relays.cut(ways)
        yield f"nothing flows {', '.join(f'{one}>{other}' for one, other in ways)}"
        self._relays.heal(breaks=self._random.random() < 0.5)


@contextmanager
def under(fault: Fault) -> Iterator[str]:
    """Begins the fault, tells what it is, and ends it."""
    course = fault()
    told = next(course)
    try:
        yield told
    finally:
        next(course, None)
