"""Clients that take a lock in turns, with the production client and its recipe.

1. No two are inside at the same time, as long as their sessions live; whoever is told that it has lost the lock is out.
2. Fencing tokens rise.
"""

import asyncio
from collections import Counter
from random import Random

import zkeeper
from zkeeper import SessionState
from zkeeper.errors import ZooKeeperError
from zkeeper.recipes import Held, Lock, LockLostError
from zkeeper.testing.simulation import Machine

from ..history import Violation  # noqa: TID252  the package has one name in pytest and another as a program

PATH = "/lock"
TIMEOUT_MS = 4000
TURNS = 4


class Critical:
    """What the lock guards."""

    def __init__(self, tally: Counter[str]) -> None:
        self.sessions: set[int] = set()
        self._tally = tally
        self._inside: list[Held] = []
        self._highest_token = 0

    async def use(self, held: Held, random: Random) -> None:
        self._tally["times inside a lock"] += 1
        self._inside.append(held)
        if len(self._inside) > 1:
            raise Violation(f"together in a lock: {[each.path for each in self._inside]}")
        if held.fencing_token <= self._highest_token:
            raise Violation(f"{held.path} has token {held.fencing_token} after {self._highest_token}")
        self._highest_token = held.fencing_token
        try:
            await asyncio.sleep(random.choice((0.01, 0.3)) * random.random())
        finally:
            self._inside.remove(held)


class Locker:
    def __init__(self, machine: Machine, hosts: list[str], critical: Critical, tally: Counter[str]) -> None:
        self.machine = machine
        self._hosts = ",".join(hosts)
        self._critical = critical
        self._tally = tally

    async def run(self) -> None:
        zk = zkeeper.connect(self._hosts, TIMEOUT_MS, random=self.machine.random)
        zk.on_state(lambda state: self._note(zk, state))
        async with zk:
            for _ in range(TURNS):
                await self._take_turn(zk)
                await asyncio.sleep(self.machine.random.random())

    def _note(self, zk: zkeeper.AsyncClient, state: SessionState) -> None:
        if state is SessionState.CONNECTED:
            self._critical.sessions.add(zk.session_id)

    async def _take_turn(self, zk: zkeeper.AsyncClient) -> None:
        try:
            async with Lock(zk, PATH) as held:
                await self._critical.use(held, self.machine.random)
        except LockLostError:
            self._tally["locks lost"] += 1
        except ZooKeeperError as error:
            self._tally[f"lockers told {type(error).__name__}"] += 1
