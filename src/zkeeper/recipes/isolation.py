"""Calling what users have handed in: a mistake of theirs stops neither the recipe nor anybody else's callback."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")


def tell(callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Calls it on the loop. What it raises goes to the loop's exception handler, which logs it unless it was replaced.

    A cancellation that it raises is meant for nobody here: it is handed over, too.
    """
    try:
        callback(*args, **kwargs)
    except (Exception, asyncio.CancelledError) as error:
        message = f"zkeeper: exception in the callback {callback!r} of a recipe"
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})
