"""What each part of a member is told, taken from its configuration."""

from random import Random

from zkeeper.quorum.membership import Membership
from zkeeper.quorum.memberships import Memberships
from zkeeper.server.config.ensemble import QuorumConfig
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.ensemble.context import EnsembleContext
from zkeeper.server.ensemble.election import ElectionSettings
from zkeeper.server.ensemble.membership_writer import MembershipWriter
from zkeeper.server.ensemble.peer_connections import PeerSettings
from zkeeper.storage.epochs import Epochs


class NoFiles:
    """Memberships that never change have nothing to write."""

    def write_next(self, membership: Membership) -> None:
        raise AssertionError("without reconfig nothing is proposed")

    def activate(self, membership: Membership) -> None:
        raise AssertionError("without reconfig nothing is committed")

    def remove_next(self) -> None:
        raise AssertionError("without reconfig nothing was proposed")


def make_memberships(quorum: QuorumConfig, writer: MembershipWriter | None) -> Memberships:
    """`writer` is there when the members may be changed."""
    files = writer if writer is not None else NoFiles()
    return Memberships(quorum.committed, quorum.last_seen, writer is not None, files)


def election_settings(config: ServerConfig) -> ElectionSettings:
    assert config.quorum is not None
    election = config.election
    peers = PeerSettings(
        introduction_timeout_s=config.quorum.handshake_timeout_ms / 1000,
        connect_timeout_s=election.connect_timeout_ms / 1000,
        bind_retries=election.count_bind_tries,
        listens_on_all=config.ensemble.is_listening_on_all_ips,
        is_multi_address=config.ensemble.is_multi_address_enabled,
    )
    return ElectionSettings(
        peers=peers,
        min_interval_ms=election.min_notification_interval_ms,
        max_interval_ms=election.max_notification_interval_ms,
    )


def outstanding_limit(config: ServerConfig, memberships: Memberships) -> int:
    """What of globalOutstandingLimit one server may use: all but the leader share it (quorum, section 20)."""
    limit, voters = config.limits.global_outstanding_limit, len(memberships.committed.participants)
    return max(1, limit // (voters - 1)) if voters > 2 else limit


def ensemble_context(config: ServerConfig, memberships: Memberships, epochs: Epochs, random: Random) -> EnsembleContext:
    quorum = config.quorum
    assert quorum is not None
    return EnsembleContext(
        sid=quorum.my_sid,
        tick_s=quorum.tick_time_ms / 1000,
        init_limit=config.ensemble.init_limit_ticks,
        sync_limit=config.ensemble.sync_limit_ticks,
        connect_limit=config.ensemble.connect_limit_ticks,
        connect_retry_s=config.learners.connect_retry_delay_ms / 1000,
        limit_bytes=config.limits.jute_max_buffer_bytes + config.limits.jute_max_buffer_extra_bytes,
        listens_on_all_addresses=config.ensemble.is_listening_on_all_ips,
        is_multi_address=config.ensemble.is_multi_address_enabled,
        least_participants=quorum.least_participants,
        memberships=memberships,
        epochs=epochs,
        random=random,
        has_observer_log=config.learners.is_observer_sync_enabled is not False,
        observer_reconnect_s=config.learners.observer_reconnect_delay_ms / 1000,
        observer_election_s=config.learners.observer_election_delay_ms / 1000,
        uses_disk_history=config.learners.snapshot_size_factor >= 0,
        forces_snapshots=config.learners.is_snapshot_sync_forced,
        max_snap_syncs=config.learners.max_snap_syncs,
        max_diff_syncs=config.learners.max_diff_syncs,
        max_wait_for_epoch_s=config.learners.max_wait_for_epoch_ms / 1000,
        observer_master_port=config.learners.observer_master_port,
        observer_master_bytes=config.learners.observer_master_size_limit_bytes,
    )
