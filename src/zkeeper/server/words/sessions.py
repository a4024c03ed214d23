"""dump: sessions and connections by when they expire, and who owns which ephemerals."""

from collections.abc import Iterable, Mapping

from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.service import Service
from zkeeper.server.words.facts import Question
from zkeeper.server.words.texts import date, hexadecimal, path_text


def dump(question: Question) -> str:
    service = question.service
    return _sessions(service) + _ephemerals(service.database.tree.owners.ephemerals) + _connections(question)


def _sessions(service: Service) -> str:
    buckets = service.tracker.buckets
    lines = {
        deadline_ms: sorted(f"\t{hexadecimal(session.session_id)}\n" for session in bucket)
        for deadline_ms, bucket in buckets.items()
    }
    return "SessionTracker dump:\n" + _sets("Session Sets", lines, service)


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
    if link.session is not None:
        return link.session.deadline_ms
    service = question.service
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
