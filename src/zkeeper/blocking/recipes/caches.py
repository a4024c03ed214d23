"""Copies of znodes that follow the servers: of one, of one with its children, of a subtree; and typed settings.

All promise: after a change, and after every reconnect, they come to show what the servers have; for one znode they
never show an older state after a newer one; each change that is shown is told to `on_change` listeners exactly once,
while those keep up (the oldest of 16,384 that wait for one give way). They do not promise to show every state in
between, nor a state in which different znodes belong to one moment, nor that what is shown is still so. While the
connection is lost they show what they knew. Znodes that may not be read are left out.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Self, TypeVar

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.dispatcher import Often
from zkeeper.blocking.recipes.recipe import Recipe, Running, on_loop_of
from zkeeper.blocking.steps import Steps
from zkeeper.errors import ClosedError
from zkeeper.recipes import Change, SettingError
from zkeeper.recipes.mirror import Mirror as OnLoop
from zkeeper.values import NodeData

M = TypeVar("M", bound=OnLoop)
S = TypeVar("S")


class Mirror(Running[M]):
    """What the three caches have in common."""

    @property
    def root(self) -> str:
        """The znode it follows."""
        return self._recipe.root

    @property
    def is_synced(self) -> bool:
        """Whether it has been filled, shows all that it has been told of, and has not ended."""
        return self._look(lambda: self._recipe.is_synced)

    def synced(self, timeout_s: float | None = None) -> None:
        """Waits until `is_synced`. Raises `TimeoutError`."""
        self._call(None, self._recipe.synced, timeout_s)

    def wait_for(self, predicate: Callable[[], object], timeout_s: float | None = None) -> None:
        """Waits until `predicate()`, which looks at the cache, is true. Raises `TimeoutError`."""
        self._call(None, self._recipe.wait_for, predicate, timeout_s)

    def on_change(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Has `callback` called with every change that is shown, after it is, in the callbacks' thread.

        Returns what makes that stop. What `callback` raises is logged; the cache and the other callbacks go on.

        Example:
            remove = cache.on_change(lambda change: print(change.type.name, change.path))
        """
        remove = self._look(lambda: self._recipe.on_change(Often(self._core.dispatcher, callback)))
        return lambda: self._look(remove)

    def start(self, *, timeout_s: float | None = None) -> None:
        """Begins, and returns when the cache is filled. Raises what keeps it from being filled."""
        self._call(timeout_s, self._recipe.start)


class NodeCache(Mirror[on_loop.NodeCache]):
    """Follows one znode, which need not exist. Promises what the module says.

    with NodeCache(zk, "/config/mode") as cache:
        print(cache.node.data if cache.node else "not there")
    """

    def __init__(self, zk: Client, path: str) -> None:
        super().__init__(zk, on_loop.NodeCache(on_loop_of(zk), path))

    @property
    def node(self) -> NodeData | None:
        """Data and `Stat`; None while the znode does not exist."""
        return self._look(lambda: self._recipe.node)

    def changes(self) -> Steps[NodeData | None]:
        """Yields the znode now, and again after changes; those in quick succession as one. Ends by `close`."""
        return self._steps(self._recipe.changes())


class ChildrenCache(Mirror[on_loop.ChildrenCache]):
    """Follows the children of a znode with their data. Promises what the module says.

    with ChildrenCache(zk, "/workers") as cache:
        for name, node in cache.children.items():
            ...
    """

    def __init__(self, zk: Client, path: str) -> None:
        super().__init__(zk, on_loop.ChildrenCache(on_loop_of(zk), path))

    @property
    def children(self) -> dict[str, NodeData]:
        """Data and `Stat` of the children, by name, sorted."""
        return self._look(lambda: self._recipe.children)

    def changes(self) -> Steps[dict[str, NodeData]]:
        """Yields the children now, and again after changes; those in quick succession as one. Ends by `close`."""
        return self._steps(self._recipe.changes())


class TreeCache(Mirror[on_loop.TreeCache]):
    """Follows a znode and everything below it. Promises what the module says.

    with TreeCache(zk, "/config") as cache:
        node = cache.get("/config/db/host")
    """

    def __init__(self, zk: Client, path: str) -> None:
        super().__init__(zk, on_loop.TreeCache(on_loop_of(zk), path))

    @property
    def nodes(self) -> Mapping[str, NodeData]:
        """Data and `Stat` of all znodes, by path: a copy of this moment."""
        return self._look(lambda: dict(self._recipe.nodes))

    def get(self, path: str) -> NodeData | None:
        """Data and `Stat`; None if the znode does not exist."""
        return self._look(lambda: self._recipe.get(path))

    def children(self, path: str) -> list[str]:
        """The names of the children, sorted."""
        return self._look(lambda: self._recipe.children(path))

    def changes(self) -> Steps[Mapping[str, NodeData]]:
        """Yields all znodes now, and again after changes; those in quick succession as one. Ends by `close`."""
        return self._steps(_copies(self._recipe.changes()))


async def _copies(changes: AsyncIterator[Mapping[str, NodeData]]) -> AsyncIterator[Mapping[str, NodeData]]:
    async for nodes in changes:
        yield dict(nodes)


class ConfigWatch(Recipe[on_loop.ConfigWatch[S]]):
    """A dataclass whose fields are the children of a znode.

        @dataclass(frozen=True)
        class Settings:
            host: str                       # /config/host
            port: int = 5432                # /config/port; the default while it does not exist
            pool: Pool = Pool()             # a dataclass: /config/pool/...

        with ConfigWatch(zk, "/config", Settings) as config:
            print(config.value.host)
            for settings in config.changes():
                ...

    Fields are str, int, float, bool (true, yes, on, 1 and their contraries), bytes, dataclasses, `X | None`, and lists
    and dicts, which are JSON.

    Promises what a `TreeCache` does: after changes and reconnects `value` comes to be what the servers have. What is
    wrong is not taken over: `value` stays the last one that was right, and `error` says what is wrong. Several settings
    that belong together should be one znode, or be changed by one transaction and read back by `value` as they come:
    a value in between may be seen.
    """

    def __init__(self, zk: Client, path: str, settings: type[S]) -> None:
        super().__init__(zk, on_loop.ConfigWatch(on_loop_of(zk), path, settings))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    @property
    def error(self) -> SettingError | None:
        """What is wrong with the settings as they are on the servers; None if nothing is."""
        return self._look(lambda: self._recipe.error)

    @property
    def value(self) -> S:
        """The settings: the newest that were right."""
        return self._look(lambda: self._recipe.value)

    def changes(self) -> Steps[S]:
        """Yields the settings now, and again whenever they have changed; those in quick succession as one."""
        return self._steps(self._recipe.changes())

    def __enter__(self) -> Self:
        """Reads them. Raises `SettingError` if they are wrong from the beginning."""
        self._core.step(None, self._recipe.__aenter__, self._undo)
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(ClosedError):
            self._call(None, self._recipe.__aexit__, *error)

    def _undo(self, config: "on_loop.ConfigWatch[S]") -> None:
        self._core.spawn(config.__aexit__())
