"""What must be true once nobody writes any more: the members have the same, and nothing that was acknowledged is lost.

It reads with a client that is no library (`interop.wire_session`), from each member, after a sync.
"""

from typing import NamedTuple

from interop.differential import codec
from interop.wire_session import STAT_FIELDS, WireSession

from . import status
from .ensemble import Ensemble
from .member import Member
from .writers import Writer

TIMEOUT_MS = 20_000
CREATES_FOR_A_DIGEST = 300
"""Servers keep the digest of every 128th transaction."""
BATCH = 500


class Held(NamedTuple):
    """A znode as a member has it; Stat fields as in `STAT_FIELDS`."""

    data: bytes | None
    stat: tuple[int, ...]


def held_by(member: Member, root: str) -> dict[str, Held]:
    """The children of `root` as a member has them."""
    session = WireSession(member.server, TIMEOUT_MS)
    session.call(codec.SYNC, codec.text(root))
    paths = [f"{root}/{name}" for name in session.children(root)]
    found = {
        path: held for start in range(0, len(paths), BATCH) for path, held in _read(session, paths[start:][:BATCH])
    }
    session.close()
    return found


def _read(session: WireSession, paths: list[str]) -> list[tuple[str, Held]]:
    for path in paths:
        session.send(codec.GET_DATA, codec.text(path) + b"\0")
    return [(path, _held(session)) for path in paths]


def _held(session: WireSession) -> Held:
    reply = session.reply()
    data = reply.buffer()
    return Held(data, codec.STAT.unpack(reply.take(codec.STAT.size)))


def check_nothing_is_lost(ensemble: Ensemble, *writers: Writer) -> None:
    """Of the writers that have stopped; then that digests are equal."""
    for writer in writers:
        assert writer.acknowledged, f"{writer.root} has written nothing"
        first, *rest = ensemble.running
        held = held_by(first, writer.root)
        _check_writer(first, writer, held)
        for member in rest:
            assert held_by(member, writer.root) == held, f"{member} and {first} have not the same below {writer.root}"
    check_digests(ensemble)


def _check_writer(member: Member, writer: Writer, held: dict[str, Held]) -> None:
    lost = sorted(set(writer.acknowledged) - held.keys())
    assert not lost, f"{member} has lost {len(lost)} acknowledged writes of {writer.root}, the first is {lost[0]}"
    strange = sorted(held.keys() - set(writer.acknowledged) - set(writer.unknown))
    assert not strange, f"{member} has what nobody wrote: {strange[:5]}"
    wrong = [path for path, (data, _) in held.items() if data != path.encode()]
    assert not wrong, f"{member} has other data at {wrong[:5]}"
    zxids = [held[path].stat[STAT_FIELDS.index("czxid")] for path in writer.acknowledged]
    assert zxids == sorted(zxids), f"{member} has writes of {writer.root} in another order than they were acknowledged"


def check_digests(ensemble: Ensemble) -> None:
    """Writes enough that all have digests of the same zxids, and compares them."""
    session = WireSession(ensemble.leader.server, TIMEOUT_MS)
    session.create("/digest-of-")
    for number in range(CREATES_FOR_A_DIGEST):
        session.send(codec.SET_DATA, codec.text("/digest-of-") + codec.buffer(b"%d" % number) + codec.i32(-1))
    for _ in range(CREATES_FOR_A_DIGEST):
        session.reply()
    session.delete("/digest-of-")
    session.close()
    ensemble.await_equal()
    by_member = {member: status.digests(member.address.client) for member in ensemble.running}
    common = set.intersection(*({digest.zxid for digest in found} for found in by_member.values()))
    assert common, f"no zxid has a digest on all members: {by_member}"
    values = {digest for found in by_member.values() for digest in found if digest.zxid in common}
    assert len(values) == len(common), f"digests differ: {by_member}"
    told = ensemble.mismatches()
    mismatches = {
        member: member.metric("digest_mismatches_count") for member in ensemble.running if not told[member].excused
    }
    assert not any(mismatches.values()), f"digests of replayed transactions did not match: {mismatches}"
