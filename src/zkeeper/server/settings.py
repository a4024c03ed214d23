"""What each part of a server is told, taken from its configuration."""

import os
from typing import Final

from zkeeper.database.auth import AuthRules
from zkeeper.database.database import DatabaseOptions
from zkeeper.pipeline.prepare import PrepareOptions
from zkeeper.pipeline.settings import ServiceSettings
from zkeeper.server.config.model import ServerConfig
from zkeeper.storage.settings import Compression, StorageSettings

COMPRESSIONS: Final[dict[str, Compression]] = {"plain": "", "gz": "gz", "snappy": "snappy"}


def storage_settings(config: ServerConfig) -> StorageSettings:
    storage, limits = config.storage, config.limits
    return StorageSettings(
        data_dir=os.path.abspath(storage.data_dir),
        log_dir=os.path.abspath(storage.data_log_dir),
        create_folders=storage.is_autocreate,
        pre_alloc_bytes=storage.pre_alloc_size_kb * 1024,
        txn_log_size_limit_bytes=max(0, storage.txn_log_size_limit_kb) * 1024,
        force_sync=storage.is_force_sync,
        sync_warning_ms=storage.fsync_warning_threshold_ms,
        snap_count=storage.snap_count,
        snap_size_limit_bytes=max(0, storage.snap_size_limit_kb) * 1024,
        compression=COMPRESSIONS[storage.snapshot_compression],
        serialize_last_zxid=storage.is_last_processed_zxid_serialized,
        digest_enabled=storage.is_digest_enabled,
        trust_empty=storage.is_trust_empty_snapshot,
        retain_count=config.retention.snap_retain_count,
        snapshot_size_factor=config.learners.snapshot_size_factor,
        limit_bytes=limits.jute_max_buffer_bytes + limits.jute_max_buffer_extra_bytes,
    )


def database_options(config: ServerConfig) -> DatabaseOptions:
    nodes = config.nodes
    return DatabaseOptions(nodes.is_extended_types_enabled, nodes.is_353_ttl_emulated, config.storage.is_digest_enabled)


def auth_rules(config: ServerConfig) -> AuthRules:
    auth = config.auth
    return AuthRules(
        super_digest=auth.super_digest.encode(),
        digest_enabled=auth.is_digest_scheme_enabled,
        digest_algorithm=auth.digest_algorithm,
        skip_acl=auth.is_acl_skipped,
        sasl_in_acls="sasl" in auth.providers,
        any_sasl_user=auth.any_sasl_user_id.encode(),
    )


def service_settings(config: ServerConfig, local_session_server_id: int) -> ServiceSettings:
    sessions, limits = config.sessions, config.limits
    return ServiceSettings(
        sessions.session_timeout_min_ms,
        sessions.session_timeout_max_ms,
        sessions.tick_time_ms,
        limits.jute_max_buffer_bytes,
        limits.jute_max_buffer_bytes + limits.jute_max_buffer_extra_bytes,
        limits.global_outstanding_limit,
        limits.large_request_threshold_bytes,
        limits.large_request_max_bytes,
        limits.throttled_op_wait_time_ms,
        config.request_throttle.max_requests,
        limits.max_watches_per_connection,
        frozenset(scheme.encode() for scheme in config.auth.required_schemes),
        local_session_server_id,
        config.ensemble.is_local_session_upgraded,
    )


def prepare_options(config: ServerConfig) -> PrepareOptions:
    limits, storage = config.limits, config.storage
    return PrepareOptions(
        limits.is_quota_enforced,
        limits.is_reconfig_enabled,
        storage.is_close_session_txn_enabled,
        limits.jute_max_buffer_bytes + limits.jute_max_buffer_extra_bytes,
    )
