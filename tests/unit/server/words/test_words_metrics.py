"""mntr: which metrics there are, and which of them are measured."""

import re

import pytest
from words_support import Bench

from zkeeper.server.words.metric_names import ADVANCED_SUMMARIES, BASIC_SUMMARIES, COUNTERS
from zkeeper.server.words.metrics import measured_counters, measured_summaries

GAUGES = [
    "avg_latency",
    "min_latency",
    "max_latency",
    "packets_received",
    "packets_sent",
    "num_alive_connections",
    "outstanding_requests",
    "uptime",
    "znode_count",
    "watch_count",
    "ephemerals_count",
    "approximate_data_size",
    "global_sessions",
    "local_sessions",
    "open_file_descriptor_count",
    "max_file_descriptor_count",
    "connection_drop_probability",
    "last_client_response_size",
    "max_client_response_size",
    "min_client_response_size",
    "outstanding_tls_handshake",
    "auth_failed_count",
    "non_mtls_remote_conn_count",
    "non_mtls_local_conn_count",
]
QUOTA = b"/zookeeper/quota"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_every_metric_is_there_from_the_start_and_once(bench: Bench) -> None:
    names = [line.split("\t")[0] for line in bench.ask(b"mntr").splitlines()]
    expected = ["version", "server_state", *GAUGES, *COUNTERS]
    expected += [f"{kind}_{name}" for name in BASIC_SUMMARIES for kind in ["avg", "min", "max", "cnt", "sum"]]
    kinds = ["avg", "min", "max", "cnt", "sum", "p50", "p95", "p99", "p999"]
    expected += [f"{kind}_{name}" for name in ADVANCED_SUMMARIES for kind in kinds]
    assert names[:2] == ["zk_version", "zk_server_state"]
    assert sorted(names) == sorted(f"zk_{name}" for name in expected)


def test_values_are_numbers(bench: Bench) -> None:
    values = {name: value for name, value in bench.metrics().items() if name not in ("zk_version", "zk_server_state")}
    assert [name for name, value in values.items() if not re.fullmatch(r"-?[0-9]+(\.[0-9]{1,4})?", value)] == []
    assert values["zk_min_client_response_size"] == "-1"
    assert values["zk_avg_latency"] == values["zk_connection_drop_probability"] == "0.0"


def test_what_is_measured_has_a_published_name(bench: Bench) -> None:
    assert set(measured_counters(bench.service, bench.facts)) <= set(COUNTERS)
    assert set(measured_summaries(bench.service, bench.facts)) <= {*BASIC_SUMMARIES, *ADVANCED_SUMMARIES}


def test_gauges_tell_the_state(bench: Bench) -> None:
    link = bench.open_session()
    bench.create(link, 1, b"/w", b"1234")
    bench.create(link, 2, b"/w/e", flags=1)
    bench.watch_data(link, 3, b"/w")
    bench.now_ms += 700
    metrics = bench.metrics()
    assert metrics["zk_server_state"] == "standalone"
    assert metrics["zk_znode_count"] == "7"
    assert metrics["zk_approximate_data_size"] == str(44 + len("/w1234/w/e"))
    assert metrics["zk_ephemerals_count"] == metrics["zk_watch_count"] == metrics["zk_global_sessions"] == "1"
    assert metrics["zk_num_alive_connections"] == "2"
    assert metrics["zk_uptime"] == "700"
    assert (metrics["zk_open_file_descriptor_count"], metrics["zk_max_file_descriptor_count"]) == ("12", "1024")
    assert (metrics["zk_connection_request_count"], metrics["zk_cnt_readlatency"]) == ("1", "1")


def test_percentiles_and_averages_of_a_summary(bench: Bench) -> None:
    for latency_ms in range(1, 1001):
        bench.service.stats.count_write(latency_ms)
        bench.service.stats.count_commit(latency_ms)
    bench.service.stats.count_write(1)
    bench.service.stats.count_commit(1)
    metrics = bench.metrics()
    names = ["avg", "min", "max", "cnt", "sum", "p50", "p95", "p99", "p999"]
    assert [metrics[f"zk_{name}_updatelatency"] for name in names] == [
        "500.001", "1", "1000", "1001", "500501", "500", "950", "990", "999",
    ]  # fmt: skip
    assert metrics["zk_max_propagation_latency"] == "1000"
    assert metrics["zk_commit_count"] == "1001"


def test_srst_resets_counters_and_summaries_and_no_state(bench: Bench) -> None:
    link = bench.open_session()
    bench.create(link, 1, b"/w")
    bench.dbinittime.add(40)
    assert bench.metrics()["zk_max_dbinittime"] == "40"
    bench.ask(b"srst")
    metrics = bench.metrics()
    reset = ("zk_cnt_dbinittime", "zk_cnt_updatelatency", "zk_commit_count", "zk_connection_request_count")
    assert [metrics[name] for name in reset] == ["0"] * 4
    assert metrics["zk_znode_count"] == "6"


def test_quotas_are_summed_by_namespace_and_hard_limits_go_first(bench: Bench) -> None:
    link = bench.open_session()
    for number, (path, data) in enumerate([(b"/ns", b""), (b"/ns/a", b"abc"), (b"/ns/b", b"de"), (b"/other", b"z")]):
        bench.create(link, number, path, data)
    _set_quota(bench, b"/ns/a", b"count=5,bytes=-1=;byteHardLimit=100;countHardLimit=7")
    _set_quota(bench, b"/ns/b", b"count=6,bytes=50")
    _set_quota(bench, b"/other", b"count=-1,bytes=9")
    quotas = {name: value for name, value in bench.metrics().items() if "_quota_" in name}
    assert quotas == {
        "zk_ns_quota_count_limit_per_namespace": "13",
        "zk_ns_quota_bytes_limit_per_namespace": "150",
        "zk_ns_quota_count_usage_per_namespace": "2",
        "zk_ns_quota_bytes_usage_per_namespace": "5",
        "zk_other_quota_count_limit_per_namespace": "-1",
        "zk_other_quota_bytes_limit_per_namespace": "9",
        "zk_other_quota_count_usage_per_namespace": "1",
        "zk_other_quota_bytes_usage_per_namespace": "1",
    }


def _set_quota(bench: Bench, subject: bytes, limits: bytes) -> None:
    link = bench.links[0]
    parent = b"".join(QUOTA + subject[:at] for at in [subject.find(b"/", 1)] if at > 0)
    for number, path in enumerate(filter(None, [parent, QUOTA + subject]), start=100):
        bench.create(link, number, path)
    bench.create(link, 200, QUOTA + subject + b"/zookeeper_limits", limits)
    bench.create(link, 201, QUOTA + subject + b"/zookeeper_stats", b"count=0,bytes=0")
