"""What kazoo's player can play: one recipe on one path, by verbs that are the same in every language."""

import threading
from collections.abc import Callable
from typing import Any

from interop.clients.harness import WAIT_DEADLINE_S

Client = Any


class LockPart:
    """A lock, or a side of a read-write lock. What is done inside shows two at a time: a count that is not atomic."""

    def __init__(self, client: Client, kind: str, path: str, identifier: str) -> None:
        self._client = client
        self._path = path
        self._is_reader = kind == "ReadLock"
        self._lock = getattr(client, kind)(path, identifier)

    def acquire(self) -> int:
        self._lock.acquire(timeout=WAIT_DEADLINE_S)
        return token(self._client, f"{self._path}/{self._lock.node}")

    def try_acquire(self) -> bool:
        return bool(self._lock.acquire(blocking=False))

    def release(self) -> None:
        self._lock.release()

    def turns(self, times: int, counter: str) -> list[tuple[int, int]]:
        return [self._turn(counter) for _ in range(times)]

    def _turn(self, counter: str) -> tuple[int, int]:
        held = self.acquire()
        try:
            return held, (self._read if self._is_reader else self._write)(counter)
        finally:
            self._lock.release()

    def _read(self, counter: str) -> int:
        seen = self._number(counter)
        if seen % 2 or seen != self._number(counter):
            raise AssertionError(f"inside together with a writer at {seen}")
        return seen

    def _write(self, counter: str) -> int:
        seen = self._number(counter)
        if seen % 2:
            raise AssertionError(f"inside together with a writer at {seen}")
        for number in (seen + 1, seen + 2):
            self._client.set(counter, str(number).encode())
        return seen + 2

    def _number(self, counter: str) -> int:
        return int(self._client.get(counter)[0])


class SemaphorePart:
    """A semaphore; the actor holds one lease at a time."""

    def __init__(self, client: Client, path: str, identifier: str, max_leases: int) -> None:
        self._client = client
        self._semaphore = client.Semaphore(path, identifier, max_leases)

    def acquire(self) -> int:
        self._semaphore.acquire(timeout=WAIT_DEADLINE_S)
        return token(self._client, self._semaphore.create_path)

    def try_acquire(self) -> bool:
        return bool(self._semaphore.acquire(blocking=False))

    def release(self) -> None:
        self._semaphore.release()

    def visits(self, times: int, place: str) -> list[int]:
        return [self._visit(place) for _ in range(times)]

    def _visit(self, place: str) -> int:
        with self._semaphore:
            own = self._client.create(f"{place}/v", ephemeral=True, sequence=True)
            present = len(self._client.get_children(place))
            self._client.delete(own)
            return present


class ElectionPart:
    """A candidate that leads from the end of `acquire` until `release`."""

    def __init__(self, client: Client, path: str, identifier: str) -> None:
        self._election = client.Election(path, identifier)
        self._elected, self._resigned = threading.Event(), threading.Event()
        self._running = threading.Thread(target=self._election.run, args=(self._lead,), daemon=True)

    def acquire(self) -> None:
        self._running.start()
        if not self._elected.wait(WAIT_DEADLINE_S):
            raise AssertionError("never elected")

    def release(self) -> None:
        self._resigned.set()
        self._running.join()

    def contenders(self) -> list[str]:
        """The leader's identifier, then those of the others."""
        return list(self._election.contenders())

    def _lead(self) -> None:
        self._elected.set()
        self._resigned.wait()


class BarrierPart:
    """A member of a double barrier. kazoo says by `participating` whether it is in: its errors are swallowed."""

    def __init__(self, client: Client, path: str, identifier: str, members: int) -> None:
        self._barrier = client.DoubleBarrier(path, members, identifier)

    def enter(self) -> bool:
        self._barrier.enter()
        return bool(self._barrier.participating)

    def leave(self) -> bool:
        self._barrier.leave()
        return not self._barrier.participating


class CountPart:
    """A counter: as text, or in Curator's four bytes."""

    def __init__(self, client: Client, path: str, *, is_curators: bool) -> None:
        self._counter = client.Counter(path, support_curator=is_curators)

    def count(self, times: int) -> None:
        for _ in range(times):
            self._counter += 1

    def value(self) -> int:
        return int(self._counter.value)


class PartyPart:
    """A member of a party."""

    def __init__(self, party: Any) -> None:
        self._party = party

    def join(self) -> None:
        self._party.join()

    def members(self) -> dict[str, str]:
        return dict.fromkeys(self._party, "")

    def leave(self) -> None:
        self._party.leave()


def token(client: Client, path: str) -> int:
    """The fencing token of what that znode stands for."""
    return int(client.exists(path).czxid)


# By path, identifier, number of leases or members, and layout.
PARTS: dict[str, Callable[[Client, str, str, int, str], object]] = {
    "mutex": lambda client, path, who, _, layout: LockPart(client, "Lock", path, who),
    "read": lambda client, path, who, _, layout: LockPart(client, "ReadLock", path, who),
    "write": lambda client, path, who, _, layout: LockPart(client, "WriteLock", path, who),
    "semaphore": lambda client, path, who, leases, layout: SemaphorePart(client, path, who, leases),
    "election": lambda client, path, who, _, layout: ElectionPart(client, path, who),
    "barrier": lambda client, path, who, members, layout: BarrierPart(client, path, who, members),
    "count": lambda client, path, who, _, layout: CountPart(client, path, is_curators=layout == "curator"),
    "group": lambda client, path, who, _, layout: PartyPart(client.Party(path, who)),
    "shallow-group": lambda client, path, who, _, layout: PartyPart(client.ShallowParty(path, who)),
}
