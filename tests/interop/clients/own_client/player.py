"""Our recipes as a process that is told what to do (see players.py).

`python -m interop.clients.own_client.player SERVER SESSION_TIMEOUT_MS`
"""

import asyncio
import json
import os
import sys
import threading
import traceback
from typing import Any

import zkeeper

from .parts import PARTS

Order = dict[str, Any]


def reply(actor: str, **told: object) -> None:
    """Print one line of what an actor has to tell."""
    print(json.dumps({"actor": actor, **told}), flush=True)


class Actor:
    """Obeys its orders one after the other, in a task of its own: our locks belong to tasks."""

    def __init__(self, zk: zkeeper.AsyncClient, name: str) -> None:
        self._zk = zk
        self._name = name
        self._part: object = None
        self.orders: asyncio.Queue[Order] = asyncio.Queue()
        self._task = asyncio.create_task(self._obey())

    async def _obey(self) -> None:
        while True:
            order = await self.orders.get()
            try:
                reply(self._name, value=await self._play(order["verb"], order["arguments"]))
            except Exception as error:
                traceback.print_exc()
                reply(self._name, error=repr(error))

    async def _play(self, verb: str, arguments: list[Any]) -> object:
        if verb == "use":
            recipe, *rest = arguments
            self._part = PARTS[recipe](self._zk, *rest)
            return None
        return await getattr(self._part, verb)(*arguments)


def read_orders(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[str]") -> None:
    """Pass the lines on, then an empty one."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    loop.call_soon_threadsafe(lines.put_nowait, "")


async def main(address: str, session_timeout_ms: str) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    actors: dict[str, Actor] = {}
    async with zkeeper.connect(address, int(session_timeout_ms)) as zk:
        reply("", value="ready")
        threading.Thread(target=read_orders, args=(asyncio.get_running_loop(), lines), daemon=True).start()
        while line := await lines.get():
            order = json.loads(line)
            name = order["actor"]
            if name not in actors:
                actors[name] = Actor(zk, name)
            actors[name].orders.put_nowait(order)
    os._exit(0)  # as the other players end: without a word to those who still wait


asyncio.run(main(*sys.argv[1:3]))
