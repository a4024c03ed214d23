"""What a server needs to know as a member of an ensemble, in groups: each part of it takes only its own.

The groups are settings like all others, and are there for a standalone server, too, whom they do not concern.
`QuorumConfig` is what they and the members' lines make, of a member only.
"""

from dataclasses import dataclass

from zkeeper.quorum.membership import Member, Membership
from zkeeper.server.config.setting import Scope, fill, setting
from zkeeper.server.config.values import (
    Reading,
    choice,
    filled_text,
    lenient_bool,
    lenient_float,
    lenient_int,
    off_only_for,
    plain_text,
    raised_to,
    role,
    strict_bool,
    strict_int,
)

SIZE_FACTOR = 0.33
LEAST_COMMITTED_TXNS = 500


def _size_factor(text: str) -> Reading[float]:
    factor = lenient_float(text).value
    if factor <= 1:
        return Reading(factor)
    return Reading(SIZE_FACTOR, f"{text} is more than 1, {SIZE_FACTOR} is in force")


@dataclass(frozen=True)
class EnsembleConfig:
    """What all members agree on, and what each of them is. Limits in ticks count from `tickTime`."""

    init_limit_ticks: int = setting("initLimit", strict_int(0), 0, scope=Scope.FILE)
    sync_limit_ticks: int = setting("syncLimit", strict_int(0), 0, scope=Scope.FILE)
    connect_limit_ticks: int = setting(
        "connectToLearnerMasterLimit", raised_to(0), 0, scope=Scope.FILE, derived="as initLimit"
    )
    election_algorithm: int = setting("electionAlg", strict_int(), 3, scope=Scope.FILE)
    peer_type: str = setting("peerType", role, "participant", scope=Scope.FILE)
    is_standalone_enabled: bool = setting("standaloneEnabled", strict_bool, True, scope=Scope.FILE)
    dynamic_config_file: str | None = setting("dynamicConfigFile", filled_text, None, scope=Scope.FILE)
    is_listening_on_all_ips: bool = setting("quorumListenOnAllIPs", strict_bool, False, scope=Scope.FILE)
    is_leader_serving: bool = setting("leaderServes", off_only_for("no", "yes"), True)
    is_db_autocreate: bool = setting("db.autocreate", lenient_bool, True)
    is_local_sessions_enabled: bool = setting("localSessionsEnabled", strict_bool, False, scope=Scope.FILE)
    is_local_session_upgraded: bool = setting("localSessionsUpgradingEnabled", strict_bool, False, scope=Scope.FILE)
    is_multi_address_enabled: bool = setting("multiAddress.enabled", strict_bool, False, scope=Scope.PREFIXED)
    is_reachability_checked: bool = setting("multiAddress.reachabilityCheckEnabled", strict_bool, True)
    reachability_timeout_ms: int = setting("multiAddress.reachabilityCheckTimeoutMs", strict_int(0), 1000)
    oracle_path: str = setting("oraclePath", plain_text, "", scope=Scope.FILE)

    def __post_init__(self) -> None:
        fill(self, "connect_limit_ticks", 0, self.init_limit_ticks)


@dataclass(frozen=True)
class ElectionConfig:
    """Connections on the election port, and how long an election waits. -1 in the handshake's is `syncLimit`."""

    connect_timeout_ms: int = setting("cnxTimeout", lenient_int(1), 5000)
    handshake_timeout_ms: int = setting("quorumCnxnTimeoutMs", lenient_int(-1), -1)
    count_bind_tries: int = setting("electionPortBindRetry", lenient_int(0), 3)
    is_keep_alive: bool = setting("tcpKeepAlive", lenient_bool, False)
    min_notification_interval_ms: int = setting("fastleader.minNotificationInterval", lenient_int(1), 200)
    max_notification_interval_ms: int = setting("fastleader.maxNotificationInterval", lenient_int(1), 60_000)


