"""Games of what is shown and of what is there: caches, settings, groups, nodes that are kept, services."""

import asyncio
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from zkeeper import AsyncClient, NodeData
from zkeeper.errors import ConnectionLossError, NodeExistsError, NoNodeError, SessionExpiredError
from zkeeper.recipes import (
    Change,
    ChildrenCache,
    ConfigWatch,
    Group,
    NodeCache,
    PersistentNode,
    ServiceDiscovery,
    ServiceInstance,
    SettingError,
    TreeCache,
)
from zkeeper.recipes.mirror import Mirror

from .game import Act, Game, Violation
from .recipe_world import RecipeWorld


class CacheGame(Game):
    """All write into one tree, and each has a cache of it."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.caches: list[Mirror] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        cache = self._new_cache(zk)
        self.caches.append(cache)
        shown: dict[str, int] = {}
        cache.on_change(lambda change: self._note(shown, change))
        starting = asyncio.ensure_future(cache.start())
        self.settled += [lambda: starting, cache.synced]

        async def attempt() -> None:
            path = "/tree" + random.choice(("", "/a", "/b", "/a/x", "/a/y", "/b/x"))
            action = random.random()
            try:
                if action < 0.4:
                    await zk.create(path, name.encode(), ephemeral=path.count("/") == 3 and action < 0.1)
                elif action < 0.8:
                    await zk.set(path, str(action).encode())
                else:
                    await zk.delete(path)
            except (ConnectionLossError, SessionExpiredError):
                raise
            except Exception:
                return

        return attempt

    def _new_cache(self, zk: AsyncClient) -> Mirror:
        return TreeCache(zk, "/tree")

    def _note(self, shown: dict[str, int], change: Change) -> None:
        self.tally["changes shown"] += 1
        if change.new is None:
            return
        if change.new.stat.mzxid < shown.get(change.path, 0):
            raise Violation(f"older than what was shown: {change}")
        shown[change.path] = change.new.stat.mzxid

    def judge(self) -> None:
        there = self._there("/tree")
        for cache in self.caches:
            self._compare(cache, there)

    def _compare(self, cache: Mirror, there: dict[str, tuple[bytes, int]]) -> None:
        here = {path: (node.data, node.stat.mzxid) for path, node in self._shown_by(cache).items()}
        if here != there:
            raise Violation(f"a {type(cache).__name__} shows {here}, the server has {there}")

    def _shown_by(self, cache: Mirror) -> Mapping[str, NodeData]:
        assert isinstance(cache, TreeCache)
        return cache.nodes

    def _there(self, path: str) -> dict[str, tuple[bytes, int]]:
        znode = self.world.find(path)
        if znode is None:
            return {}
        found = {path: (bytes(znode.data or b""), int(znode.mzxid))}
        for name in self.world.names(path):
            found |= self._there(f"{path}/{name}")
        return found


class SmallCacheGame(CacheGame):
    """As `CacheGame`, with caches of the children, or of one of them."""

    CHILD = "/tree/a"

    def _new_cache(self, zk: AsyncClient) -> Mirror:
        return NodeCache(zk, self.CHILD) if len(self.caches) % 2 else ChildrenCache(zk, "/tree")

    def _shown_by(self, cache: Mirror) -> Mapping[str, NodeData]:
        if isinstance(cache, ChildrenCache):
            return {f"/tree/{name}": node for name, node in cache.children.items()}
        assert isinstance(cache, NodeCache)
        return {} if cache.node is None else {self.CHILD: cache.node}

    def judge(self) -> None:
        there = self._there("/tree")
        for cache in self.caches:
            wanted = [self.CHILD] if isinstance(cache, NodeCache) else [path for path in there if path.count("/") == 2]
            self._compare(cache, {path: there[path] for path in wanted if path in there})


class GroupGame(Game):
    """Members come and go; at the end just those who stayed are there."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.layout = random.choice(("curator", "kazoo", "kazoo-shallow"))
        self.groups: dict[str, Group] = {}
        self.found: dict[str, list[str]] = {}

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        group = self.groups[name] = Group(zk, "/group", name, layout=self.layout)

        async def attempt() -> None:
            await group.join(timeout_s=3.0)
            self.tally["members"] += 1
            if random.random() < 0.5:
                await asyncio.sleep(random.random())
                await group.leave()

        return attempt

    async def settle(self) -> None:
        # A session that was ended by the last fault may not have been told yet.
        await asyncio.sleep(2.0)
        for group in self.groups.values():
            await group.join()
        for name, group in self.groups.items():
            self.found[name] = [member.identifier for member in await group.members()]

    def judge(self) -> None:
        members = sorted(self.groups)
        if len(self.world.names("/group")) != len(members) or self.found[members[-1]] != members:
            raise Violation(f"members are {members}, but there is {self.world.names('/group')}, seen: {self.found}")


@dataclass(frozen=True)
class Settings:
    """What a `ConfigGame` is about."""

    name: str = ""
    size: int = 0


