"""The configuration of a server, typed, in groups: each part of the server takes only its own.

1. Every field is a key of zoo.cfg; the field's default is the one in force when the key is not given.
2. Values are final: what ZooKeeper derives from other keys (-1, "as dataDir") is already filled in.
3. A name that ends in `_ms`, `_bytes` or `_kb` says the unit; 0 in a limit means that there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zkeeper.server.config.auth_values import HASHES, provider_scheme
from zkeeper.server.config.ensemble import (
    ElectionConfig,
    EnsembleConfig,
    LearnersConfig,
    PeerSecurityConfig,
    QuorumConfig,
)
from zkeeper.server.config.setting import Scope, family, fill, setting
from zkeeper.server.config.tls import TlsConfig
from zkeeper.server.config.values import (
    address,
    choice,
    filled_text,
    four_letter_words,
    interval_ms,
    lenient_bool,
    lenient_float,
    lenient_int,
    names,
    off_only_for,
    on_only_for,
    path,
    plain_text,
    raised_to,
    strict_bool,
    strict_int,
)
from zkeeper.wire.addresses import listening_host

HOUR_MS = 3_600_000
JAVA_TICK_TIME_MS = 3000
_UNSET = -1
_METRICS_PACKAGE = "org.apache.zookeeper.metrics."


@dataclass(frozen=True)
class NetworkConfig:
    """The client port. Port `None` means none, 0 any free one; address `None` means all interfaces."""

    client_port: int | None = setting("clientPort", strict_int(0, 65535), None, scope=Scope.FILE)
    client_port_address: str | None = setting("clientPortAddress", address, None, scope=Scope.FILE)
    listen_backlog: int = setting("clientPortListenBacklog", strict_int(-1), _UNSET, scope=Scope.FILE)
    is_tcp_keep_alive: bool = setting("clientTcpKeepAlive", lenient_bool, False)
    sessionless_timeout_ms: int = setting("nio.sessionlessCnxnTimeout", lenient_int(1), 10_000)
    four_letter_words: tuple[str, ...] = setting("4lw.commands.whitelist", four_letter_words, ("srvr",))
    is_read_only_enabled: bool = setting("readonlymode.enabled", lenient_bool, False, scope=Scope.PROCESS)

    @property
    def listening_host(self) -> str | None:
        """Where the client port is opened; None is on all interfaces, which 0.0.0.0 and :: say, too."""
        return listening_host(self.client_port_address)

    def allows_word(self, word: str) -> bool:
        """Whether a four-letter word is on the whitelist; `isro` is also on where read-only service is."""
        is_listed = word in self.four_letter_words or "*" in self.four_letter_words
        return is_listed or (word == "isro" and self.is_read_only_enabled)


@dataclass(frozen=True)
class SessionConfig:
    """Session timeouts; -1 in the bounds stands for 2 and 20 ticks."""

    tick_time_ms: int = setting("tickTime", strict_int(0), JAVA_TICK_TIME_MS, scope=Scope.FILE)
    session_timeout_min_ms: int = setting(
        "minSessionTimeout", strict_int(-1), _UNSET, scope=Scope.FILE, derived="2 ticks"
    )
    session_timeout_max_ms: int = setting(
        "maxSessionTimeout", strict_int(-1), _UNSET, scope=Scope.FILE, derived="20 ticks"
    )

    def __post_init__(self) -> None:
        fill(self, "session_timeout_min_ms", _UNSET, 2 * self.tick_time_ms)
        fill(self, "session_timeout_max_ms", _UNSET, 20 * self.tick_time_ms)


@dataclass(frozen=True)
class StorageConfig:
    """Data folders, the transaction log and snapshots. Zero or less in a `_kb` limit means that there is none."""

    data_dir: str = setting("dataDir", path, "", scope=Scope.FILE)
    data_log_dir: str = setting("dataLogDir", path, "", scope=Scope.FILE, derived="as dataDir")
    is_autocreate: bool = setting("datadir.autocreate", lenient_bool, True)
    snap_count: int = setting("snapCount", lenient_int(2), 100_000)
    snap_size_limit_kb: int = setting("snapSizeLimitInKb", lenient_int(bits=64), 4_194_304)
    txn_log_size_limit_kb: int = setting("txnLogSizeLimitInKb", lenient_int(bits=64), -1)
    pre_alloc_size_kb: int = setting("preAllocSize", lenient_int(0, bits=64), 65_536)
    is_force_sync: bool = setting("forceSync", off_only_for("no", "yes"), True)
    is_direct_log: bool = setting("directLogWrites", lenient_bool, True)
    fsync_warning_threshold_ms: int = setting("fsync.warningthresholdms", lenient_int(0, bits=64), 1000)
    snapshot_compression: str = setting(
        "snapshot.compression.method", choice({"gz": "gz", "snappy": "snappy", "": "plain"}, is_fatal=False), "plain"
    )
    is_trust_empty_snapshot: bool = setting("snapshot.trust.empty", lenient_bool, False)
    is_last_processed_zxid_serialized: bool = setting("serializeLastProcessedZxid.enabled", lenient_bool, True)
    is_digest_enabled: bool = setting("digest.enabled", lenient_bool, True)
    is_close_session_txn_enabled: bool = setting("closeSessionTxn.enabled", lenient_bool, True)

    def __post_init__(self) -> None:
        fill(self, "data_log_dir", "", self.data_dir)


@dataclass(frozen=True)
class RetentionConfig:
    """Removal of old snapshots and logs. Interval 0 turns it off; unlike Java it is on when nothing is said."""

    snap_retain_count: int = setting("autopurge.snapRetainCount", raised_to(3), 3, scope=Scope.FILE)
    purge_interval_ms: int = setting("autopurge.purgeInterval", interval_ms, HOUR_MS, scope=Scope.FILE)


@dataclass(frozen=True)
class LimitsConfig:
    """What clients may take of the server. 0 connections or requests means no limit."""

    max_client_cnxns: int = setting("maxClientCnxns", raised_to(0), 60, scope=Scope.FILE)
    max_cnxns: int = setting("maxCnxns", lenient_int(0), 0)
    jute_max_buffer_bytes: int = setting("jute.maxbuffer", lenient_int(1), 0xFFFFF, scope=Scope.PROCESS)
    jute_max_buffer_extra_bytes: int = setting(
        "jute.maxbuffer.extrasize", lenient_int(1024), _UNSET, scope=Scope.PROCESS, derived="as jute.maxbuffer"
    )
    global_outstanding_limit: int = setting("globalOutstandingLimit", lenient_int(1), 1000)
    large_request_max_bytes: int = setting("largeRequestMaxBytes", lenient_int(0), 104_857_600)
    large_request_threshold_bytes: int = setting("largeRequestThreshold", lenient_int(-1), _UNSET)
    max_unread_reply_bytes: int = setting("maxUnreadReplyBytes", lenient_int(0, bits=64), 1 << 30)
    max_watches_per_connection: int = setting("maxWatchesPerConnection", lenient_int(0), 2_000_000)
    throttled_op_wait_time_ms: int = setting("throttled_op_wait_time", lenient_int(0), 0)
    is_quota_enforced: bool = setting("enforceQuota", lenient_bool, False)
    is_reconfig_enabled: bool = setting("reconfigEnabled", strict_bool, False, scope=Scope.FILE)

    def __post_init__(self) -> None:
        fill(self, "jute_max_buffer_extra_bytes", _UNSET, max(1024, self.jute_max_buffer_bytes))


@dataclass(frozen=True)
class RequestThrottleConfig:
    """Requests that wait while too many are in process; off with `max_requests` 0."""

    max_requests: int = setting("request_throttle_max_requests", lenient_int(0), 0)


@dataclass(frozen=True)
class ConnectionThrottleConfig:
    """The token bucket that new connections pay from; off with `tokens` 0, no random drop with `freeze_time_ms` -1."""

    tokens: int = setting("connection_throttle_tokens", lenient_int(0), 0)
    fill_time_ms: int = setting("connection_throttle_fill_time", lenient_int(1), 1)
    fill_count: int = setting("connection_throttle_fill_count", lenient_int(1), 1)
    freeze_time_ms: int = setting("connection_throttle_freeze_time", lenient_int(-1), -1)
    drop_increase: float = setting("connection_throttle_drop_increase", lenient_float, 0.02)
    drop_decrease: float = setting("connection_throttle_drop_decrease", lenient_float, 0.002)
    decrease_ratio: float = setting("connection_throttle_decrease_ratio", lenient_float, 0.0)
    is_weight_enabled: bool = setting("connection_throttle_weight_enabled", lenient_bool, False)
    global_session_weight: int = setting("connection_throttle_global_session_weight", lenient_int(0), 3)
    local_session_weight: int = setting("connection_throttle_local_session_weight", lenient_int(0), 1)
    renew_session_weight: int = setting("connection_throttle_renew_session_weight", lenient_int(0), 2)


@dataclass(frozen=True)
class NodesConfig:
    """Kinds of znodes and the sweep that removes containers and TTL nodes."""

    is_extended_types_enabled: bool = setting("extendedTypesEnabled", lenient_bool, False)
    is_353_ttl_emulated: bool = setting("emulate353TTLNodes", lenient_bool, False)
    container_check_interval_ms: int = setting(
        "znode.container.checkIntervalMs", lenient_int(1), 60_000, scope=Scope.PROCESS
    )
    container_max_per_minute: int = setting("znode.container.maxPerMinute", lenient_int(1), 10_000, scope=Scope.PROCESS)
    container_max_never_used_interval_ms: int = setting(
        "znode.container.maxNeverUsedIntervalMs", lenient_int(0, bits=64), 0, scope=Scope.PROCESS
    )


@dataclass(frozen=True)
class AuthConfig:
    """Who clients are and what they may do. `providers` are schemes named beside the built-in `ip` and `digest`."""

    is_acl_skipped: bool = setting("skipACL", on_only_for("yes", "no"), False)
    super_digest: str = setting("DigestAuthenticationProvider.superDigest", plain_text, "")
    is_digest_scheme_enabled: bool = setting("DigestAuthenticationProvider.enabled", lenient_bool, True)
    digest_algorithm: str = setting("DigestAuthenticationProvider.digestAlg", choice(HASHES, is_fatal=True), "sha1")
    providers: tuple[str, ...] = family("authProvider.", provider_scheme)
    super_users: tuple[str, ...] = family("superUser", filled_text)
    x509_super_user: str = setting("X509AuthenticationProvider.superUser", plain_text, "")
    sasl_super_password: str = setting("SASLAuthenticationProvider.superPassword", plain_text, "")
    any_sasl_user_id: str = setting("letAnySaslUserDoX", plain_text, "")
    ensemble_auth_names: tuple[str, ...] = setting("ensembleAuthName", names, ())
    is_auth_enforced: bool = setting("enforce.auth.enabled", lenient_bool, False)
    enforced_schemes: tuple[str, ...] = setting("enforce.auth.schemes", names, ())
    is_client_sasl_required: bool = setting("sessionRequireClientSASLAuth", lenient_bool, False)
    is_failed_sasl_client_allowed: bool = setting("allowSaslFailedClients", lenient_bool, False)

    @property
    def required_schemes(self) -> tuple[str, ...]:
        """The schemes of which a session must have authenticated with one; empty when nothing is enforced."""
        sasl = ("sasl",) if self.is_client_sasl_required else ()
        return sasl + (self.enforced_schemes if self.is_auth_enforced else ())

    @property
    def available_schemes(self) -> frozenset[str]:
        digest = {"digest"} if self.is_digest_scheme_enabled else set()
        return frozenset({"ip", *digest, *self.providers})


@dataclass(frozen=True)
class AdminConfig:
    """The HTTP admin server."""

    is_enabled: bool = setting("admin.enableServer", off_only_for("false", "true"), True)
    server_address: str = setting("admin.serverAddress", plain_text, "0.0.0.0")
    server_port: int = setting("admin.serverPort", lenient_int(0), 8080)
    idle_timeout_ms: int = setting("admin.idleTimeout", lenient_int(), 30_000)
    command_url: str = setting("admin.commandURL", plain_text, "/commands")
    is_port_unified: bool = setting("admin.portUnification", lenient_bool, False)
    is_https_forced: bool = setting("admin.forceHttps", lenient_bool, False)
    is_client_auth_needed: bool = setting("admin.needClientAuth", lenient_bool, False)
    rate_limiter_interval_ms: int = setting("admin.rateLimiterIntervalInMS", lenient_int(0), 300_000)
    is_snapshot_enabled: bool = setting("admin.snapshot.enabled", lenient_bool, True)
    is_restore_enabled: bool = setting("admin.restore.enabled", lenient_bool, True)


@dataclass(frozen=True)
class MetricsConfig:
    """Where metrics can be scraped; the class names are Java's and only choose between on and off."""

    class_name: str = setting(
        "metricsProvider.className", plain_text, f"{_METRICS_PACKAGE}impl.DefaultMetricsProvider", scope=Scope.FILE
    )
    http_host: str = setting("metricsProvider.httpHost", plain_text, "0.0.0.0", scope=Scope.FILE)
    http_port: int = setting("metricsProvider.httpPort", strict_int(0, 65535), 7000, scope=Scope.FILE)

    @property
    def is_prometheus(self) -> bool:
        return self.class_name == f"{_METRICS_PACKAGE}prometheus.PrometheusMetricsProvider"

    @property
    def is_known(self) -> bool:
        built_in = ("impl.DefaultMetricsProvider", "impl.NullMetricsProvider")
        return self.is_prometheus or self.class_name in {f"{_METRICS_PACKAGE}{name}" for name in built_in}


@dataclass(frozen=True)
class AuditConfig:
    """The audit log."""

    is_enabled: bool = setting("audit.enable", lenient_bool, False)


@dataclass(frozen=True)
class ServerConfig:
    """All settings of a server. `sources` says for each key that was given where it comes from.

    `quorum` is there for a member of an ensemble, `None` for a standalone server.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    sessions: SessionConfig = field(default_factory=SessionConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    request_throttle: RequestThrottleConfig = field(default_factory=RequestThrottleConfig)
    connection_throttle: ConnectionThrottleConfig = field(default_factory=ConnectionThrottleConfig)
    nodes: NodesConfig = field(default_factory=NodesConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    admin: AdminConfig = field(default_factory=AdminConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    ensemble: EnsembleConfig = field(default_factory=EnsembleConfig)
    election: ElectionConfig = field(default_factory=ElectionConfig)
    learners: LearnersConfig = field(default_factory=LearnersConfig)
    peer_security: PeerSecurityConfig = field(default_factory=PeerSecurityConfig)
    quorum: QuorumConfig | None = None
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
