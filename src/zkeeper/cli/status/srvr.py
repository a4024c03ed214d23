"""What a server's answer to `srvr` says. Pure."""

import enum
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_COUNTER_BITS: Final = 32
_LINE: Final = re.compile(r"^(?:Zookeeper )?([A-Za-z][\w /]*): ?(.*)$")


class Health(enum.Enum):
    """How a server is. Only the first is well."""

    SERVING = "serving"
    READ_ONLY = "read-only"
    NOT_SERVING = "not serving"
    UNREACHABLE = "unreachable"


class Status(NamedTuple):
    """Of one server; what is not known is None."""

    server: str
    health: Health
    reason: str | None = None
    """Why it could not be reached."""
    mode: str | None = None
    version: str | None = None
    zxid: int | None = None
    connections: int | None = None
    outstanding: int | None = None
    nodes: int | None = None
    latency_min_ms: float | None = None
    latency_avg_ms: float | None = None
    latency_max_ms: float | None = None


def read_srvr(server: str, answer: str) -> Status:
    """Makes sense of `answer`, whoever gave it. Every server that serves gives one, whatever its whitelist says."""
    if not answer or "not currently serving" in answer:
        return Status(server, Health.NOT_SERVING)
    fields = {match[1]: match[2] for line in answer.splitlines() if (match := _LINE.match(line))}
    try:
        return _status(server, fields)
    except (KeyError, ValueError, TypeError):
        return Status(server, Health.NOT_SERVING, "this is no ZooKeeper server")


def _status(server: str, fields: dict[str, str]) -> Status:
    """Raises an error of any of these kinds if the fields are not those of an answer to `srvr`."""
    mode = fields["Mode"]
    return Status(
        server,
        Health.READ_ONLY if mode == "read-only" else Health.SERVING,
        None,
        mode,
        fields.get("version", "").partition("-")[0].partition(",")[0] or None,
        _number(fields.get("Zxid"), 16),
        _number(fields.get("Connections")),
        _number(fields.get("Outstanding")),
        _number(fields.get("Node count")),
        *_latency(fields.get("Latency min/avg/max")),
    )


def _latency(text: str | None) -> Iterable[float | None]:
    return (None, None, None) if text is None else map(float, text.split("/"))


def _number(text: str | None, base: int = 10) -> int | None:
    return None if text is None else int(text, base)


def behind(statuses: Sequence[Status]) -> dict[str, int | None]:
    """How many transactions each server is behind the foremost; None across epochs, where nobody can tell."""
    known = [status.zxid for status in statuses if status.zxid is not None]
    foremost = max(known, default=0)
    return {status.server: _distance(status.zxid, foremost) for status in statuses}


def _distance(zxid: int | None, foremost: int) -> int | None:
    if zxid is None or zxid >> _COUNTER_BITS != foremost >> _COUNTER_BITS:
        return None
    return foremost - zxid


def roles_text(statuses: Sequence[Status]) -> str | None:
    """Who leads and how many follow, in a line; None where no server says that it is a member of an ensemble."""
    modes = [status.mode for status in statuses]
    learners = {mode: modes.count(mode) for mode in ("follower", "observer")}
    leaders = [status for status in statuses if status.mode == "leader"]
    if not leaders and not any(learners.values()):
        return None
    lost = len(modes) - len(leaders) - sum(learners.values())
    others = [count_text(count, mode) for mode, count in learners.items() if count]
    unreachable = sum(status.health is Health.UNREACHABLE for status in statuses)
    others += [f"{lost - unreachable} without a role"] if lost > unreachable else []
    others += [f"{unreachable} unreachable"] if unreachable else []
    if leaders:
        return ", ".join([_leader_text(leaders), *others])
    return f"{_absence_text(len(modes), lost)}: {', '.join(others)}"


def _leader_text(leaders: Sequence[Status]) -> str:
    told = [f"{status.server} in epoch {(status.zxid or 0) >> _COUNTER_BITS}" for status in leaders]
    return f"{count_text(len(leaders), 'leader')}: {'; '.join(told)}"


def _absence_text(asked: int, lost: int) -> str:
    """Whoever follows has a leader: one that was not asked, unless it is lost or has not told its role."""
    servers = f"{count_text(asked, 'server')} asked"
    return f"none of the {servers} says that it leads" if lost else f"the leader is not among the {servers}"


def count_text(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def exit_code(statuses: Sequence[Status]) -> int:
    """0 if all serve, 1 if some do, 2 if none does."""
    well = [status.health is Health.SERVING for status in statuses]
    return 0 if all(well) else 1 if any(well) else 2