class ConfigGame(Game):
    """Settings come to be those that the server has; what is wrong is never taken over."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.clients: list[AsyncClient] = []
        self.configs: list[ConfigWatch[Settings]] = []
        self.seen: list[Settings] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        config = await self._begin(zk)
        self.clients.append(zk)
        self.configs.append(config)

        async def attempt() -> None:
            self._check(config)
            kind = random.random()
            if kind < 0.4:
                await self._write(zk, "size", str(random.randrange(100)).encode())
            elif kind < 0.6:
                await self._write(zk, "name", name.encode())
            elif kind < 0.8:
                await self._write(zk, "size", b"many")
            else:
                await self._remove(zk, "size")
            self._check(config)

        return attempt

    async def _begin(self, zk: AsyncClient) -> ConfigWatch[Settings]:
        """Others may have made them wrong; then none is there to begin with."""
        while True:
            try:
                return await ConfigWatch(zk, "/config", Settings).__aenter__()
            except SettingError:
                await self._remove(zk, "size")

    def _check(self, config: ConfigWatch[Settings]) -> None:
        self.tally["settings read"] += 1
        if not 0 <= config.value.size < 100:
            raise Violation(f"a setting was never right: {config.value}")

    async def _write(self, zk: AsyncClient, field: str, data: bytes) -> None:
        try:
            await zk.set(f"/config/{field}", data)
        except NoNodeError:
            try:
                await zk.ensure_path("/config")
                await zk.create(f"/config/{field}", data)
            except NodeExistsError:
                return

    async def _remove(self, zk: AsyncClient, field: str) -> None:
        try:
            await zk.delete(f"/config/{field}")
        except NoNodeError:
            return

    async def settle(self) -> None:
        await super().settle()
        await asyncio.sleep(2.0)
        await self._remove(self.clients[0], "size")
        await self._write(self.clients[0], "size", b"77")
        for config in self.configs:
            async for settings in config.changes():
                if settings.size == 77:
                    break
            self.seen.append(config.value)
            await config.__aexit__()

    def judge(self) -> None:
        name = self.world.data("/config/name").decode() if "name" in self.world.names("/config") else ""
        if self.seen != [Settings(name, 77)] * len(self.configs):
            raise Violation(f"{self.seen} was seen, where the server has {name!r} and 77")


class NodeGame(Game):
    """Each keeps a znode that others delete; in the end it is there, is its session's, and goes with `close`."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.kept: dict[str, tuple[AsyncClient, PersistentNode]] = {}
        self.wrong: list[str] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        node = PersistentNode(zk, f"/nodes/{name}", b"first")
        await node.start()
        self.kept[name] = (zk, node)

        async def attempt() -> None:
            kind = random.random()
            if kind < 0.4:
                await node.set_data(str(kind).encode())
            elif kind < 0.7:
                await node.present(timeout_s=3.0)
                self.tally["nodes present"] += 1
            else:
                await self._delete(zk, random.choice(sorted(self.kept)))

        return attempt

    async def _delete(self, zk: AsyncClient, name: str) -> None:
        try:
            await zk.delete(f"/nodes/{name}")
        except NoNodeError:
            return

    async def settle(self) -> None:
        await asyncio.sleep(2.0)
        for name, (zk, node) in self.kept.items():
            await node.present()
            await node.set_data(b"last")
            await asyncio.sleep(1.0)
            znode = self.world.find(node.path)
            if znode is None or bytes(znode.data or b"") != b"last" or znode.owner != zk.session_id:
                self.wrong.append(name)
            await node.close()

    def judge(self) -> None:
        if self.wrong:
            raise Violation(f"the znodes of {self.wrong} are not as they were to be")
        self.must_be_empty("/nodes")


class DiscoveryGame(Game):
    """In the end just those instances are found that are registered, and none after `close`."""

    def __init__(self, world: RecipeWorld, random: Random, tally: Tally[str]) -> None:
        super().__init__(world, random, tally)
        self.instances: dict[str, tuple[ServiceDiscovery, ServiceInstance]] = {}
        self.found: list[str] = []

    async def prepare(self, name: str, zk: AsyncClient) -> Act:
        random = Random(self.random.random())
        discovery, instance = ServiceDiscovery(zk, "/services"), ServiceInstance("shop", id=name, port=80)
        self.instances[name] = (discovery, instance)

        async def attempt() -> None:
            if random.random() < 0.6:
                await discovery.register(instance, timeout_s=3.0)
                self.tally["services registered"] += 1
            elif random.random() < 0.5:
                await discovery.unregister(instance)
            else:
                await discovery.instances("shop")

        return attempt

    async def settle(self) -> None:
        await asyncio.sleep(2.0)
        for discovery, instance in self.instances.values():
            await discovery.register(instance)
        discovery = next(iter(self.instances.values()))[0]
        self.found = [instance.id for instance in await discovery.instances("shop")]
        for discovery, _ in self.instances.values():
            await discovery.close()

    def judge(self) -> None:
        if self.found != sorted(self.instances):
            raise Violation(f"found are {self.found}, registered {sorted(self.instances)}")
        self.must_be_empty("/services/shop")
