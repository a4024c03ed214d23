"""What the tests of the limits share: settings by name, and a log and a loop that do as the test says."""

import asyncio
from collections.abc import Callable
from typing import Any

import raw_wire as raw
from pipeline_harness import Client, Server

from zkeeper.pipeline.settings import ServiceSettings


def limited(server: Server | None = None, **limits: int) -> Server:
    """A server with the limits named as in `ServiceSettings`."""
    server = server or Server()
    server.service.settings = ServiceSettings(4000, 40000, 2000, **limits)
    server.service.large_requests.max_bytes = server.service.settings.large_request_max_bytes
    return server


class Turns:
    """Keeps what was to be called later, to be called one by one."""

    def __init__(self, server: Server) -> None:
        self.waiting: list[Callable[[], None]] = []
        server.service.later = self.waiting.append

    def next(self) -> None:
        self.waiting.pop(0)()

    def all(self) -> int:
        """Runs what there is and what comes of it; how many there were."""
        count = 0
        while self.waiting:
            self.next()
            count += 1
        return count


class StubLoop:
    """The clock and the timers of a loop; they ring when the test moves the time."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.timers: list[tuple[float, Callable[[], Any], asyncio.TimerHandle]] = []
        self._real = asyncio.new_event_loop()

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[[], Any]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self.now_s + delay_s, callback, (), self._real)
        self.timers.append((self.now_s + delay_s, callback, handle))
        return handle

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now_s]
        self.timers = [timer for timer in self.timers if timer[0] > self.now_s]
        for _, callback, handle in due:
            if not handle.cancelled():
                callback()


def set_data(xid: int, size_bytes: int = 1) -> bytes:
    return raw.request(xid, raw.SET_DATA, raw.set_data(b"/", b"x" * size_bytes))


def answers(client: Client) -> list[tuple[int, int]]:
    """Xid and error of every reply that was sent."""
    return [(reply.xid, reply.err) for reply in client.take()]
