"""srvr, stat and isro: the state of the server at a glance; srst begins the counting anew."""

from zkeeper.server.words.connections import brief_lines
from zkeeper.server.words.facts import Question, QuorumFacts
from zkeeper.server.words.metrics import node_count, outstanding_requests
from zkeeper.server.words.texts import average, hexadecimal
from zkeeper.server.words.version import VERSION


def srvr(question: Question) -> str:
    return _head(question) + _state(question)


def stat(question: Question) -> str:
    return f"{_head(question)}Clients:\n{brief_lines(question)}\n{_state(question)}"


def isro(question: Question) -> str:
    return "ro" if question.service.is_read_only else "rw"


def srst(question: Question) -> str:
    question.service.stats.reset()
    for summary in question.facts.summaries.values():
        summary.reset()
    if question.facts.quorum is not None:
        question.facts.quorum.reset()
    return "Server stats reset.\n"


def _head(question: Question) -> str:
    version = f"Zookeeper version: {VERSION}\n"
    return f"{version}READ-ONLY mode; serving only read-only clients\n" if question.service.is_read_only else version


def _state(question: Question) -> str:
    service, links = question.service, question.facts.links()
    stats, latency = service.stats, service.stats.latency
    return (
        f"Latency min/avg/max: {latency.minimum}/{average(latency.average())}/{latency.maximum}\n"
        f"Received: {stats.packets_received}\n"
        f"Sent: {stats.packets_sent}\n"
        f"Connections: {len(links)}\n"
        f"Outstanding: {outstanding_requests(links)}\n"
        f"Zxid: {hexadecimal(service.database.last_zxid)}\n"
        f"Mode: {question.facts.mode}\n"
        f"Node count: {node_count(service.database.tree)}\n"
        f"{_proposal_sizes(question.facts.quorum)}"
    )


def _proposal_sizes(quorum: QuorumFacts | None) -> str:
    """Of a leader only."""
    sizes = quorum.proposal_sizes() if quorum is not None else None
    return "" if sizes is None else f"Proposal sizes last/min/max: {sizes.last}/{sizes.least}/{sizes.most}\n"
