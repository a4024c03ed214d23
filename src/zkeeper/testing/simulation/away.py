"""Work that production gives to a thread: run inline at a virtual instant, with no event loop in sight."""

import asyncio
from collections.abc import Callable
from typing import Any

from .errors import Killed

Settle = Callable[[], None]


def run_away(job: Callable[[], Any], future: asyncio.Future[Any]) -> Settle:
    """Runs `job` as a thread would, without a running loop; calling what is returned hands the outcome to `future`."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        result = job()
    except (Killed, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return _settle_with_error(future, error)
    finally:
        asyncio._set_running_loop(loop)
    return _settle_with_result(future, result)


def _settle_with_result(future: asyncio.Future[Any], result: Any) -> Settle:
    def settle_result() -> None:
        if not future.done():
            future.set_result(result)

    return settle_result


def _settle_with_error(future: asyncio.Future[Any], error: BaseException) -> Settle:
    def settle_error() -> None:
        if not future.done():
            future.set_exception(error)

    return settle_error
