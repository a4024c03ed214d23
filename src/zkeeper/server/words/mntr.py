"""mntr: every metric, a line each."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from zkeeper.pipeline.stats import Summary
from zkeeper.server.words.facts import Question
from zkeeper.server.words.metric_names import ADVANCED_SUMMARIES, BASIC_SUMMARIES, COUNTERS
from zkeeper.server.words.metrics import Number, gauges, measured_counters, measured_summaries
from zkeeper.server.words.version import VERSION

PERCENTILES: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999))

Line = tuple[str, Number | str]


def mntr(question: Question) -> str:
    return "".join(f"zk_{name}\t{value}\n" for name, value in _metrics(question))


def _metrics(question: Question) -> Iterator[Line]:
    service, facts = question.service, question.facts
    yield "version", VERSION
    yield "server_state", question.facts.mode
    if facts.quorum is not None:
        yield from facts.quorum.state().items()
    yield from gauges(service, facts).items()
    counted = measured_counters(service, facts)
    yield from ((name, counted.get(name, 0)) for name in COUNTERS)
    yield from _summaries(measured_summaries(service, facts))


def _summaries(measured: Mapping[str, Summary]) -> Iterator[Line]:
    never = Summary()
    for name in BASIC_SUMMARIES:
        yield from _basic(name, measured.get(name, never))
    for name in ADVANCED_SUMMARIES:
        summary = measured.get(name, never)
        yield from _basic(name, summary)
        yield from ((f"{prefix}_{name}", summary.percentile(share)) for prefix, share in PERCENTILES)


def _basic(name: str, summary: Summary) -> Iterable[Line]:
    return (
        (f"avg_{name}", round(summary.average(), 4)),
        (f"min_{name}", summary.minimum),
        (f"max_{name}", summary.maximum),
        (f"cnt_{name}", summary.count),
        (f"sum_{name}", summary.total),
    )
