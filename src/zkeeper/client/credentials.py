"""What the client has authenticated with: given again on every connection, in the order it was added.

A future of `add` is done when a server has accepted the credential for the first time, on whatever connection.
"""

import asyncio
from collections import deque

from zkeeper.errors import ZooKeeperError
from zkeeper.wire.client_pending import copy_of


class _Credential:
    def __init__(self, scheme: str, secret: bytes | None) -> None:
        self.scheme = scheme
        self.secret = secret
        self.futures: list[asyncio.Future[None]] = []


class Credentials:
    """Servers answer auth in its order on one connection, so that an answer belongs to the oldest one sent."""

    def __init__(self, first: tuple[tuple[str, bytes | None], ...]) -> None:
        self._all = [_Credential(scheme, secret) for scheme, secret in first]
        self._unanswered: deque[_Credential] = deque()

    def add(self, scheme: str, secret: bytes | None, is_sent: bool, future: "asyncio.Future[None]") -> None:
        known = [one for one in self._all if (one.scheme, one.secret) == (scheme, secret)]
        credential = known[0] if known else _Credential(scheme, secret)
        if not known:
            self._all.append(credential)
        credential.futures.append(future)
        if is_sent:
            self._unanswered.append(credential)

    def send_all(self) -> list[tuple[str, bytes | None]]:
        """What a new connection begins with."""
        self._unanswered = deque(self._all)
        return [(one.scheme, one.secret) for one in self._all]

    def confirmed(self) -> None:
        if self._unanswered:
            futures = self._unanswered.popleft().futures
            for future in futures:
                if not future.done():
                    future.set_result(None)
            futures.clear()

    def fail(self, error: ZooKeeperError) -> None:
        for one in self._all:
            for future in one.futures:
                if not future.done():
                    future.set_exception(copy_of(error))
            one.futures.clear()
