"""cons and crst: what each connection has asked for."""

from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.link_stats import LinkStats
from zkeeper.server.words.facts import Question
from zkeeper.server.words.op_names import op_name
from zkeeper.server.words.texts import hexadecimal

NO_INTEREST = 0
READING = 1


def cons(question: Question) -> str:
    return "".join(_line(question, link, _details(link)) for link in question.facts.links()) + "\n"


def brief_lines(question: Question) -> str:
    """The connections as stat shows them."""
    return "".join(_line(question, link, "") for link in question.facts.links())


def crst(question: Question) -> str:
    for link in question.facts.links():
        link.stats.reset()
    return "Connection stats reset.\n"


def _line(question: Question, link: ClientLink, details: str) -> str:
    interest = NO_INTEREST if link is question.link or link.is_paused() else READING
    stats = link.stats
    counts = f"queued={link.outstanding()},recved={stats.received},sent={stats.sent}"
    return f" /{link.peer}[{interest}]({counts}{details})\n"


def _details(link: ClientLink) -> str:
    """What is known only of a connection with a session."""
    if link.session_id == 0:
        return ""
    stats = link.stats
    last_xid = f",lcxid={hexadecimal(stats.last_xid)}" if stats.last_xid >= 0 else ""
    return (
        f",sid={hexadecimal(link.session_id)},lop={op_name(stats.last_op)},est={stats.established_ms}"
        f",to={link.timeout_ms}{last_xid},lzxid={hexadecimal(stats.last_zxid)},lresp={stats.last_response_ms}"
        f"{_latencies(stats)}"
    )


def _latencies(stats: LinkStats) -> str:
    average_ms = stats.latency_total_ms // stats.latency_count if stats.latency_count else 0
    return (
        f",llat={stats.last_latency_ms},minlat={max(0, stats.min_latency_ms)},avglat={average_ms}"
        f",maxlat={stats.max_latency_ms}"
    )
