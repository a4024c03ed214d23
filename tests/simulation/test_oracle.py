"""Two members of which a file says who goes on without the other one (quorum, section 2.5)."""

import pytest

import zkeeper

from .member_world import MemberWorld, client_of

FOLDER = "/decides"
ORACLE = f"oraclePath={FOLDER}/oracle\n"
LEADER = 2


class OracleWorld(MemberWorld):
    """Two members, which are told what `say` says; nothing at first."""

    def __init__(self, more: str = ORACLE) -> None:
        super().__init__(2, more=more)

    def say(self, sid: int, answer: str) -> None:
        disk = self.sim.machine(f"m{sid}").disk
        disk.make_folders(FOLDER)
        file = disk.open_writer(f"{FOLDER}/oracle")
        file.write(answer.encode())
        file.sync()
        file.close()
        disk.sync_folder(FOLDER)

    def start_both(self) -> None:
        self.start(1, 2)
        self.await_serving(1, 2)
        assert self.leader == LEADER

    def lead_alone(self) -> None:
        """The follower of two is lost, and the oracle has the leader go on: it writes `alone`."""
        self.say(LEADER, "1")
        self.start_both()
        self.kill(1)
        self.write(LEADER, "alone")

    def serves(self, sid: int) -> bool:
        return self.servers[sid].service.serves()

    def write(self, sid: int, name: str) -> None:
        self.sim.run(write(f"m{sid}", name), self.client())

    def names(self, sid: int) -> list[str]:
        return self.sim.run(read(f"m{sid}"), self.client())

    def epoch(self, sid: int) -> int:
        return self.servers[sid].context.epochs.current


async def write(host: str, name: str) -> None:
    async with client_of(f"{host}:2181") as client:
        await client.create(f"/{name}")


async def read(host: str) -> list[str]:
    async with client_of(f"{host}:2181") as client:
        await client.sync("/")
        return sorted(set(await client.children("/")) - {"zookeeper"})


def test_a_leader_that_may_go_on_does_and_one_that_may_not_gives_up() -> None:
    with OracleWorld() as world:
        world.lead_alone()
        world.sim.run_for(10)
        assert (world.leader, world.epoch(LEADER)) == (LEADER, 1)
        world.say(LEADER, "0")
        world.sim.run_until(lambda: not world.serves(LEADER), 1)


def test_what_waits_for_a_follower_that_is_lost_is_committed_without_it() -> None:
    with OracleWorld() as world:
        world.say(LEADER, "1")
        world.start_both()
        client = world.sim.run(opened(f"m{LEADER}"), world.client())
        world.sim.partition(world.sim.machine("m1"), [world.sim.machine("m2")])
        writing = world.client().start(lambda: created(client))
        world.sim.run_for(0.3)
        assert not writing.done(), "as long as the follower may be there"
        world.sim.run_until(writing.done, 3)
        assert not world.serves(1)


async def opened(host: str) -> zkeeper.AsyncClient:
    client = client_of(f"{host}:2181")
    await client.start()
    return client


async def created(client: zkeeper.AsyncClient) -> None:
    await client.create("/waits")


@pytest.mark.parametrize("answer", ["0", "", "no", "01", None])
def test_without_a_yes_nobody_goes_on_alone(answer: str | None) -> None:
    """And a file that is not there says no, too."""
    with OracleWorld() as world:
        if answer is not None:
            world.say(LEADER, answer)
        world.start_both()
        world.kill(1)
        world.sim.run_until(lambda: not world.serves(LEADER), 3)
        world.sim.run_for(20)
        assert not world.serves(LEADER)


def test_without_the_setting_nobody_asks() -> None:
    with OracleWorld(more="") as world:
        world.say(LEADER, "1")
        world.start(LEADER)
        world.sim.run_for(20)
        assert not world.serves(LEADER)


def test_a_server_that_was_left_alone_takes_over_when_it_is_told_to() -> None:
    with OracleWorld() as world:
        world.start_both()
        world.write(1, "before")
        world.kill(LEADER)
        world.sim.run_for(10)
        assert not world.serves(1)
        world.say(1, "1")
        world.await_serving(1)
        world.write(1, "alone")
        world.start(LEADER)
        world.await_serving(LEADER)
        assert world.leader == 1
        assert world.names(LEADER) == ["alone", "before"]


def test_a_follower_that_comes_back_is_needed_again() -> None:
    with OracleWorld() as world:
        world.lead_alone()
        world.start(1)
        world.await_serving(1)
        world.sim.partition(world.sim.machine("m1"), [world.sim.machine("m2")])
        began_s = world.sim.time()
        world.write(LEADER, "later")
        assert world.sim.time() - began_s > 0.5, "it waits until the follower is surely lost"
        world.sim.heal()
        world.sim.run_until(lambda: world.serves(1))
        assert world.names(1) == ["alone", "later"]


def test_who_is_there_is_waited_for_before_a_server_leads_alone() -> None:
    """Both start; the one that leads has the other in its first epoch, so that it knows what that has accepted."""
    with OracleWorld() as world:
        world.say(LEADER, "1")
        world.start_both()
        assert int(world.metrics(LEADER)["synced_followers"]) == 1
        assert world.epoch(LEADER) == 1


def test_two_that_have_led_alone_never_take_one_anothers_transactions_for_their_own() -> None:
    """The second one never heard of the first one's. What that has acknowledged is lost, as the oracle has decided;
    but the members agree."""
    with OracleWorld() as world:
        world.start_both()
        world.write(1, "both")
        world.kill(1)
        world.say(LEADER, "1")
        world.await_serving(LEADER)
        for name in ("a", "b", "c"):
            world.write(LEADER, f"second-{name}")
        epoch = world.epoch(LEADER)
        world.kill(LEADER)
        world.say(LEADER, "0")
        world.say(1, "1")
        world.start(1)
        world.await_serving(1)
        for name in ("a", "b", "c", "d"):
            world.write(1, f"first-{name}")
        assert world.epoch(1) != epoch
        world.start(LEADER)
        world.await_serving(LEADER)
        assert world.names(LEADER) == ["both", *(f"first-{name}" for name in "abcd")]
        world.sim.run_until(lambda: len({server.service.database.last_zxid for server in world.servers.values()}) == 1)
        assert len({server.service.database.tree.digest for server in world.servers.values()}) == 1


def test_an_answer_that_is_old_is_none() -> None:
    """The file's disk has hung: nobody knows what it says now."""
    with OracleWorld() as world:
        world.lead_alone()
        world.sim.machine("m2").disk.set_latency(60.0, 60.0, "oracle")
        world.sim.run_until(lambda: not world.serves(LEADER), 2)


def test_who_comes_back_follows_a_leader_that_is_alone_even_if_it_might_go_on_alone_itself() -> None:
    """Both are told yes, which nobody should do."""
    with OracleWorld() as world:
        for sid in (1, LEADER):
            world.say(sid, "1")
        world.start_both()
        world.kill(1)
        world.write(LEADER, "alone")
        world.start(1)
        world.await_serving(1)
        assert world.leader == LEADER
        assert world.names(1) == ["alone"]
