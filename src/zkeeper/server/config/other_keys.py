"""Keys of ZooKeeper's that zkeeper accepts without an effect, and the misspellings it understands.

A pattern that ends in `*` stands for every key that starts so.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple


class Ignored(NamedTuple):
    """Why a key has no effect here, and how loudly that is said."""

    level: int
    why: str


_OF_JAVA = (
    "audit.impl.class",
    "admin.httpVersion",
    "bitHashCacheSize",
    "commitProcessor.*",
    "follower.skipLearnerRequestToNextProcessor",
    "forward_learner_requests_to_commit_processor_disabled",
    "intBufferStartingSizeBytes",
    "jmx.*",
    "jvm.pause.*",
    "leader.ackLoggingFrequency",
    "leader.closeSocketAsync",
    "learner.asyncSending",
    "learner.closeSocketAsync",
    "log.*",
    "maxInProcessingDeadWatchers",
    "messageTracker.*",
    "netty.*",
    "nio.*",
    "pathStats.*",
    "quorum.cnxn.threads.size",
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
    "enableEagerACLCheck": "the leader checks what is forwarded to it",
}

STANDS_ALONE = Ignored(logging.DEBUG, "it concerns ensembles, this server stands alone")

IGNORED: Mapping[str, Ignored] = {
    "ssl.quorum.*": Ignored(logging.DEBUG, "TLS between servers is not served by this version yet"),
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


def is_of_the_virtual_machine(key: str) -> bool:
    """Whether Java's virtual machine reads the key, which does not know of zoo.cfg."""
    return key.startswith("java.security.")


def _matches(pattern: str, key: str) -> bool:
    return pattern.endswith("*") and key.startswith(pattern[:-1])
