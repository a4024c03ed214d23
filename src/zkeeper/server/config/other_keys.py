"""Keys of ZooKeeper's that a standalone zkeeper accepts without an effect, and the misspellings it understands.

A pattern that ends in `*` stands for every key that starts so.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from zkeeper.server.config.values import Reader, plain_text, role, strict_bool, strict_int


class Ignored(NamedTuple):
    """Why a key has no effect here, and how loudly that is said."""

    level: int
    why: str


# Java's parser reads these itself, so a bad value stops a standalone server too.
ENSEMBLE_KEYS: Mapping[str, Reader[Any]] = {
    "initLimit": strict_int(),
    "syncLimit": strict_int(),
    "connectToLearnerMasterLimit": strict_int(),
    "electionAlg": strict_int(),
    "peerType": role,
    "observerMasterPort": strict_int(),
    "syncEnabled": strict_bool,
    "quorumListenOnAllIPs": strict_bool,
    "standaloneEnabled": strict_bool,
    "dynamicConfigFile": plain_text,
    "localSessionsEnabled": strict_bool,
    "localSessionsUpgradingEnabled": strict_bool,
    "sslQuorum": strict_bool,
    "portUnification": strict_bool,
    "sslQuorumReloadCertFiles": strict_bool,
    "quorum.auth.enableSasl": strict_bool,
    "quorum.auth.learnerRequireSasl": strict_bool,
    "quorum.auth.serverRequireSasl": strict_bool,
    "quorum.auth.learner.saslLoginContext": plain_text,
    "quorum.auth.server.saslLoginContext": plain_text,
    "quorum.auth.kerberos.servicePrincipal": plain_text,
    "quorum.cnxn.threads.size": strict_int(),
    "multiAddress.enabled": strict_bool,
    "multiAddress.reachabilityCheckEnabled": strict_bool,
    "multiAddress.reachabilityCheckTimeoutMs": strict_int(),
    "oraclePath": plain_text,
}

_OF_ENSEMBLES = (
    "cnxTimeout",
    "commitLogCount",
    "db.autocreate",
    "electionPortBindRetry",
    "enableEagerACLCheck",
    "fastleader.minNotificationInterval",
    "fastleader.maxNotificationInterval",
    "follower.nodelay",
    "follower.skipLearnerRequestToNextProcessor",
    "forceSnapshotSync",
    "forward_learner_requests_to_commit_processor_disabled",
    "leader.ackLoggingFrequency",
    "leader.closeSocketAsync",
    "leader.maxConcurrentDiffSyncs",
    "leader.maxConcurrentSnapSyncs",
    "leader.maxTimeToWaitForEpoch",
    "leader.nodelay",
    "leaderConnectDelayDuringRetryMs",
    "leaderServes",
    "learner.asyncSending",
    "learner.closeSocketAsync",
    "messageTracker.BufferSize",
    "messageTracker.Enabled",
    "observer.election.DelayMs",
    "observer.reconnectDelayMs",
    "observer.syncEnabled",
    "observerMaster.sizeLimit",
    "quorumCnxnTimeoutMs",
    "snapshotSizeFactor",
    "ssl.quorum.*",
    "tcpKeepAlive",
)

_OF_JAVA = (
    "audit.impl.class",
    "admin.httpVersion",
    "bitHashCacheSize",
    "commitProcessor.*",
    "intBufferStartingSizeBytes",
    "jmx.*",
    "jvm.pause.*",
    "log.*",
    "maxInProcessingDeadWatchers",
    "netty.*",
    "nio.*",
    "pathStats.*",
    "request_throttler.shutdownTimeout",
    "root.logger",
    "serverCnxnFactory",
    "ssl.context.supplier.class",
    "ssl.sslProvider",
    "testingonly.*",
    "test.*",
    "watchManagerName",
    "watcherCleanIntervalInSeconds",
    "watcherCleanThreadsNum",
    "watcherCleanThreshold",
)

_OF_WHAT_IS_NOT_SERVED = (
    "IPAuthenticationProvider.usexforwardedfor",
    "fips-mode",
    "java.security.*",
    "kerberos.*",
    "metricsProvider.*",
    "requireKerberosConfig",
    "sasl.serverconfig",
    "security.auth_to_local",
)

_NO_CACHE = "a reply is written from the znode, there is no cache of packed replies"
_NO_QUEUE = "there is no queue of requests that wait, clients are not read from until there is room"
# What zkeeper does by other means, so that there is nothing to tune.
_DONE_OTHERWISE: Mapping[str, str] = {
    **dict.fromkeys(
        ("flushDelay", "maxBatchSize", "maxWriteQueuePollTime"),
        "what comes while one sync of the log is under way is the next one's batch, without a delay or a limit",
    ),
    **dict.fromkeys(("maxResponseCacheSize", "maxGetChildrenResponseCacheSize"), _NO_CACHE),
    **dict.fromkeys(
        (
            "request_stale_connection_check",
            "request_stale_latency_check",
            "request_throttle_drop_stale",
            "request_throttle_stall_time",
        ),
        _NO_QUEUE,
    ),
    "connection_throttle_local_session_weight": "a standalone server has no local sessions",
}

IGNORED: Mapping[str, Ignored] = {
    **dict.fromkeys(
        (*ENSEMBLE_KEYS, *_OF_ENSEMBLES), Ignored(logging.DEBUG, "it concerns ensembles, this server stands alone")
    ),
    **dict.fromkeys(_OF_JAVA, Ignored(logging.DEBUG, "it tunes the inside of the Java server")),
    **dict.fromkeys(
        _OF_WHAT_IS_NOT_SERVED, Ignored(logging.INFO, "what it belongs to is not served by this version yet")
    ),
    **{key: Ignored(logging.INFO, why) for key, why in _DONE_OTHERWISE.items()},
}

# Spellings of published documentation that the Java server does not read, and what it reads.
SYNONYMS: Mapping[str, str] = {
    "connectionMaxTokens": "connection_throttle_tokens",
    "connectionTokenFillTime": "connection_throttle_fill_time",
    "connectionTokenFillCount": "connection_throttle_fill_count",
    "connectionFreezeTime": "connection_throttle_freeze_time",
    "connectionDropIncrease": "connection_throttle_drop_increase",
    "connectionDropDecrease": "connection_throttle_drop_decrease",
    "connectionDecreaseRatio": "connection_throttle_decrease_ratio",
    "requestThrottleLimit": "request_throttle_max_requests",
    "requestThrottleStallTime": "request_throttle_stall_time",
    "requestThrottleDropStale": "request_throttle_drop_stale",
    "requestStaleLatencyCheck": "request_stale_latency_check",
    "requestStaleConnectionCheck": "request_stale_connection_check",
    "maxConcurrentSnapSyncs": "leader.maxConcurrentSnapSyncs",
    "maxConcurrentDiffSyncs": "leader.maxConcurrentDiffSyncs",
    "maxTimeToWaitForEpoch": "leader.maxTimeToWaitForEpoch",
    "advancedFlowControlEnabled": "netty.advancedFlowControl.enabled",
    "outstandingHandshake.limit": "netty.server.outstandingHandshake.limit",
    "throttledOpWaitTime": "throttled_op_wait_time",
}


def ignored(key: str) -> Ignored | None:
    """Why `key` has no effect here; `None` when it is no such key."""
    if key in IGNORED:
        return IGNORED[key]
    return next((why for pattern, why in IGNORED.items() if _matches(pattern, key)), None)


def is_member_key(key: str) -> bool:
    """Whether the key describes an ensemble's members; Java looks at how it starts, and no further."""
    return key.startswith(("server.", "group", "weight"))


def _matches(pattern: str, key: str) -> bool:
    return pattern.endswith("*") and key.startswith(pattern[:-1])
