"""Runs of elections from a seed: crashes, restarts, partitions, delays, resets; then all is healed and they agree.

PYTHONPATH=src python -m tests.simulation.election_run --seeds 1000 --size 5
"""

import argparse

from .election_world import ElectionWorld, Member

HEALED_S = 200.0
"""Longer than the longest interval between two messages of one server, which is a minute."""


def election_run(seed: int, size: int) -> str:
    """Raises when the servers do not agree in the end; else the hash of what happened."""
    with ElectionWorld(f"{size}/{seed}", range(1, size + 1)) as world:
        members = list(world.members.values())
        for member in members:
            member.zxid = world.random.randrange(3)
        world.start_all()
        for _ in range(world.random.randrange(1, 12)):
            world.run_for(world.random.choice([0.05, 0.2, 1.0, 5.0, 30.0]) * world.random.random())
            _disturb(world)
        world.heal()
        for member in members:
            if not member.is_alive:
                member.start()
        world.run_until(lambda: world.agreed_leader() and all(one.has_broadcast for one in members), HEALED_S)
        # And it stays so.
        leader = world.agreed_leader()
        world.run_for(100)
        assert world.agreed_leader() == leader
        return world.trace_hash()


def _disturb(world: ElectionWorld) -> None:
    random, members = world.random, list(world.members.values())
    one, other = random.sample(members, 2)
    what = random.randrange(8)
    if what == 0:
        world.partition(one.machine, other.machine, one_way=random.random() < 0.5)
    elif what == 1:
        group = random.sample(members, random.randrange(1, len(members)))
        rest = [member.machine for member in members if member not in group]
        world.partition([member.machine for member in group], rest, one_way=random.random() < 0.3)
    elif what == 2:
        world.heal()
    elif what == 3:
        world.delay(one.machine, other.machine, random.choice([50, 500, 3000]))
    elif what == 4:
        world.reset(one.machine, other.machine)
    else:
        _kill_or_start(one, silent=random.random() < 0.5)


def _kill_or_start(member: Member, silent: bool) -> None:
    if member.is_alive:
        member.machine.kill(silent=silent)
    else:
        member.start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, default=5)
    options = parser.parse_args()
    for seed in range(options.first, options.first + options.seeds):
        election_run(seed, options.size)
    print(f"{options.seeds} runs of {options.size} servers agreed")


if __name__ == "__main__":
    main()
