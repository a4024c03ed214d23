"""Players: one process for each language, with recipes that are told what to do.

A player reads orders from its standard input, one JSON object a line:
`{"actor": ..., "verb": ..., "arguments": [...]}`.
The verb `use` gives an actor its part (recipe, path, identifier, number of leases or members, layout); other verbs are
what that part can do. The reply is `{"actor": ..., "value": ...}` or `{"actor": ..., "error": ...}`.

1. Actors work at the same time; the orders of one actor are obeyed one after the other, and replied to in their order.
2. All actors of a player share one session. A player whose input ends closes it; one that is killed leaves it behind.
3. An order that nobody will reply to any more fails with `PlayerFailed`.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from .programs import environment
from .servers import Server, zkjava_script

SESSION_TIMEOUT_MS = 15_000
REPLY_DEADLINE_S = 30.0
LOG_TAIL_CHARS = 4000


class PlayerFailed(Exception):
    """The player replied with an error, or has ended; the message carries the end of its log."""


class Player:
    """A running player. Used through actors."""

    def __init__(self, language: str, process: subprocess.Popen[str], log: Path) -> None:
        self.language = language
        self._process = process
        self._log = log
        self._lock = threading.Lock()
        self._awaited: dict[str, deque[Future[Any]]] = defaultdict(deque)
        self._has_ended = False
        self.ready = self._await_reply("")
        self._reader = threading.Thread(target=self._read_replies, daemon=True)
        self._reader.start()

    def actor(self, recipe: str, path: str, name: str, limit: int = 0, layout: str = "curator") -> "Actor":
        """An actor that plays this recipe on this path, and is called by its name there."""
        actor = Actor(self, f"{recipe} {path} {name}")
        actor.tell("use", recipe, path, name, limit, layout)
        return actor

    def ask(self, actor: str, verb: str, *arguments: object) -> "Future[Any]":
        """What the reply will be."""
        reply = self._await_reply(actor)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"actor": actor, "verb": verb, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
        return reply

    def kill(self) -> None:
        """Ends it without a chance to say anything to anybody (SIGKILL)."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def close(self) -> None:
        """Ends it by ending its input; it closes its session."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(REPLY_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-LOG_TAIL_CHARS:]

    def _await_reply(self, actor: str) -> "Future[Any]":
        reply: Future[Any] = Future()
        with self._lock:
            if self._has_ended:
                reply.set_exception(PlayerFailed(f"{self.language} has ended"))
            else:
                self._awaited[actor].append(reply)
        return reply

    def _read_replies(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            with self._lock:
                reply = self._awaited[told["actor"]].popleft()
            if "error" in told:
                reply.set_exception(
                    PlayerFailed(f"{self.language}, {told['actor']}: {told['error']}\n{self.log_tail()}")
                )
            else:
                reply.set_result(told["value"])
        self._fail_the_rest()

    def _fail_the_rest(self) -> None:
        with self._lock:
            self._has_ended = True
            rest = [reply for replies in self._awaited.values() for reply in replies]
        for reply in rest:
            reply.set_exception(PlayerFailed(f"{self.language} has ended\n{self.log_tail()}"))


class Actor:
    """One contender or member, played by a player."""

    def __init__(self, player: Player, name: str) -> None:
        self.player = player
        self._name = name

    def ask(self, verb: str, *arguments: object) -> "Future[Any]":
        """Gives an order; its outcome comes later."""
        return self.player.ask(self._name, verb, *arguments)

    def tell(self, verb: str, *arguments: object) -> Any:
        """Gives an order and waits for its outcome."""
        return self.ask(verb, *arguments).result(REPLY_DEADLINE_S)


@contextlib.contextmanager
def run_player(
    language: str, server: Server, log: Path, session_timeout_ms: int = SESSION_TIMEOUT_MS
) -> Iterator[Player]:
    """A player with a session of its own, while the block runs."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [*_command_for(language), server.address, str(session_timeout_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, env=environment(), text=True,
        )  # fmt: skip
    player = Player(language, process, log)
    try:
        player.ready.result(REPLY_DEADLINE_S)
        yield player
    finally:
        player.close()


def _command_for(language: str) -> list[str]:
    if language == "curator":
        return [sys.executable, str(zkjava_script()), "main", "Player", "-Dzkjava.log=ERROR"]
    module = {"kazoo": "kazoo_client", "ours": "own_client"}[language]
    return [sys.executable, "-m", f"interop.clients.{module}.player"]
