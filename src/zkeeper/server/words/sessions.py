"""dump: sessions and connections by when they expire, and who owns which ephemerals."""

from collections.abc import Iterable, Mapping

from zkeeper.database.sessions import NO_DEADLINE
from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.service import Service
from zkeeper.server.words.facts import Question
from zkeeper.server.words.texts import date, hexadecimal, path_text


def dump(question: Question) -> str:
    service = question.service
    return _sessions(service) + _ephemerals(service.database.tree.owners.ephemerals) + _connections(question)


def _sessions(service: Service) -> str:
    """Who there is is known to all members; when somebody with a global session expires only to the leader."""
    title = "Session Sets"
    parts = ["SessionTracker dump:\n"]
    if service.local_sessions is not None:
        parts.append(_sets("Local Session Sets", _deadlines(service, is_local=True), service))
        title = "Global Session Sets"
    if service.forwarder is not None or service.is_read_only:
        parts.append(_global_sessions(service.database.sessions))
    else:
        parts.append(_sets(title, _deadlines(service, is_local=False), service))
    return "".join(parts)


def _deadlines(service: Service, is_local: bool) -> dict[int, list[str]]:
    """The lines of the local or the global sessions, by their deadline."""
    lines = {
        deadline_ms: sorted(f"\t{hexadecimal(one.session_id)}\n" for one in bucket if one.is_local == is_local)
        for deadline_ms, bucket in service.tracker.buckets.items()
    }
    return {deadline_ms: some for deadline_ms, some in lines.items() if some}


def _global_sessions(timeouts_ms: Mapping[int, int]) -> str:
    lines = [f"{hexadecimal(session_id)}\t{timeout_ms}ms\n" for session_id, timeout_ms in sorted(timeouts_ms.items())]
    return "".join([f"Global Sessions({len(lines)}):\n", *lines])


def _ephemerals(ephemerals: Mapping[int, Iterable[bytes]]) -> str:
    parts = [f"ephemeral nodes dump:\nSessions with Ephemerals ({len(ephemerals)}):\n"]
    for session_id, owned in sorted(ephemerals.items()):
        parts.append(f"{hexadecimal(session_id)}:\n")
        parts.extend(f"\t{path_text(path)}\n" for path in sorted(owned))
    return "".join(parts)


def _connections(question: Question) -> str:
    lines: dict[int, list[str]] = {}
    for link in question.facts.links():
        line = f"\tip: /{link.peer} sessionId: {hexadecimal(link.session_id)}\n"
        lines.setdefault(_deadline_ms(question, link), []).append(line)
    return "Connections dump:\n" + _sets("Connections Sets", lines, question.service)


def _deadline_ms(question: Question, link: ClientLink) -> int:
    """On the monotonic clock. A connection lives as long as its session; without one its time counts from its start."""
    service, session = question.service, link.session
    if session is not None and session.deadline_ms != NO_DEADLINE:
        return session.deadline_ms
    if session is not None:
        deadline_ms = link.stats.last_response_ms + session.timeout_ms
    else:
        age_ms = service.wall_ms() - link.stats.established_ms
        deadline_ms = service.now_ms() - age_ms + question.facts.sessionless_timeout_ms
    tick_ms = service.settings.tick_ms
    return (deadline_ms // tick_ms + 1) * tick_ms


def _sets(title: str, lines_by_deadline_ms: Mapping[int, list[str]], service: Service) -> str:
    wall_ahead_ms = service.wall_ms() - service.now_ms()
    count = sum(len(lines) for lines in lines_by_deadline_ms.values())
    parts = [f"{title} ({len(lines_by_deadline_ms)})/({count}):\n"]
    for deadline_ms, lines in sorted(lines_by_deadline_ms.items()):
        parts.append(f"{len(lines)} expire at {date(wall_ahead_ms + deadline_ms)}:\n")
        parts.extend(lines)
    return "".join(parts)
