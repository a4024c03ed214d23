"""A follower whose state is seen to differ from its leader's does what `digestMismatchPolicy` says."""

from zkeeper.errors import StorageError
from zkeeper.server.config.ensemble import LearnersConfig

from .learner_world import LearnerWorld
from .packets import ACK, digest, epoch, error_txn, image
from .peers import Link, send_image

E1, E2 = epoch(1), epoch(2)


def world_of(policy: str) -> LearnerWorld:
    return LearnerWorld(learners=LearnersConfig(digest_mismatch_policy=policy))


def agree(world: LearnerWorld, zxid: int, more: int = 0) -> bytes:
    """A transaction that changes nothing, with the server's digest and `more`."""
    return error_txn(zxid, -101) + digest(int(world.node.member.service.database.tree.digest) + more)


def differ(world: LearnerWorld, zxid: int) -> bytes:
    return agree(world, zxid, more=1)


def follow(world: LearnerWorld) -> Link:
    """A follower that has agreed with its leader once."""
    link = world.begin()
    world.serve(link, 1, count=1)
    world.commit(link, E1 + 2, agree(world, E1 + 2))
    world.run_until(lambda: world.node.photo().zxid == E1 + 2)
    assert world.node.photo().digest_mismatches == 0
    return link


def take_everything(world: LearnerWorld, link: Link, number: int) -> None:
    """The leader sends a state of its own to a learner that says that it has nothing."""
    assert world.lead_in(link, number).zxid == 0
    send_image(link, epoch(number), image({"/e9-9": b"the leader's"}, epoch(number)))
    world.new_leader(link, number)
    world.up_to_date(link, number)


def test_by_default_it_is_reported() -> None:
    with world_of("report") as world:
        link = follow(world)
        world.commit(link, E1 + 3, differ(world, E1 + 3))
        link.wait_for(ACK, E1 + 3)
        world.run_until(lambda: world.node.photo().digest_mismatches == 1)
        assert world.node.serves()


def test_a_server_may_stop() -> None:
    with world_of("stop") as world:
        link = follow(world)
        world.commit(link, E1 + 3, differ(world, E1 + 3))
        world.run_until(lambda: world.node.failure is not None)
        assert isinstance(world.node.failure, StorageError)
        assert "differs from its leader's" in str(world.node.failure)


def test_a_server_may_take_everything_anew() -> None:
    with world_of("resync") as world:
        link = follow(world)
        world.commit(link, E1 + 3, differ(world, E1 + 3))
        link.wait_over()
        take_everything(world, world.leader.next_learner(), 2)
        assert world.paths() == {"/e9-9"}
        assert world.node.snapshots()[-1] == E2


def test_what_differs_after_that_in_the_same_epoch_is_only_reported() -> None:
    with world_of("resync") as world:
        link = follow(world)
        world.commit(link, E1 + 3, differ(world, E1 + 3))
        link.wait_over()
        link = world.leader.next_learner()
        take_everything(world, link, 1)
        world.commit(link, E1 + 1, agree(world, E1 + 1))
        world.run_until(lambda: world.node.photo().zxid == E1 + 1)
        world.commit(link, E1 + 2, differ(world, E1 + 2))
        world.run_until(lambda: world.node.photo().zxid == E1 + 2)
        world.run_for(1)
        assert (world.node.serves(), world.node.photo().digest_mismatches) == (True, 1)
