"""The servers of a run, each on a machine of its own, and what can be seen of them from outside.

A layout of one participant and no observers is a standalone server, which has to keep the same promises.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

from zkeeper.quorum.members import Member, MemberAddress
from zkeeper.quorum.membership import Membership
from zkeeper.server.config.ensemble import ElectionConfig, EnsembleConfig, LearnersConfig, QuorumConfig
from zkeeper.server.config.model import NodesConfig, RetentionConfig, ServerConfig, StorageConfig
from zkeeper.testing.simulation import Simulation

from ..node import DATA_DIR, ServerNode, make_config  # noqa: TID252  two names, in pytest and as a program
from ..raw_client import PORT  # noqa: TID252

QUORUM_PORT, ELECTION_PORT = 2888, 3888
STANDALONE = "standalone"
ROLES = ("looking", "following", "leading", "observing")


@dataclass(frozen=True)
class Layout:
    participants: int = 1
    observers: int = 0

    @property
    def count(self) -> int:
        return self.participants + self.observers

    @property
    def is_ensemble(self) -> bool:
        return self.count > 1

    def names(self) -> list[str]:
        return [f"server{sid}" for sid in range(1, self.count + 1)]


class Look(NamedTuple):
    """What a server that serves shows of itself. `digest` is None while its tree is known to be between two states."""

    name: str
    role: str
    epoch: int
    zxid: int
    digest: int | None


def draw_config(random: Random, layout: Layout) -> ServerConfig:
    """What all servers of a run have in common: small limits, so that logs roll and snapshots are written.

    `closeSessionTxn.enabled` is on. Without it a closing does not say which znodes go; where a fuzzy snapshot has lost
    them already, its replay cannot know whose pzxid moves, and the digests of servers part.
    """
    choice = random.choice
    storage = StorageConfig(
        data_dir=DATA_DIR,
        snap_count=choice((5, 10, 20, 50, 1000)),
        pre_alloc_size_kb=choice((0, 1, 8, 64)),
        txn_log_size_limit_kb=choice((-1, -1, 1, 4)),
        is_last_processed_zxid_serialized=choice((True, True, False)),
    )
    nodes = NodesConfig(container_check_interval_ms=choice((200, 60_000)), container_max_never_used_interval_ms=0)
    retention = RetentionConfig(purge_interval_ms=choice((0, 0, 1000)))
    config = make_config(tick_ms=choice((50, 100, 200)), storage=storage, retention=retention, nodes=nodes)
    return _for_ensembles(config, random) if layout.is_ensemble else config


def _for_ensembles(config: ServerConfig, random: Random) -> ServerConfig:
    return replace(
        config,
        ensemble=EnsembleConfig(init_limit_ticks=10, sync_limit_ticks=random.choice((3, 5, 10))),
        election=ElectionConfig(max_notification_interval_ms=2000),
        learners=_draw_learners(random),
    )


def _draw_learners(random: Random) -> LearnersConfig:
    """A factor of 0 means that whatever the logs have may be sent."""
    return LearnersConfig(
        snapshot_size_factor=random.choice((-1.0, 0.33, 0.0, 0.0)),
        max_committed_txns=random.choice((50, 500)),
        is_snapshot_sync_forced=random.random() < 0.05,
    )


def member_lines(layout: Layout) -> list[str]:
    """As in a configuration, by the order of the ids."""
    roles = ["participant"] * layout.participants + ["observer"] * layout.observers
    return [f"server.{sid}={name}:{QUORUM_PORT}:{ELECTION_PORT}:{role};0.0.0.0:{PORT}"
            for sid, (name, role) in enumerate(zip(layout.names(), roles, strict=True), 1)]  # fmt: skip


def configs(common: ServerConfig, layout: Layout) -> dict[str, ServerConfig]:
    """The configuration of each server, by the name of its machine."""
    if not layout.is_ensemble:
        return {"server1": common}
    members = {sid: Member(sid, (MemberAddress(name, QUORUM_PORT, ELECTION_PORT),), sid > layout.participants, None)
               for sid, name in enumerate(layout.names(), 1)}  # fmt: skip
    membership = Membership(members)
    return {name: replace(common, quorum=_quorum(common, sid, membership))
            for sid, name in enumerate(layout.names(), 1)}  # fmt: skip


def _quorum(common: ServerConfig, sid: int, membership: Membership) -> QuorumConfig:
    return QuorumConfig(
        my_sid=sid, committed=membership, last_seen=membership, static_file=f"{DATA_DIR}/zoo.cfg",
        tick_time_ms=common.sessions.tick_time_ms, ensemble=common.ensemble, election=common.election,
        learners=common.learners,
    )  # fmt: skip


def make_nodes(sim: Simulation, common: ServerConfig, layout: Layout) -> list[ServerNode]:
    return [ServerNode(sim, config, name) for name, config in configs(common, layout).items()]


def look_at(node: ServerNode) -> Look | None:
    """None for a server that does not serve. One that has just died shows what it last was."""
    server: Any = node.server
    if server is None or not server.service.serves():
        return None
    database = server.service.database
    is_between = database.awaits_agreement or database.awaits_digest()
    digest = None if is_between else int(database.tree.digest) & 0xFFFFFFFFFFFFFFFF
    role, epoch = STANDALONE, 0
    if node.config.quorum is not None:
        role, epoch = ROLES[server.election.state], int(server.context.epochs.current)
    return Look(node.name, role, epoch, int(database.last_zxid), digest)
