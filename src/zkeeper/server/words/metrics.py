"""The values behind the metrics, read where they are kept at the moment somebody asks.

What is not in `measured_counters` or `measured_summaries` is published as 0: the stage of Java's pipeline that it
measures does not exist here, or nobody counts it yet (docs/four-letter-words.md).
"""

from collections.abc import Mapping

from zkeeper.database import paths, quota
from zkeeper.database.quota import NO_LIMIT, QuotaValues, parse_quota
from zkeeper.database.tree import DataTree
from zkeeper.errors import MarshallingError
from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.service import Service
from zkeeper.pipeline.stats import ServiceStats, Summary
from zkeeper.server.words.facts import QuorumFacts, ServerFacts
from zkeeper.server.words.texts import path_text

Number = int | float


def node_count(tree: DataTree) -> int:
    """Java's tree holds the root under two names, and counts both."""
    return tree.node_count + 1


def data_size_bytes(tree: DataTree) -> int:
    """Paths and data; the root's path counts once."""
    return tree.data_bytes + len(paths.ROOT)


def outstanding_requests(links: list[ClientLink]) -> int:
    """Requests that were taken and are not answered yet."""
    return sum(link.outstanding() for link in links)


def gauges(service: Service, facts: ServerFacts) -> dict[str, Number]:
    return {
        **_traffic(service, facts.links()),
        **_state(service),
        **_process(service, facts),
        **_quotas(service.database.tree),
        **(facts.quorum.gauges() if facts.quorum is not None else {}),
    }


def _traffic(service: Service, links: list[ClientLink]) -> dict[str, Number]:
    stats = service.stats
    return {
        "avg_latency": round(stats.latency.average(), 4),
        "min_latency": stats.latency.minimum,
        "max_latency": stats.latency.maximum,
        "packets_received": stats.packets_received,
        "packets_sent": stats.packets_sent,
        "num_alive_connections": len(links),
        "outstanding_requests": outstanding_requests(links),
        "connection_drop_probability": round(stats.connection_drop_probability, 4),
        "last_client_response_size": stats.last_response_bytes,
        "max_client_response_size": stats.max_response_bytes,
        "min_client_response_size": stats.min_response_bytes,
        "auth_failed_count": stats.auth_failed,
    }


def _state(service: Service) -> dict[str, Number]:
    database, local_sessions = service.database, service.local_sessions
    tree, watches = database.tree, database.watches
    return {
        "znode_count": node_count(tree),
        "approximate_data_size": data_size_bytes(tree),
        "ephemerals_count": sum(len(owned) for owned in tree.owners.ephemerals.values()),
        "watch_count": watches.data.watch_count() + watches.child.watch_count(),
        "global_sessions": len(database.sessions),
        "local_sessions": local_sessions.count() if local_sessions is not None else 0,
    }


def _process(service: Service, facts: ServerFacts) -> dict[str, Number]:
    return {
        "uptime": service.now_ms() - facts.started_ms,
        "open_file_descriptor_count": facts.process.open_files(),
        "max_file_descriptor_count": facts.process.max_files(),
        "outstanding_tls_handshake": 0,
        "non_mtls_remote_conn_count": 0,
        "non_mtls_local_conn_count": 0,
    }


def _quotas(tree: DataTree) -> dict[str, Number]:
    """Limits and usage by namespace, the first component of a path: the sum over the quotas in it."""
    sums: dict[str, Number] = {}
    for subject in tree.quotas.quota_paths:
        limits = _quota_values(tree, quota.limits_path(subject))
        usage = _quota_values(tree, quota.stats_path(subject))
        for name, value in (
            ("count_limit", limits.count if limits.count_hard == NO_LIMIT else limits.count_hard),
            ("bytes_limit", limits.bytes_ if limits.bytes_hard == NO_LIMIT else limits.bytes_hard),
            ("count_usage", usage.count),
            ("bytes_usage", usage.bytes_),
        ):
            key = f"{_namespace(subject)}_quota_{name}_per_namespace"
            sums[key] = sums.get(key, 0) + value
    return sums


def _quota_values(tree: DataTree, path: bytes) -> QuotaValues:
    node = tree.lookup(path)
    try:
        return parse_quota(node.data if node is not None else None)
    except MarshallingError:  # There is none, or a client wrote something else there.
        return QuotaValues(NO_LIMIT, NO_LIMIT)


def _namespace(path: bytes) -> str:
    return path_text(path.split(b"/")[1])


def measured_counters(service: Service, facts: ServerFacts) -> dict[str, int]:
    stats = service.stats
    return {
        "commit_count": stats.commits,
        "proposal_count": stats.proposals,
        "digest_mismatches_count": service.database.digest_mismatches,
        "connection_request_count": stats.connection_requests,
        "connection_rejected": stats.connections_rejected,
        "connection_drop_count": stats.connections_dropped,
        "connection_revalidate_count": stats.revalidations,
        "sessionless_connections_expired": stats.sessionless_expired,
        "stale_sessions_expired": stats.sessions_expired,
        "bytes_received_count": stats.bytes_received,
        "response_bytes": stats.response_bytes,
        "watch_bytes": stats.watch_bytes,
        "throttled_ops": stats.throttled_ops,
        "request_throttle_wait_count": stats.request_throttle_waits,
        "large_requests_rejected": stats.large_requests_rejected,
        **(facts.quorum.counters() if facts.quorum is not None else {}),
    }


def measured_summaries(service: Service, facts: ServerFacts) -> dict[str, Summary]:
    stats = service.stats
    return {
        "fsynctime": stats.fsync_ms,
        "snapshottime": stats.snapshot_ms,
        "sync_processor_batch_size": stats.batch_size,
        "connection_token_deficit": stats.connection_token_deficit,
        "readlatency": stats.read_latency,
        "updatelatency": stats.update_latency,
        "propagation_latency": stats.propagation,
        **facts.summaries,
        **_quorum_summaries(stats, facts.quorum, facts.mode == "leader"),
    }


def _quorum_summaries(stats: ServiceStats, quorum: QuorumFacts | None, is_leader: bool) -> Mapping[str, Summary]:
    """What is committed is applied at once, so the time until then is that of the quorum's ACKs, or of the COMMIT."""
    if quorum is None:
        return {}
    return {
        **quorum.summaries(),
        "quorum_ack_latency" if is_leader else "commit_propagation_latency": stats.propagation,
    }
