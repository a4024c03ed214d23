"""The metrics that every server publishes from its start (operations, section 2), for dashboards to find.

Sets, whose names begin with a key, and those of leaders and learners are not among them.
"""

from typing import Final


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTERS: Final = _names("""
    snapshot_error_count snapshot_rate_limited_count restore_error_count restore_rate_limited_count
    looking_count diff_count snap_count quit_leading_due_to_disloyal_voter
    skip_learner_request_to_next_processor_count learner_proposal_received_count learner_commit_received_count
    commit_count proposal_count digest_mismatches_count unrecoverable_error_count
    connection_request_count connection_rejected connection_drop_count connection_revalidate_count revalidate_count
    sessionless_connections_expired stale_sessions_expired cnxn_closed_without_zk_server_running
    bytes_received_count response_bytes watch_bytes
    unsuccessful_handshake tls_handshake_exceeded insecure_admin_count
    ensemble_auth_success ensemble_auth_fail ensemble_auth_skip
    prep_processor_request_queued outstanding_changes_queued outstanding_changes_removed request_commit_queued
    sync_processor_request_queued requests_not_forwarded_to_commit_processor throttled_ops
    stale_requests stale_requests_dropped stale_replies request_throttle_wait_count large_requests_rejected
    response_packet_cache_hits response_packet_cache_misses
    response_packet_get_children_cache_hits response_packet_get_children_cache_misses
    add_dead_watcher_stall_time dead_watchers_queued dead_watchers_cleared
    ttl_node_created_count ttl_node_deleted_count
    op_count_total op_count_add_watch op_count_check op_count_check_watches op_count_close_session op_count_create
    op_count_create_session op_count_delete op_count_exists op_count_get_acl op_count_get_all_children_number
    op_count_get_children op_count_get_data op_count_get_ephemerals op_count_multi op_count_multi_read op_count_ping
    op_count_reconfig op_count_remove_watches op_count_set_acl op_count_set_data op_count_set_watches op_count_sync
    op_count_who_am_i
""")

BASIC_SUMMARIES: Final = _names("""
    fsynctime snapshottime restore_time dbinittime
    startup_txns_loaded startup_txns_load_time startup_snap_load_time
    follower_sync_time observer_sync_time election_time inflight_snap_count inflight_diff_count
    unavailable_time leader_unavailable_time socket_closing_time learner_request_processor_queue_size
    node_created_watch_count node_deleted_watch_count node_changed_watch_count node_children_watch_count
    connection_token_deficit prep_processor_queue_size prep_process_time proposal_process_time
    requests_in_session_queue pending_session_queue_size reads_after_write_in_session_queue
    reads_issued_from_session_queue session_queues_drained time_waiting_empty_pool_in_commit_processor_read_ms
    write_batch_time_in_commit_processor concurrent_request_processing_in_commit_processor
    read_commit_proc_req_queued write_commit_proc_req_queued commit_commit_proc_req_queued
    read_commit_proc_issued write_commit_proc_issued commit_process_time
    sync_processor_queue_size sync_process_time sync_processor_batch_size netty_queued_buffer_capacity
""")

ADVANCED_SUMMARIES: Final = _names("""
    readlatency updatelatency propagation_latency proposal_latency proposal_ack_creation_latency
    commit_propagation_latency quorum_ack_latency
    prep_processor_queue_time_ms close_session_prep_time read_commitproc_time_ms write_commitproc_time_ms
    local_write_committed_time_ms server_write_committed_time_ms om_proposal_process_time_ms om_commit_process_time_ms
    read_final_proc_time_ms write_final_proc_time_ms sync_processor_queue_and_flush_time_ms
    sync_processor_queue_time_ms sync_processor_queue_flush_time_ms request_throttle_queue_time_ms
    dead_watchers_cleaner_latency jvm_pause_time_ms
""")
