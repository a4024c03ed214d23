"""Which lines about digests count."""

from .mismatches import read_mismatches

TOLD = "WARN - Message:Digests are not matching. Value is Zxid. Value:17179869617"
LEADER = (
    "INFO - Sending snapshot last zxid of peer is 0x300000800, zxid of leader is 0x4000001b1, send zxid of db as "
    "0x4000001b0, 1 concurrent snapshot sync"
)
FOLLOWER = ["INFO - Getting a snapshot from leader 0x4000001b0", TOLD, "INFO - Learner received UPTODATE message"]


def test_what_java_tells_of_a_snapshot_of_javas_does_not_count_until_it_is_in_step() -> None:
    told = read_mismatches({"leader": LEADER, "follower": "\n".join(FOLLOWER)})
    assert told["follower"] == ([], [TOLD])
    told = read_mismatches({"leader": LEADER, "follower": "\n".join([*FOLLOWER, TOLD])})
    assert told["follower"] == ([TOLD], [TOLD])
    told = read_mismatches(
        {"leader": LEADER, "follower": "\n".join([*FOLLOWER, "INFO - Starting quorum peer, myid=3"])}
    )
    assert told["follower"] == ([], [])


def test_what_is_told_of_a_snapshot_of_ours_counts() -> None:
    ours = "leading: follower 3 at 127.0.0.1:42164 is at zxid 0x300000800 and gets SNAP 0x4000001b0"
    assert read_mismatches({"leader": ours, "follower": "\n".join(FOLLOWER)})["follower"] == ([TOLD], [])
