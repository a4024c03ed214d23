"""The thread that a test server runs on."""

import asyncio
import threading

import pytest

from zkeeper.testing.loop_thread import LoopThread


async def name_of_thread() -> str:
    return threading.current_thread().name


async def fail() -> None:
    raise LookupError("nothing there")


def test_it_runs_what_it_is_given_and_ends() -> None:
    thread = LoopThread(asyncio.new_event_loop, "a thread")
    assert thread.run(name_of_thread) == "a thread"
    with pytest.raises(LookupError, match="nothing there"):
        thread.run(fail)
    thread.stop()
    thread.stop()
    assert not thread.is_alive
    with pytest.raises(RuntimeError, match="has ended"):
        thread.run(name_of_thread)


def test_it_stands_still_until_it_is_released() -> None:
    thread = LoopThread(asyncio.new_event_loop, "a thread")
    thread.hold()
    with pytest.raises(RuntimeError, match="held"):
        thread.run(name_of_thread)
    thread.release()
    assert thread.run(name_of_thread) == "a thread"
    thread.hold()
    thread.stop()
    assert not thread.is_alive


def test_what_is_still_running_is_cancelled_at_the_end() -> None:
    ended = threading.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.ensure_future(wait_for_ever())
        await asyncio.sleep(0)
        return task

    thread = LoopThread(asyncio.new_event_loop, "a thread")
    task = thread.run(begin)
    thread.stop()
    assert ended.is_set()
    assert task.cancelled()


def test_a_loop_that_cannot_be_made_is_told() -> None:
    def no_loop() -> asyncio.AbstractEventLoop:
        raise OSError("too many open files")

    with pytest.raises(OSError, match="too many"):
        LoopThread(no_loop, "a thread")
