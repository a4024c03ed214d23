"""The history of what the clients of a run were told, for the checks of `zkeeper.testing.history`.

1. Reads behind a sync on the same connection are synced. Child watches, ACLs and containers are no part of it.
2. A connection's watches end with it: these clients do not set them again.
"""

from zkeeper.testing.history import (
    History,
    Kind,
    Operation,
    Seen,
    Step,
    check_version,
    create,
    delete,
    read,
    set_data,
)

from ..model import CHILDREN_CHANGED, NO_NODE, OK, RUNTIME_INCONSISTENCY  # noqa: TID252  two names of the package
from ..raw_client import RawClient, Reply, Sent  # noqa: TID252
from ..requests import (  # noqa: TID252
    EPHEMERAL,
    SEQUENTIAL,
    Check,
    CloseSession,
    Create,
    Delete,
    Exists,
    GetChildren,
    GetData,
    Multi,
    Request,
    SetData,
    Sync,
)
from .clients import CONTAINERS, Record


def history_of(record: Record) -> History:
    history = History(lambda: 0.0)
    for connections in record.connections.values():
        for connection in connections:
            _Told(history, connection.client).take()
            if connection.is_expired:
                history.expired(connection.resumed.session_id, at=connection.at_s)
    return history


class _Told:
    """What one connection was told."""

    def __init__(self, history: History, client: RawClient) -> None:
        self._history = history
        self._client = client
        self._session = client.session.session_id
        self._sync: Sent | None = None

    def take(self) -> None:
        for frame in self._client.frames:
            if isinstance(frame, Reply):
                self._reply(frame)
            elif frame.kind != CHILDREN_CHANGED:
                self._history.event(self._session, frame.path)
        for sent in self._client.pending:
            self._invoke(sent)
        self._history.disconnected(self._session)

    def _reply(self, reply: Reply) -> None:
        sent = reply.sent
        if isinstance(sent.request, Sync):
            self._sync = sent
            return
        operation = self._invoke(sent)
        self._sync = None
        if operation is not None:
            self._complete(operation, reply)

    def _invoke(self, sent: Sent) -> Operation | None:
        steps = _steps(sent.request)
        if not steps:
            return None
        is_watching = isinstance(sent.request, (GetData, Exists)) and sent.request.is_watching
        sent_s = sent.sent_s if self._sync is None else self._sync.sent_s
        return self._history.invoke(
            self._session, *steps, is_synced=self._sync is not None, is_watching=is_watching, at=sent_s
        )

    def _complete(self, operation: Operation, reply: Reply) -> None:
        code, step = _failure(reply)
        if isinstance(reply.sent.request, Exists) and code == NO_NODE:
            self._history.ok(operation, None, zxid=reply.zxid, at=reply.came_s)
        elif code is not None:
            self._history.failed(operation, code, step=step, zxid=reply.zxid, at=reply.came_s)
        else:
            paths, shown = _results(reply)
            self._history.ok(operation, *shown, zxid=reply.zxid, paths=paths, at=reply.came_s)


def _steps(request: Request) -> list[Step]:
    """No steps for what is no part of a history."""
    return [step for each in _parts(request) for step in _step(each)]


def _parts(request: Request) -> tuple[Request, ...]:
    return request.operations if isinstance(request, Multi) else (request,)


def _step(request: Request) -> list[Step]:
    if isinstance(request, CloseSession):
        return [Step(Kind.CLOSE)]
    path = getattr(request, "path", "/")
    if path == "/" or path.startswith(CONTAINERS):
        return []
    if isinstance(request, (GetData, Exists, GetChildren)):
        return [read(path)]
    if isinstance(request, Create):
        is_ephemeral, is_sequential = bool(request.flags & EPHEMERAL), bool(request.flags & SEQUENTIAL)
        return [create(path, request.data or b"", is_ephemeral=is_ephemeral, is_sequential=is_sequential)]
    if isinstance(request, SetData):
        return [set_data(path, request.data or b"", request.version)]
    if isinstance(request, Delete):
        return [delete(path, request.version)]
    return [check_version(path, request.version)] if isinstance(request, Check) else []


# Answers.


def _failure(reply: Reply) -> tuple[int | None, int]:
    """The code of the failure and the number of the step that failed; no code for a success."""
    if reply.code != OK:
        return reply.code, 0
    if not isinstance(reply.sent.request, Multi):
        return None, 0
    step = 0
    for part, (_, code, _) in zip(reply.sent.request.operations, reply.value, strict=True):
        if code not in (OK, RUNTIME_INCONSISTENCY):
            return (code, step) if _step(part) else (0, 0)
        step += len(_step(part))
    return None, 0


def _results(reply: Reply) -> tuple[tuple[str, ...], list[Seen | None]]:
    """The paths of the steps, and what was shown of each."""
    request = reply.sent.request
    values = [value for _, _, value in reply.value] if isinstance(request, Multi) else [reply.value]
    paths: list[str] = []
    shown: list[Seen | None] = []
    for part, value in zip(_parts(request), values, strict=True):
        for step in _step(part):
            made = value if isinstance(value, str) else value[0] if isinstance(part, Create) else step.path
            paths.append(made)
            shown.append(_seen(part, value))
    return tuple(paths), shown


def _seen(request: Request, value: object) -> Seen | None:
    if isinstance(request, (GetData, GetChildren)):
        data, stat = value
        return Seen(stat.version, (data or b"") if isinstance(request, GetData) else None, stat.mzxid)
    return Seen(value.version, None, value.mzxid) if isinstance(request, (Exists, SetData)) else None
