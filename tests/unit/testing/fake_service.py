"""A service that keeps ZooKeeper's promises to many sessions at once, and records it; or breaks one on purpose.

Each request takes effect at one moment between its invocation and its reply; some replies never come. What breaks a
promise does so where clients can see it, and `broken` says that it did.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from zkeeper.errors import BadVersionError, NodeExistsError, NoNodeError
from zkeeper.testing.history import History, Kind, Operation, Seen, Step, create, delete, read, set_data


@dataclass(frozen=True)
class Znode:
    data: bytes
    version: int
    mzxid: int
    owner: str | None = None


State = dict[str, Znode]


class Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Flight:
    """A request on its way: `answer` is what the service said, once it has."""

    operation: Operation
    answer: Callable[[], None] | None = None


class FakeService:
    """`bug` names the promise to break; it is broken about once in `rarity` chances."""

    def __init__(
        self, seed: int, sessions: int = 6, paths: int = 4, bug: str = "", rarity: int = 10, losses: float = 0.05
    ) -> None:
        self.random = Random(seed)
        self.history = History()
        self.broken = 0
        self._bug = bug
        self._rarity = rarity
        self._losses = losses
        self._numbers = count()
        self._names = [f"session {next(self._numbers)}" for _ in range(sessions)]
        self._paths = [f"/{number}" for number in range(paths)]
        self._states: list[State] = [{}]
        self._flights: dict[str, Flight] = {}
        self._late: list[Operation] = []
        self._gone: list[str] = []
        self._count = 0

    @property
    def zxids(self) -> range:
        return range(1, len(self._states))

    def run(self, operations: int) -> History:
        while self._count < operations or self._flights:
            self._step(self._count < operations)
        return self.history

    def _step(self, may_ask: bool) -> None:
        if self._late and self.random.random() < 0.1:
            self._apply(self._late.pop(self.random.randrange(len(self._late))))
        if self._gone and self.random.random() < 0.02:
            self._expire()
        session = self.random.choice(self._names if may_ask else list(self._flights))
        flight = self._flights.get(session)
        if flight is None:
            self._flights[session] = Flight(self._ask(session))
        elif flight.answer is not None:
            del self._flights[session]
            flight.answer()
        elif self.random.random() < self._losses:
            self._lose(session)
        else:
            flight.answer = self._serve(flight.operation)

    def _ask(self, session: str) -> Operation:
        self._count += 1
        is_synced = self.random.random() < 0.6
        steps = [self._draw() for _ in range(self.random.choice((1,) * 9 + (3,)))]
        if any(step.kind is Kind.READ for step in steps):
            return self.history.invoke(session, steps[0] if steps[0].kind is Kind.READ else read(steps[0].path),
                                       is_synced=is_synced)  # fmt: skip
        return self.history.invoke(session, *steps)

    def _draw(self) -> Step:
        path, token = self.random.choice(self._paths), b"%d" % self.random.randrange(1 << 40)
        version = self.random.choice((-1, -1, 0, 1, 2))
        creates = [create(path, token, is_ephemeral=self.random.random() < 0.3) for _ in range(2)]
        writes = (*creates, set_data(path, token, version), *(set_data(path, token),) * 2, delete(path, version))
        return self.random.choice((*writes, *(read(path),) * 5))

    def _lose(self, session: str) -> None:
        """What it asked is done now, or never, and the session goes on; or later, and it expires, which may be told."""
        operation = self._flights.pop(session).operation
        luck = self.random.random()
        if self.random.random() < 0.5:
            if operation.is_write and luck < 0.5:
                self._apply(operation)
            return
        if operation.is_write and luck < 0.4:
            self._apply(operation)
        elif operation.is_write and luck < 0.7:
            self._late.append(operation)
        self._gone.append(session)
        self._names[self._names.index(session)] = f"session {next(self._numbers)}"

    def _expire(self) -> None:
        session = self._gone.pop(self.random.randrange(len(self._gone)))
        self._late = [one for one in self._late if one.session != session]
        self._states.append({path: node for path, node in self._states[-1].items() if node.owner != session})
        if self.random.random() < 0.8:
            self.history.expired(session)

    # Serving.

    def _breaks(self, bug: str) -> bool:
        """Whether to break that promise now."""
        if self._bug != bug or self.random.random() * self._rarity > 1:
            return False
        self.broken += 1
        return True

    def _serve(self, operation: Operation) -> Callable[[], None]:
        if not operation.is_write:
            return self._read(operation)
        before = self._states[-1]
        code, step, shown = self._apply(operation)
        zxid = len(self._states) - 1
        if code:
            return lambda: self.history.failed(operation, code, step=step, zxid=zxid)
        if self._breaks("lost write"):
            self._states.append(before)
        if self._breaks("reordered session"):
            zxid -= 1 + self.random.randrange(zxid)
        return lambda: self.history.ok(operation, *shown, zxid=zxid)

    def _read(self, operation: Operation) -> Callable[[], None]:
        zxid = len(self._states) - 1
        state = self._states[-1]
        path = operation.steps[0].path
        if operation.is_synced and len(self._states) > 40:
            old = self._states[-40]
            if old.get(path) != state.get(path) and self._breaks("stale read"):
                state = old
        node = state.get(path)
        if node is None:
            return lambda: self.history.failed(operation, NoNodeError.code, zxid=zxid)
        return lambda: self.history.ok(operation, Seen(node.version, node.data, node.mzxid), zxid=zxid)

    def _apply(self, operation: Operation) -> tuple[int, int, list[Seen | None]]:
        """The next transaction. Returns the error, its step, and what is shown."""
        state, zxid = dict(self._states[-1]), len(self._states)
        shown: list[Seen | None] = []
        for number, step in enumerate(operation.steps):
            try:
                shown.append(self._do(state, step, zxid, operation.session))
            except Refused as refused:
                self._states.append(self._states[-1])
                return refused.code, number, []
        self._states.append(state)
        if self._bug == "double apply" and operation.steps[0].kind is Kind.SET and self._breaks("double apply"):
            path = operation.steps[0].path
            if path in state:
                self._states[-1] = {**state, path: replace(state[path], version=state[path].version + 1)}
        return 0, 0, shown

    def _do(self, state: State, step: Step, zxid: int, session: object) -> Seen | None:
        node = state.get(step.path)
        if step.kind is Kind.CREATE:
            if node is not None:
                raise Refused(NodeExistsError.code)
            state[step.path] = Znode(step.data, 0, zxid, str(session) if step.is_ephemeral else None)
            return None
        if node is None:
            raise Refused(NoNodeError.code)
        if step.version not in (-1, node.version):
            raise Refused(BadVersionError.code)
        if step.kind is Kind.DELETE:
            del state[step.path]
            return None
        changed = state[step.path] = Znode(step.data, node.version + 1, zxid, node.owner)
        return Seen(changed.version, None, zxid)
