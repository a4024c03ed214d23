"""One client of a run and the program that uses it: bursts of requests of all kinds, some of them cancelled, watches.

Everything that the program is told is noted in the order in which it is told.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any

import zkeeper
from zkeeper import AsyncClient, Outcome, Retry, SessionState, WatchEvent
from zkeeper.errors import ClosedError, ZooKeeperError

from .notes import Asked, Began, Closing, Ended, Note, OneShot, Op, Persistent, Stated, Stopped, Told, Watching

ROOT = "/app"
POOL = ("/a", "/a/x", "/a/x/1", "/b", "/b/y", "/c")
SEQUENTIAL, PROTECTED = "/s", "/p"
BURSTS = 12
MAX_PERSISTENT = 3


class Player:
    """`common` is what all players of a run share: the clock and how far the server is."""

    def __init__(self, common: "Common", name: str, zk: AsyncClient, random: Random, tally: "Counter[str]") -> None:
        self.common = common
        self.name = name
        self.zk = zk
        self.random = random
        self.tally = tally
        self.notes: list[Note] = []
        self.ops: list[Op] = []
        self.states: list[SessionState] = []
        self.is_closing = False
        self.was_closed_early = False
        self.running: dict[int, asyncio.Future[Any]] = {}
        self._prefix = "" if zk.chroot else ROOT
        self._persistent: list[tuple[zkeeper.Watch, Persistent]] = []
        self._readers: list[asyncio.Task[None]] = []
        self._one_shots: list[tuple[OneShot, Callable[[WatchEvent], object]]] = []
        self._note_state(zk.state)
        zk.on_state(self._note_state)
        self._state_reader = asyncio.get_running_loop().create_task(self._read_states())

    def note(self, what: Any) -> None:
        self.notes.append(Note(self.common.time(), what))
        self.common.say(self.name, what)

    def _note_state(self, state: SessionState) -> None:
        self.note(Stated(state, self.zk.session_id, self.zk.session_timeout_ms))

    async def _read_states(self) -> None:
        async for state in self.zk.states():
            self.states.append(state)

    # The program.

    async def play(self) -> None:
        for _ in range(BURSTS):
            for _ in range(self.random.choice((1, 3, 10))):
                if self.is_closing:
                    return
                self.random.choice(ACTS)(self)
            await asyncio.sleep(self.random.choice((0.01, 0.1, 0.6)) * self.random.random())

    async def close(self) -> None:
        if not self.is_closing:
            self.is_closing = True
            self.note(Closing())
        await self.zk.close()
        await asyncio.wait([self._state_reader, *self._readers])

    def cancel_one(self) -> None:
        if self.running:
            self.tally["cancelled"] += 1
            self.random.choice(list(self.running.values())).cancel()

    # Requests.

    def begin(
        self, op: Op, ask: Callable[[], "asyncio.Future[Any]"], is_ordered: bool = True
    ) -> "asyncio.Future[Any] | None":
        """`ask` makes the request now."""
        self.ops.append(op)
        op.is_ordered = is_ordered
        self.note(Asked(op))
        try:
            future = ask()
        except ClosedError as error:
            op.error = error
            self._end(op)
            return None
        if is_ordered:
            op.cxid = int(self.zk._outbox._xid)
        self.running[op.number] = future
        future.add_done_callback(lambda done: self._ended(op, done))
        return future

    def _ended(self, op: Op, done: "asyncio.Future[Any]") -> None:
        del self.running[op.number]
        if done.cancelled():
            op.is_cancelled = True
        elif (error := done.exception()) is not None:
            op.error = error
        else:
            op.result = done.result()
        self._end(op)

    def _end(self, op: Op) -> None:
        op.is_ended = True
        op.last_zxid = self.zk.last_zxid
        self.note(Ended(op))
        self.tally["operations"] += 1
        if isinstance(op.error, ZooKeeperError):
            self.tally[type(op.error).__name__] += 1
            self.tally["unknown outcomes"] += op.error.outcome is Outcome.UNKNOWN
        elif op.token and not op.is_cancelled:
            self.common.acknowledged(op)

    def _op(self, kind: str, path: str = "", *, is_write: bool = False, **more: Any) -> Op:
        number = self.common.next_number()
        token = b"%s-%d" % (self.name.encode(), number) if is_write else b""
        return Op(number, kind, ROOT + path, self.common.time(), self.common.done_zxid, token, **more)

    def _path(self) -> str:
        return self.random.choice(POOL)

    def _version(self) -> int:
        return self.random.choice((-1, -1, -1, 0, 1, 2))

    def _task(self, work: Awaitable[Any]) -> "asyncio.Task[Any]":
        async def awaited() -> Any:
            return await work

        return asyncio.get_running_loop().create_task(awaited())

    # What is asked.

    def read(self) -> None:
        kind, path = self.random.choice(("get", "exists", "children")), self._path()
        if kind == "children" and self.random.random() < 0.3:
            path = SEQUENTIAL
        op = self._op(kind, path)
        callback = self._one_shot(op) if self.random.random() < 0.6 else None
        where = self._prefix + path
        ask = {"get": self.zk.get, "exists": self.zk.exists, "children": self.zk.children2}[kind]
        future = self.begin(op, lambda: ask(where, watch=callback))  # type: ignore[operator]  # one of three alike
        self._maybe_drop(future)

    def _one_shot(self, op: Op) -> Callable[[WatchEvent], object]:
        watch = op.watch = OneShot(op)

        def tell(event: WatchEvent) -> None:
            watch.told.append(self._full(event))
            self.note(Told(watch, watch.told[-1], self.common.server_zxid()))

        self._one_shots.append((watch, tell))
        return tell

    def _full(self, event: WatchEvent) -> WatchEvent:
        return event._replace(path=(self.zk.chroot + event.path).rstrip("/"))

    def _maybe_drop(self, future: "asyncio.Future[Any] | None") -> None:
        """Sometimes nobody waits any more before the request has even left."""
        if future is not None and self.random.random() < 0.03:
            self.tally["cancelled"] += 1
            future.cancel()

    def forget(self) -> None:
        alive = [(watch, tell) for watch, tell in self._one_shots if not watch.told and not watch.is_forgotten]
        if alive:
            watch, tell = self.random.choice(alive)
            watch.is_forgotten = True
            self.note(Stopped(watch))
            self.zk.forget_watch(watch.op.path[len(self.zk.chroot) :], tell)

    def read_several(self) -> None:
        op = self._op("several", self._path(), checked=ROOT + self._path())
        paths = [self._prefix + path[len(ROOT) :] for path in (op.path, op.checked)]
        batch = self.zk.multi_read().get(paths[0]).children(paths[1])
        self.begin(op, lambda: self._task(batch.fetch()), is_ordered=False)

    def read_insisting(self) -> None:
        op = self._op("get", self._path())
        where = self._prefix + op.path[len(ROOT) :]
        request = zkeeper.insist(lambda: self.zk.get(where), across_sessions=True)
        self.begin(op, lambda: self._task(request), is_ordered=False)

    def create(self) -> None:
        path, ephemeral = self._path(), self.random.random() < 0.2
        op = self._op("create", path, is_write=True, owner=ephemeral)
        where = self._prefix + path
        self._maybe_drop(self.begin(op, lambda: self.zk.create2(where, op.token, ephemeral=ephemeral)))

    def create_sequential(self) -> None:
        ephemeral, retried = self.random.random() < 0.5, self.random.random() < 0.3
        op = self._op("create", f"{SEQUENTIAL}/q-", is_write=True, owner=ephemeral)
        where = f"{self._prefix}{SEQUENTIAL}/q-"
        options: dict[str, Any] = {"ephemeral": ephemeral, "sequential": True}
        if retried:
            retry = Retry(4, base_ms=20, random=self.random)
            work = retry(self.zk.create2, where, op.token, **options)
            self.begin(op, lambda: self._task(work), is_ordered=False)
        else:
            self._maybe_drop(self.begin(op, lambda: self.zk.create2(where, op.token, **options)))

    def set(self) -> None:
        path, version = self._path(), self._version()
        op = self._op("set", path, is_write=True, version=version)
        where = self._prefix + path
        if version >= 0 and self.random.random() < 0.4:
            retry = Retry(4, base_ms=20, random=self.random)
            work = retry(self.zk.set, where, op.token, version)
            self.begin(op, lambda: self._task(work), is_ordered=False)
        else:
            self._maybe_drop(self.begin(op, lambda: self.zk.set(where, op.token, version)))

    def delete(self) -> None:
        path, version = self._path(), self._version()
        op = self._op("delete", path, version=version)
        self._maybe_drop(self.begin(op, lambda: self.zk.delete(self._prefix + path, version)))

    def transact(self) -> None:
        """Adds a znode if another one has a version."""
        op = self._op("transaction", f"{SEQUENTIAL}/t-", is_write=True, version=self._version())
        op.checked = ROOT + self._path()
        transaction = self.zk.transaction().check(self._prefix + op.checked[len(ROOT) :], op.version)
        transaction.create2(f"{self._prefix}{SEQUENTIAL}/t-", op.token, sequential=True)
        self.begin(op, lambda: self._task(transaction.commit()), is_ordered=False)

    def protect(self) -> None:
        ephemeral = self.random.random() < 0.3
        op = self._op("protected", f"{PROTECTED}/n-", is_write=True, owner=ephemeral)
        work = zkeeper.create_protected(self.zk, f"{self._prefix}{PROTECTED}/n-", op.token, ephemeral=ephemeral)
        self.begin(op, lambda: self._task(work), is_ordered=False)

    # Persistent watches.

    def watch(self) -> None:
        if len(self._persistent) >= MAX_PERSISTENT:
            return
        path, is_recursive = self.random.choice(("", *POOL)), self.random.random() < 0.5
        watch = self.zk.watch(self._prefix + path or "/", recursive=is_recursive)
        noted = Persistent(ROOT + path, is_recursive)

        def tell(event: WatchEvent) -> None:
            noted.told.append(self._full(event))
            self.note(Told(noted, noted.told[-1], self.common.server_zxid()))

        watch.add_callback(tell)
        self._persistent.append((watch, noted))
        if self.random.random() < 0.5:
            self._readers.append(self._task(self._iterate(watch, noted)))
        op = self._op("watch", path)
        future = self.begin(op, lambda: self._task(self._start(watch, noted)), is_ordered=False)
        if future is not None:
            future.add_done_callback(lambda done: self._watching(watch, noted, done))

    async def _start(self, watch: zkeeper.Watch, noted: Persistent) -> None:
        noted.is_asked_for = True
        self.note(Watching(noted))
        await watch.start()

    def _watching(self, watch: zkeeper.Watch, noted: Persistent, done: "asyncio.Future[None]") -> None:
        if not done.cancelled() and done.exception() is None:
            self.note(Began(noted, self.zk.last_zxid))
        elif (watch, noted) in self._persistent:
            # Who gives the beginning up has no watch.
            self._persistent.remove((watch, noted))
            self.note(Stopped(noted))

    async def _iterate(self, watch: zkeeper.Watch, noted: Persistent) -> None:
        """Reads in turns that are given up now and then, which must lose nothing."""
        await asyncio.sleep(self.random.random())
        noted.first_iterated = len(noted.told)
        events = aiter(watch)
        with suppress(StopAsyncIteration, ClosedError):
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.random.choice((0.01, 0.3))):
                        noted.iterated.append(self._full(await anext(events)))

    def unwatch(self) -> None:
        if self._persistent and self.random.random() < 0.3:
            one = self.random.choice(self._persistent)
            if one[1].is_asked_for:
                self._persistent.remove(one)
                self.note(Stopped(one[1]))
                one[0].stop()

    # The end.

    def last_read(self) -> None:
        op = self._op("get", SEQUENTIAL)
        self.begin(op, lambda: self.zk.get(self._prefix + SEQUENTIAL))

    def last_write(self) -> None:
        op = self._op("set", SEQUENTIAL, is_write=True)
        self.begin(op, lambda: self.zk.set(self._prefix + SEQUENTIAL, op.token))

    def is_settled(self) -> bool:
        return not self.running and not self.zk._session._errands


class Common:
    """What players share. `done_zxid`: so much has been acknowledged to somebody."""

    def __init__(
        self, time: Callable[[], float], server_zxid: Callable[[], int], say: Callable[[str, Any], None]
    ) -> None:
        self.time = time
        self.server_zxid = server_zxid
        self.say = say
        self.done_zxid = 0
        self._number = 0

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def acknowledged(self, op: Op) -> None:
        stat = written(op)
        if stat is not None:
            self.done_zxid = max(self.done_zxid, stat.mzxid)


def written(op: Op) -> zkeeper.Stat | None:
    """The Stat in the reply to a write."""
    result = op.result[-1] if isinstance(op.result, list) else op.result
    return result if isinstance(result, zkeeper.Stat) else getattr(result, "stat", None)


ACTS: tuple[Callable[[Player], None], ...] = (
    *(Player.read,) * 12, *(Player.set,) * 4, *(Player.create,) * 5, *(Player.delete,) * 3,
    *(Player.create_sequential,) * 2, Player.transact, Player.read_several, Player.read_insisting, Player.protect,
    Player.watch, Player.unwatch, Player.forget,
)  # fmt: skip
