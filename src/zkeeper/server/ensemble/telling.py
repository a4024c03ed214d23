"""Lines of the log in which a member says who it is and how far it has come."""

import logging

from zkeeper.quorum.memberships import Memberships
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.learner import Learner
from zkeeper.storage.epochs import Epochs

logger = logging.getLogger("zkeeper.quorum")


def tell_who_it_is(sid: int, memberships: Memberships, epochs: Epochs) -> None:
    """At the start."""
    committed = memberships.committed
    logger.info(
        "this server is %d, %s; by configuration 0x%x servers %s vote and %s observe; epoch %d was accepted, the "
        "history is of epoch %d", sid, "an observer" if sid in committed.observers else "a participant",
        committed.version, sorted(committed.participants), sorted(committed.observers) or "none", epochs.accepted,
        epochs.current,
    )  # fmt: skip


def tell_synchronized(context: EnsembleContext, learner: Learner, took_ms: int) -> None:
    """In a learner's role, whose time it also counts."""
    measures = context.measures
    (measures.observer_sync_ms if context.is_observer else measures.follower_sync_ms).add(took_ms)
    logger.info(
        "following: in step with %s of epoch %d after %d ms, up to zxid 0x%x; clients are served",
        learner.master.title, learner.epoch, took_ms, learner.last_zxid(),
    )  # fmt: skip


def tell_reads_only(zxid: int, has_local_sessions: bool) -> None:
    """While there is no leader."""
    logger.warning("no leader was found yet: reads are served without one, of the state of zxid 0x%x", zxid)
    if not has_local_sessions:
        logger.warning("no client can begin a session without a leader: that takes localSessionsEnabled=true")
