"""Waits until servers that are a quorum have said something; this server has said it from the beginning."""

import asyncio

from zkeeper.quorum.verifiers import Oracle, Verifier


class Gathering:
    def __init__(self, verifiers: list[Verifier], own_sid: int) -> None:
        self._verifiers = verifiers
        self._own_sid = own_sid
        self._sids = {own_sid}
        self._is_complete = asyncio.Event()
        self.add(own_sid)

    def add(self, sid: int) -> None:
        """Strangers are remembered and do not count."""
        self._sids.add(sid)
        if all(verifier.contains_quorum(verifier.participants & self._sids) for verifier in self._verifiers):
            self._is_complete.set()

    def ask(self, oracle: Oracle) -> None:
        """Makes do without a quorum where `oracle` lets this server go on alone."""
        if all(self._own_sid in verifier.participants and oracle.grants(verifier) for verifier in self._verifiers):
            self._is_complete.set()

    def is_complete(self) -> bool:
        return self._is_complete.is_set()

    def sids(self) -> frozenset[int]:
        return frozenset(self._sids)

    async def wait(self) -> None:
        await self._is_complete.wait()