@dataclass(frozen=True)
class LearnersConfig:
    """A leader and its learners: how these connect, catch up, observe and are compared. -1 in a time: it is off."""

    connect_retry_delay_ms: int = setting("leaderConnectDelayDuringRetryMs", lenient_int(0), 100)
    max_wait_for_epoch_ms: int = setting("leader.maxTimeToWaitForEpoch", lenient_int(-1), -1)
    max_snap_syncs: int = setting("leader.maxConcurrentSnapSyncs", lenient_int(1), 10)
    max_diff_syncs: int = setting("leader.maxConcurrentDiffSyncs", lenient_int(1), 100)
    is_snapshot_sync_forced: bool = setting("forceSnapshotSync", lenient_bool, False)
    max_committed_txns: int = setting("commitLogCount", lenient_int(LEAST_COMMITTED_TXNS), LEAST_COMMITTED_TXNS)
    snapshot_size_factor: float = setting("snapshotSizeFactor", _size_factor, SIZE_FACTOR)
    is_leader_no_delay: bool = setting("leader.nodelay", lenient_bool, True, scope=Scope.PROCESS)
    is_follower_no_delay: bool = setting("follower.nodelay", lenient_bool, True, scope=Scope.PROCESS)
    is_sync_enabled: bool = setting("syncEnabled", strict_bool, True, scope=Scope.FILE)
    is_observer_sync_enabled: bool | None = setting(
        "observer.syncEnabled", lenient_bool, None, derived="as syncEnabled"
    )
    observer_reconnect_delay_ms: int = setting("observer.reconnectDelayMs", lenient_int(0), 0)
    observer_election_delay_ms: int = setting("observer.election.DelayMs", lenient_int(0), 200)
    observer_master_port: int = setting("observerMasterPort", strict_int(0, 65535), 0, scope=Scope.FILE)
    observer_master_size_limit_bytes: int = setting("observerMaster.sizeLimit", lenient_int(0), 33_554_432)
    digest_mismatch_policy: str = setting(
        "digestMismatchPolicy",
        choice({"report": "report", "stop": "stop", "resync": "resync"}, is_fatal=True),
        "report",
    )

    def __post_init__(self) -> None:
        fill(self, "is_observer_sync_enabled", None, self.is_sync_enabled)


@dataclass(frozen=True)
class PeerSecurityConfig:
    """TLS and SASL between the members."""

    is_quorum_tls: bool = setting("sslQuorum", strict_bool, False, scope=Scope.FILE)
    is_quorum_port_unified: bool = setting("portUnification", strict_bool, False, scope=Scope.FILE)
    is_quorum_cert_reload: bool = setting("sslQuorumReloadCertFiles", strict_bool, False, scope=Scope.FILE)
    is_quorum_sasl_enabled: bool = setting("quorum.auth.enableSasl", strict_bool, False, scope=Scope.FILE)
    is_learner_sasl_required: bool = setting("quorum.auth.learnerRequireSasl", strict_bool, False, scope=Scope.FILE)
    is_server_sasl_required: bool = setting("quorum.auth.serverRequireSasl", strict_bool, False, scope=Scope.FILE)
    learner_login_context: str = setting(
        "quorum.auth.learner.saslLoginContext", plain_text, "QuorumLearner", scope=Scope.FILE
    )
    server_login_context: str = setting(
        "quorum.auth.server.saslLoginContext", plain_text, "QuorumServer", scope=Scope.FILE
    )
    service_principal: str = setting(
        "quorum.auth.kerberos.servicePrincipal", plain_text, "zkquorum/localhost", scope=Scope.FILE
    )


ENSEMBLE_GROUPS = ("ensemble", "election", "learners", "peer_security")
"""The groups of `ServerConfig` that a standalone server makes nothing of."""


@dataclass(frozen=True)
class QuorumConfig:
    """A member of an ensemble: which one it is, who the others are, and its limits in milliseconds.

    `committed` and `last_seen` are what its files say (the same, or a newer one that was proposed). `static_file` is
    the absolute path of zoo.cfg; the files that a reconfig writes are beside it.
    """

    my_sid: int
    committed: Membership
    last_seen: Membership
    static_file: str
    tick_time_ms: int
    ensemble: EnsembleConfig
    election: ElectionConfig
    learners: LearnersConfig

    @property
    def me(self) -> Member:
        return self.committed.members[self.my_sid]

    @property
    def least_participants(self) -> int:
        """How many voters a reconfig has to leave."""
        return 2 if self.ensemble.is_standalone_enabled else 1

    @property
    def init_limit_ms(self) -> int:
        return self.ensemble.init_limit_ticks * self.tick_time_ms

    @property
    def sync_limit_ms(self) -> int:
        return self.ensemble.sync_limit_ticks * self.tick_time_ms

    @property
    def connect_limit_ms(self) -> int:
        """For a learner to connect to its leader."""
        return self.ensemble.connect_limit_ticks * self.tick_time_ms

    @property
    def handshake_timeout_ms(self) -> int:
        """For the first bytes on the election port."""
        given_ms = self.election.handshake_timeout_ms
        return given_ms if given_ms > 0 else self.sync_limit_ms
