"""Choosing one of the instances of a service."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence

from zkeeper import AsyncClient

from .caches import ChildrenCache
from .service_instance import ServiceInstance, decode

log = logging.getLogger(__name__)

Strategy = Callable[[Sequence[ServiceInstance]], ServiceInstance]
"""Chooses one of several, which are at least one and sorted by id."""

DOWN_ERRORS = 2
DOWN_S = 30.0


def round_robin() -> Strategy:
    """One after the other.

    Example:
        provider = discovery.provider("stock", round_robin())
    """
    count = -1

    def choose(instances: Sequence[ServiceInstance]) -> ServiceInstance:
        nonlocal count
        count += 1
        return instances[count % len(instances)]

    return choose


def random_choice(random: random.Random) -> Strategy:
    """Any of them, by chance.

    Example:
        provider = discovery.provider("stock", random_choice(random.Random()))
    """
    return random.choice


def sticky(inner: Strategy) -> Strategy:
    """Always the same, as long as it is there; then what `inner` chooses.

    Example:
        provider = discovery.provider("stock", sticky(round_robin()))
    """
    chosen: ServiceInstance | None = None

    def choose(instances: Sequence[ServiceInstance]) -> ServiceInstance:
        nonlocal chosen
        if chosen is None or chosen.id not in [instance.id for instance in instances]:
            chosen = inner(instances)
        return next(instance for instance in instances if instance.id == chosen.id)

    return choose


class ServiceProvider:
    """Follows the instances of one service, and chooses. Made by `ServiceDiscovery.provider`.

        async with discovery.provider("stock") as provider:
            instance = provider.choose()

    Promises what a `ChildrenCache` does. Instances that are not enabled are not chosen, nor those for which
    `note_error` was called `DOWN_ERRORS` times within `DOWN_S` seconds, unless all are so.
    """

    def __init__(self, zk: AsyncClient, path: str, strategy: Strategy | None) -> None:
        self._cache = ChildrenCache(zk, path)
        self._strategy = strategy or round_robin()
        self._errors: dict[str, list[float]] = {}

    async def __aenter__(self) -> "ServiceProvider":
        await self._cache.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._cache.close()

    @property
    def instances(self) -> list[ServiceInstance]:
        """All instances that are enabled, sorted by id."""
        found = []
        for name, node in self._cache.children.items():
            try:
                found.append(decode(node.data))
            except ValueError as error:
                log.warning("%s/%s is left out: %s", self._cache.root, name, error)
        return [instance for instance in found if instance.enabled]

    def choose(self) -> ServiceInstance | None:
        """One instance by the strategy; None if there is none."""
        instances = self.instances
        usable = [instance for instance in instances if not self._is_down(instance)] or instances
        return self._strategy(usable) if usable else None

    def note_error(self, instance: ServiceInstance) -> None:
        """The instance did not do what it was asked. After some of these it is not chosen for a while."""
        now_s = asyncio.get_running_loop().time()
        recent = [at_s for at_s in self._errors.get(instance.id, ()) if now_s - at_s < DOWN_S]
        self._errors[instance.id] = [*recent, now_s][-DOWN_ERRORS:]

    async def changes(self) -> AsyncIterator[list[ServiceInstance]]:
        """Yields all instances now, and again after changes; those in quick succession as one."""
        async for _ in self._cache.changes():
            present = self._cache.children.keys()
            self._errors = {key: errors for key, errors in self._errors.items() if key in present}
            yield self.instances

    def _is_down(self, instance: ServiceInstance) -> bool:
        errors = self._errors.get(instance.id, [])
        return len(errors) >= DOWN_ERRORS and asyncio.get_running_loop().time() - errors[0] < DOWN_S
