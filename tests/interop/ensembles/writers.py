"""Clients that write while things happen to the servers, and what they know afterwards.

1. Each write is a new znode, asked for once. It was acknowledged, or its outcome is unknown; a refusal is a failure.
2. `Writer.stop` returns when the last one has its outcome. What is checked then is in `agreement.py`.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss, OperationTimeoutError, SessionExpiredError
from kazoo.handlers.threading import KazooTimeoutError

import zkeeper
from zkeeper.blocking.errors import CallTimeoutError
from zkeeper.errors import ConnectionLossError
from zkeeper.errors import SessionExpiredError as SessionOver

SESSION_TIMEOUT_MS = 10_000
CALL_TIMEOUT_S = 30.0
PAUSE_S = 0.002
"""Between writes, so that the tree stays small."""
UNKNOWN = (
    ConnectionLoss, SessionExpiredError, OperationTimeoutError, KazooTimeoutError,
    ConnectionLossError, CallTimeoutError, SessionOver,
)  # fmt: skip

Create = Callable[[str, bytes], object]


class Writer:
    """Writes below `/NAME`, in a thread of its own, until it is told to stop."""

    def __init__(self, name: str, create: Create) -> None:
        self.root = f"/{name}"
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self.moments_s: list[float] = []
        """When each acknowledgement came."""
        self._create = create
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        create(self.root, b"")
        self._thread.start()

    def stop(self) -> None:
        """Raises what a write failed with, if it was no loss of a connection."""
        self._stopping.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def await_progress(self, count: int = 20) -> None:
        """Returns after so many more acknowledgements."""
        wanted, deadline_s = len(self.acknowledged) + count, time.monotonic() + CALL_TIMEOUT_S
        while len(self.acknowledged) < wanted:
            if self._failure is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"{self.root} does not go on: {self._failure}")
            time.sleep(PAUSE_S)

    def longest_silence_s(self, since_s: float, until_s: float) -> float:
        """The longest time without an acknowledgement that ended between these two moments."""
        pairs = zip(self.moments_s, self.moments_s[1:], strict=False)
        return max((after - before for before, after in pairs if since_s <= after <= until_s), default=0.0)

    def _run(self) -> None:
        number = 0
        try:
            while not self._stopping.wait(PAUSE_S):
                self._write(f"{self.root}/{number:06d}")
                number += 1
        except BaseException as failure:
            self._failure = failure

    def _write(self, path: str) -> None:
        try:
            self._create(path, path.encode())
        except UNKNOWN:
            self.unknown.append(path)
        else:
            self.acknowledged.append(path)
            self.moments_s.append(time.monotonic())


@contextlib.contextmanager
def own_writer(address: str, name: str = "own") -> Iterator[Writer]:
    """A writer with our client."""
    with zkeeper.Client(address, SESSION_TIMEOUT_MS) as client:
        yield from _stopped(Writer(name, lambda path, data: client.create(path, data, timeout_s=CALL_TIMEOUT_S)))


@contextlib.contextmanager
def kazoo_writer(address: str, name: str = "kazoo") -> Iterator[Writer]:
    """A writer with kazoo."""
    client = KazooClient(address, timeout=SESSION_TIMEOUT_MS / 1000)
    client.start(CALL_TIMEOUT_S)
    try:
        yield from _stopped(
            Writer(name, lambda path, data: client.create_async(path, data).get(timeout=CALL_TIMEOUT_S))
        )
    finally:
        client.stop()
        client.close()


def _stopped(writer: Writer) -> Iterator[Writer]:
    try:
        yield writer
    finally:
        writer.stop()
