"""What a leader writes for its followers and observers; bytes as captured (quorum, appendix C)."""

from zkeeper.quorum.broadcast import Broadcast
from zkeeper.wire.log_entry import EntryBatch

E1 = 1 << 32
PROPOSAL = bytes.fromhex("00000002 0000000100000002 00000003 616263 ffffffff")
COMMITS = bytes.fromhex("00000004 0000000100000002 ffffffff ffffffff 00000004 0000000100000003 ffffffff ffffffff")
INFORM = bytes.fromhex("00000008 0000000100000002 00000003 616263 ffffffff")


def test_a_proposal_goes_to_the_log_and_to_followers() -> None:
    batch = EntryBatch()
    broadcast = Broadcast(batch, E1 + 1)
    assert broadcast.append(E1 + 2, b"abc")
    assert (batch.first_zxid, batch.last_zxid, broadcast.last_proposed) == (E1 + 2, E1 + 2, E1 + 2)
    assert broadcast.take_for_followers() == PROPOSAL
    assert broadcast.take_for_observers() == b""
    assert broadcast.take_for_followers() == b""


def test_the_first_to_be_sent_or_logged_is_told() -> None:
    batch = EntryBatch()
    broadcast = Broadcast(batch, E1)
    assert broadcast.append(E1 + 1, b"1")
    assert not broadcast.append(E1 + 2, b"2")
    broadcast.take_for_followers()
    assert broadcast.append(E1 + 3, b"3"), "the log has been told, the followers have not"
    assert not broadcast.append(E1 + 4, b"4")
    batch.take()
    assert broadcast.append(E1 + 5, b"5"), "the followers have been told, the log has not"


def test_commits_are_for_followers_and_informs_for_observers() -> None:
    broadcast = Broadcast(EntryBatch(), E1 + 3)
    broadcast.commit(E1 + 2, E1 + 3)
    broadcast.inform(E1 + 2, b"abc")
    assert broadcast.take_for_followers() == COMMITS
    assert broadcast.take_for_observers() == INFORM


def test_a_commit_comes_behind_its_proposal() -> None:
    broadcast = Broadcast(EntryBatch(), E1 + 1)
    broadcast.append(E1 + 2, b"abc")
    broadcast.commit(E1 + 2, E1 + 3)
    assert broadcast.take_for_followers() == PROPOSAL + COMMITS


def test_no_commit_is_none() -> None:
    broadcast = Broadcast(EntryBatch(), E1)
    broadcast.commit(E1 + 2, E1 + 1)
    assert broadcast.take_for_followers() == b""
