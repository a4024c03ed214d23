"""Lines that a storm of clients causes: how many are written, and that none is left out unsaid."""

import asyncio
from typing import cast

import raw_wire as raw
from limits_support import StubLoop
from pipeline_harness import Server

from zkeeper.server.log_noise import BURST_LINES, SUMMARY_S, QuietLog


class Log:
    def __init__(self) -> None:
        self.loop = StubLoop()
        self.lines: list[str] = []
        self.quiet = QuietLog("things", self.lines.append, cast(asyncio.AbstractEventLoop, self.loop))

    def storm(self, count: int) -> None:
        for number in range(count):
            self.quiet.tell(f"line {number}")


def test_a_few_lines_are_written_at_once() -> None:
    log = Log()
    log.storm(BURST_LINES)
    assert log.lines == [f"line {number}" for number in range(BURST_LINES)]
    log.loop.pass_s(3600)
    assert len(log.lines) == BURST_LINES


def test_of_a_storm_a_summary_is_written_and_then_no_more() -> None:
    log = Log()
    log.storm(10_000)
    assert len(log.lines) == BURST_LINES
    log.loop.pass_s(SUMMARY_S)
    assert log.lines[BURST_LINES:] == [f"things: {10_000 - BURST_LINES} more lines were left out"]
    log.loop.pass_s(3600)
    assert len(log.lines) == BURST_LINES + 1


def test_a_storm_that_goes_on_costs_a_line_each_second_and_a_summary_now_and_then() -> None:
    log = Log()
    for _ in range(100):
        log.storm(50)
        log.loop.pass_s(1)
    assert len(log.lines) == BURST_LINES + 99 + 100 // SUMMARY_S
    left_out = sum(int(line.split()[1]) for line in log.lines if line.startswith("things"))
    assert left_out == 5000 - BURST_LINES - 99


def test_after_a_pause_lines_are_written_again_but_not_more_than_at_first() -> None:
    log = Log()
    log.storm(BURST_LINES)
    log.loop.pass_s(3600)
    log.storm(BURST_LINES + 5)
    assert len(log.lines) == 2 * BURST_LINES


def test_at_the_end_it_says_what_was_left_out_and_leaves_no_timer() -> None:
    log = Log()
    log.storm(BURST_LINES + 3)
    log.quiet.summarize()
    assert log.lines[-1] == "things: 3 more lines were left out"
    log.loop.pass_s(3600)
    assert len(log.lines) == BURST_LINES + 1


# What goes which way.


def test_refusals_garbage_and_expiry_can_be_told_apart() -> None:
    server = Server()
    refused: list[str] = []
    expired: list[str] = []
    server.service.handshake.tell_refused = refused.append
    server.service.tell_expired = expired.append
    server.connect(timeout_ms=4000)
    server.open().send(raw.connect(seen_zxid=1 << 40))
    server.open().send(b"\xff\xff\xff\xff")
    server.now_ms += 60_000
    server.service.expire_sessions()
    assert [len(server.told), len(refused), len(expired)] == [1, 1, 1]
    assert "0x100000d47a00000 expired" in expired[0]
