"""A run: epochs of generated steps on fresh servers, or the steps of a replay file."""

import contextlib
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .generator import Generator
from .lockstep import Difference, Lockstep, Tally
from .profiles import PROFILES, Profile
from .servers import is_address, running
from .side import Side
from .steps import Step
from .world import World

_SLOTS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """The two servers a run compares: their names, and how they are started."""

    left: str
    right: str
    port: int
    java_command: str | None = None

    def is_attached(self) -> bool:
        """Whether one of the two is not ours to start afresh."""
        return is_address(self.left) or is_address(self.right)


@dataclass(slots=True)
class Epoch:
    """Steps taken on one pair of fresh servers, up to the first that showed a difference."""

    profile: Profile
    seed: str = ""
    taken: list[Step] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    last_words: list[str] = field(default_factory=list)


def explore(
    pair: Pair, profiles: Sequence[Profile], seed: int, requests: int, epoch_requests: int
) -> tuple[Tally, Epoch]:
    """Generate steps until so many requests were sent or a difference was seen; the last epoch tells which."""
    tally = Tally()
    for number, profile in zip(itertools.count(), itertools.cycle(profiles)):
        epoch = Epoch(profile, f"{seed}/{number}")
        size = requests if pair.is_attached() else int(epoch_requests * profile.share)
        limit = min(requests, tally.requests + size)
        world = World(_SLOTS)
        generator = Generator(random.Random(epoch.seed), world, profile)
        _take(pair, epoch, world, tally, _generated(generator, tally, limit))
        if epoch.differences or tally.requests >= requests:
            return tally, epoch
    raise AssertionError("profiles are never used up")


def replay(pair: Pair, profile: str, steps: Iterable[Step]) -> tuple[Tally, Epoch]:
    """Take given steps on fresh servers; those that fit no connection or session are left out."""
    tally, epoch, world = Tally(), Epoch(PROFILES[profile], "replay"), World(_SLOTS)
    _take(pair, epoch, world, tally, (step for step in steps if world.allows(step)))
    return tally, epoch


def _generated(generator: Generator, tally: Tally, limit: int) -> Iterator[Step]:
    while tally.requests < limit:
        yield generator.next_step()


def _take(pair: Pair, epoch: Epoch, world: World, tally: Tally, steps: Iterable[Step]) -> None:
    with contextlib.ExitStack() as stack:
        names = enumerate((pair.left, pair.right))
        servers = [
            stack.enter_context(running(name, epoch.profile, pair.port + offset, pair.java_command))
            for offset, name in names
        ]
        left, right = (stack.enter_context(contextlib.closing(Side(server.address))) for server in servers)
        lockstep = Lockstep(left, right, world, tally)
        for step in steps:
            epoch.taken.append(step)
            epoch.differences = lockstep.run(step)
            if epoch.differences:
                epoch.last_words = [server.last_words() for server in servers]
                return
