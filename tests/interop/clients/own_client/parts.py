"""What our player can play: one recipe on one path, by verbs that are the same in every language."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from interop.clients.harness import WAIT_DEADLINE_S
from zkeeper import AsyncClient
from zkeeper.recipes import (
    Counter,
    DoubleBarrier,
    Election,
    Group,
    LeaderLatch,
    Lock,
    PersistentNode,
    ReadWriteLock,
    Semaphore,
    ServiceDiscovery,
    ServiceInstance,
    ServiceType,
)

from .locks import ElectionPart, LockPart, SemaphorePart


class LatchPart:
    """A candidate of a leader latch, which notes what it is told of its own leadership and of others'."""

    def __init__(self, latch: LeaderLatch) -> None:
        self._latch = latch
        self._history: list[bool] = []
        self._leaders: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._latch.start()
        self._tasks = [asyncio.create_task(self._note_changes()), asyncio.create_task(self._note_leaders())]

    async def wait(self) -> None:
        await self._latch.wait(WAIT_DEADLINE_S)

    async def is_leader(self) -> bool:
        return self._latch.is_leader

    async def leader(self) -> str:
        leader = await self._latch.leader()
        return leader.identifier if leader else ""

    async def participants(self) -> list[str]:
        return await self._latch.participants()

    async def history(self) -> list[bool]:
        """What it was told of its own leadership, from its first gain on."""
        return self._history[self._history.index(True) :] if True in self._history else []

    async def leaders(self) -> list[str]:
        """The leaders that it saw come, all the time."""
        return self._leaders

    async def close(self) -> None:
        await self._latch.close()
        self._tasks[1].cancel()
        await asyncio.wait(self._tasks)

    async def _note_changes(self) -> None:
        async for is_leader in self._latch.changes():
            self._history.append(is_leader)

    async def _note_leaders(self) -> None:
        async for leader in self._latch.leaders():
            if leader is not None:
                self._leaders.append(leader.identifier)


class BarrierPart:
    """A member of a double barrier."""

    def __init__(self, barrier: DoubleBarrier) -> None:
        self._barrier = barrier

    async def enter(self) -> bool:
        await self._barrier.enter(WAIT_DEADLINE_S)
        return True

    async def leave(self) -> bool:
        await self._barrier.leave(WAIT_DEADLINE_S)
        return True


class CountPart:
    """A counter."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def count(self, times: int) -> None:
        for _ in range(times):
            await self._counter.add(1)

    async def value(self) -> int:
        return await self._counter.value()


class GroupPart:
    """A member of a group."""

    def __init__(self, group: Group) -> None:
        self._group = group

    async def join(self) -> None:
        await self._group.join(WAIT_DEADLINE_S)

    async def set_data(self, data: str) -> None:
        await self._group.set_data(data.encode())

    async def members(self) -> dict[str, str]:
        return {member.identifier: member.data.decode() for member in await self._group.members()}

    async def leave(self) -> None:
        await self._group.leave()


class NodePart:
    """A znode that stays."""

    def __init__(self, node: PersistentNode) -> None:
        self._node = node

    async def start(self) -> None:
        await self._node.start()

    async def present(self) -> bool:
        with suppress(TimeoutError):
            await self._node.present(WAIT_DEADLINE_S)
        return self._node.is_present

    async def close(self) -> None:
        await self._node.close()


class DiscoveryPart:
    """Service discovery. Instances are told field by field."""

    def __init__(self, discovery: ServiceDiscovery) -> None:
        self._discovery = discovery

    async def register(self, fields: dict[str, Any]) -> None:
        await self._discovery.register(_instance(fields), WAIT_DEADLINE_S)

    update = register

    async def unregister(self, fields: dict[str, Any]) -> None:
        await self._discovery.unregister(_instance(fields))

    async def names(self) -> list[str]:
        return await self._discovery.names()

    async def ids(self, name: str) -> list[str]:
        return [instance.id for instance in await self._discovery.instances(name)]

    async def find(self, name: str, instance_id: str) -> dict[str, Any] | None:
        found = await self._discovery.instance(name, instance_id)
        if found is None:
            return None
        fields = ("name", "id", "address", "port", "ssl_port", "payload", "registered_at_ms", "type", "enabled")
        return {"uri": found.uri(), **{field: getattr(found, field) for field in fields}}


def _instance(fields: dict[str, Any]) -> ServiceInstance:
    return ServiceInstance(**{**fields, "type": ServiceType(fields["type"])})


# By path, identifier, number of leases or members, and layout.
PARTS: dict[str, Callable[[AsyncClient, str, str, int, str], object]] = {
    "mutex": lambda zk, path, who, _, layout: LockPart(zk, Lock(zk, path, identifier=who, layout=layout)),
    "read": lambda zk, path, who, _, layout: LockPart(
        zk, ReadWriteLock(zk, path, identifier=who, layout=layout).read, is_reader=True
    ),
    "write": lambda zk, path, who, _, layout: LockPart(
        zk, ReadWriteLock(zk, path, identifier=who, layout=layout).write
    ),
    "semaphore": lambda zk, path, who, leases, layout: SemaphorePart(
        zk, Semaphore(zk, path, leases, identifier=who, layout=layout)
    ),
    "election": lambda zk, path, who, _, layout: ElectionPart(Election(zk, path, identifier=who, layout=layout)),
    "latch": lambda zk, path, who, _, layout: LatchPart(LeaderLatch(zk, path, identifier=who)),
    "barrier": lambda zk, path, who, members, layout: BarrierPart(DoubleBarrier(zk, path, members, identifier=who)),
    "count": lambda zk, path, who, _, layout: CountPart(Counter(zk, path, layout=layout)),
    "long": lambda zk, path, who, _, layout: CountPart(Counter(zk, path, layout="curator-long")),
    "group": lambda zk, path, who, _, layout: GroupPart(Group(zk, path, who, f"data of {who}".encode(), layout=layout)),
    "shallow-group": lambda zk, path, who, _, layout: GroupPart(Group(zk, path, who, layout="kazoo-shallow")),
    "node": lambda zk, path, who, _, layout: NodePart(PersistentNode(zk, path, who.encode())),
    "discovery": lambda zk, path, who, _, layout: DiscoveryPart(ServiceDiscovery(zk, path)),
}
