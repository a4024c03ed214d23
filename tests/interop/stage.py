"""Where players play: a stage for each server, with one player of each language, and a scene for each test.

1. A scene's paths are its own, so nothing that an earlier test has left is in the way.
2. What a scene knows of the server it knows from `referee`, which is no client library.
"""

import contextlib
import itertools
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from .clients.harness import fresh_name, wait_for
from .players import REPLY_DEADLINE_S, Actor, Player, run_player
from .servers import Server
from .wire_session import ServerError, WireSession

REFEREE_SESSION_MS = 60_000


class Stage:
    """The players on one server. They start when they are first needed, and live until the stage is closed."""

    def __init__(self, server: Server, home: Path, closing: contextlib.ExitStack) -> None:
        self.server = server
        self._home = home
        self._closing = closing
        self._players: dict[str, Player] = {}
        self._numbers = itertools.count()

    def player(self, language: str) -> Player:
        """The one that all scenes share."""
        if language not in self._players:
            log = self._home / f"{language}.log"
            self._players[language] = self._closing.enter_context(run_player(language, self.server, log))
        return self._players[language]

    def extra(self, language: str, session_timeout_ms: int) -> contextlib.AbstractContextManager[Player]:
        """One for a single scene, which may kill it."""
        log = self._home / f"{language}-{next(self._numbers)}.log"
        return run_player(language, self.server, log, session_timeout_ms)


class Scene:
    """A root path, a referee, and actors by their language."""

    def __init__(self, stage: Stage, referee: WireSession, name: str) -> None:
        self.stage = stage
        self.referee = referee
        self.root = referee.create(f"/{fresh_name(name)}")
        self._numbers = itertools.count(1)

    def actor(self, language: str, recipe: str, at: str, *, limit: int = 0, layout: str = "curator") -> Actor:
        """An actor of a new name with a recipe at that path below the root."""
        return self.played_by(self.stage.player(language), recipe, at, limit=limit, layout=layout)

    def played_by(self, player: Player, recipe: str, at: str, *, limit: int = 0, layout: str = "curator") -> Actor:
        name = f"{player.language}-{next(self._numbers)}"
        return player.actor(recipe, self.path(at), name, limit, layout)

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def create(self, name: str, data: bytes = b"") -> str:
        return self.referee.create(self.path(name), data)

    def children(self, name: str) -> list[str]:
        """Empty, too, if there is no such path."""
        try:
            return self.referee.children(self.path(name))
        except ServerError:
            return []

    def exists(self, name: str) -> bool:
        return self.referee.exists(self.path(name))

    def data(self, name: str) -> bytes | None:
        return self.referee.data(self.path(name))[0]

    def owner(self, name: str) -> int:
        """The session that an ephemeral belongs to; 0 if there is no such znode."""
        try:
            return self.referee.data(self.path(name))[1]["ephemeralOwner"]
        except ServerError:
            return 0

    def wait_for_children(self, name: str, count: int) -> None:
        wait_for(lambda: len(self.children(name)) == count, f"{count} children of {name}")

    def queue(self, actor: Actor, at: str, *order: Any) -> "Future[Any]":
        """Gives an order that makes the actor queue at that path, and returns when its znode is there."""
        before = len(self.children(at))
        waiting = actor.ask(*order)
        self.wait_for_children(at, before + 1)
        return waiting


@contextlib.contextmanager
def open_stage(server: Server, home: Path) -> Iterator[Stage]:
    with contextlib.ExitStack() as closing:
        yield Stage(server, home, closing)


@contextlib.contextmanager
def open_scene(stage: Stage, name: str) -> Iterator[Scene]:
    referee = WireSession(stage.server, REFEREE_SESSION_MS)
    try:
        yield Scene(stage, referee, name)
    finally:
        referee.close()


def results(orders: "list[Future[Any]]") -> list[Any]:
    """The outcomes of orders that were given at the same time."""
    return [order.result(REPLY_DEADLINE_S) for order in orders]
