"""kazoo's recipes as a process that is told what to do (see players.py).

`python -m interop.clients.kazoo_client.player SERVER SESSION_TIMEOUT_MS`
"""

import json
import os
import queue
import sys
import threading
import traceback
from typing import Any

from kazoo.client import KazooClient

from interop.clients.harness import WAIT_DEADLINE_S

from .parts import PARTS

Order = dict[str, Any]
_writing = threading.Lock()


def reply(actor: str, **told: object) -> None:
    """Print one line of what an actor has to tell."""
    with _writing:
        print(json.dumps({"actor": actor, **told}), flush=True)


class Actor:
    """Obeys its orders one after the other, on a thread of its own."""

    def __init__(self, client: KazooClient, name: str) -> None:
        self._client = client
        self._name = name
        self._part: object = None
        self.orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        threading.Thread(target=self._obey, daemon=True).start()

    def _obey(self) -> None:
        while True:
            order = self.orders.get()
            try:
                reply(self._name, value=self._play(order["verb"], order["arguments"]))
            except Exception as error:
                traceback.print_exc()
                reply(self._name, error=repr(error))

    def _play(self, verb: str, arguments: list[Any]) -> object:
        if verb == "use":
            recipe, *rest = arguments
            self._part = PARTS[recipe](self._client, *rest)
            return None
        return getattr(self._part, verb)(*arguments)


def main(address: str, session_timeout_ms: str) -> None:
    # By default kazoo tries a second time and gives up, also where another contender was merely quicker.
    patience = {"max_tries": -1, "delay": 0.002, "max_delay": 0.05}
    client = KazooClient(address, timeout=int(session_timeout_ms) / 1000, command_retry=patience)
    client.start(WAIT_DEADLINE_S)
    reply("", value="ready")
    actors: dict[str, Actor] = {}
    for line in sys.stdin:
        order = json.loads(line)
        name = order["actor"]
        if name not in actors:
            actors[name] = Actor(client, name)
        actors[name].orders.put(order)
    client.stop()
    os._exit(0)  # threads of parts may wait for something that will never happen


main(*sys.argv[1:3])
