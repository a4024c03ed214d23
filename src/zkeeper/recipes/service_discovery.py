"""Services find each other: instances register under a name, and others choose one of them."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from zkeeper import OPEN_ACL, Acl, AsyncClient, new_guid
from zkeeper.arguments import limit
from zkeeper.errors import NoNodeError

from .patience import persist
from .persistent_node import PersistentNode
from .service_instance import ServiceInstance, ServiceType, check, decode, encode
from .service_provider import ServiceProvider, Strategy
from .znodes import checked, checked_child

log = logging.getLogger(__name__)


class ServiceDiscovery:
    """Registers instances below `path`, and finds those of others.

        async with ServiceDiscovery(zk, "/services") as discovery:
            await discovery.register(ServiceInstance("shop", address="10.0.0.1", port=8080))
            async with discovery.provider("stock") as provider:
                instance = provider.choose()

    Promises: a DYNAMIC instance is there whenever the client has a session, until it is unregistered or the discovery
    is closed; it comes back after a lost session. The other types stay until they are unregistered. What is found is
    what the servers know: an instance that has died is found until its session expires.

    On the wire it is Curator's service discovery with its JSON: `<path>/<name>/<id>`.
    """

    def __init__(self, zk: AsyncClient, path: str, *, acl: Sequence[Acl] = OPEN_ACL) -> None:
        self.path = checked(zk, path)
        self._zk = zk
        self._acl = acl
        self._nodes: dict[tuple[str, str], PersistentNode] = {}

    async def __aenter__(self) -> "ServiceDiscovery":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Unregisters all DYNAMIC instances that were registered here."""
        while self._nodes:
            _, node = self._nodes.popitem()
            await node.close()

    async def register(self, instance: ServiceInstance, timeout_s: float | None = None) -> ServiceInstance:
        """Registers it, or changes what is registered under its id. Returns it, with an id, when others can find it.

        Raises `TimeoutError`, and goes on trying then.
        """
        check(instance)
        if instance.type is ServiceType.DYNAMIC_SEQUENTIAL:
            raise ValueError("register DYNAMIC with an id of its own instead")
        if instance.id == "":
            instance = replace(instance, id=new_guid(self._zk))
        key, path = (instance.name, instance.id), self._path_of(instance.name, instance.id)
        limit(timeout_s)  # What is no limit is told before anything is done.
        if key in self._nodes:
            await self._nodes[key].set_data(encode(instance))
        else:
            is_dynamic = instance.type is ServiceType.DYNAMIC
            node = PersistentNode(self._zk, path, encode(instance), ephemeral=is_dynamic, acl=self._acl)
            self._nodes[key] = node
            await node.start()
        await self._nodes[key].present(timeout_s)
        return instance

    async def unregister(self, instance: ServiceInstance) -> None:
        """Returns when it cannot be found any more. Does nothing if it is not registered."""
        node = self._nodes.pop((instance.name, instance.id), None)
        if node is not None:
            await node.close()
        if instance.type is not ServiceType.DYNAMIC:
            with suppress(NoNodeError):
                await persist(lambda: self._zk.delete(self._path_of(instance.name, instance.id)))

    async def names(self) -> list[str]:
        """The names of all services, sorted, also of those without an instance."""
        try:
            return sorted(await persist(lambda: self._zk.children(self.path)))
        except NoNodeError:
            return []

    async def instances(self, name: str) -> list[ServiceInstance]:
        """The instances of a service that are registered now, sorted by id."""
        try:
            ids = await persist(lambda: self._zk.children(self._path_of_service(name)))
        except NoNodeError:
            return []
        found = [await self.instance(name, each) for each in sorted(ids)]
        return [instance for instance in found if instance is not None]

    async def instance(self, name: str, id: str) -> ServiceInstance | None:  # noqa: A002  it is what it is called
        """One instance; None if it is not registered, or what is there is no record of one."""
        path = self._path_of(name, id)
        try:
            return decode((await persist(lambda: self._zk.get(path))).data)
        except NoNodeError:
            return None
        except ValueError as error:
            log.warning("%s is left out: %s", path, error)
            return None

    def provider(self, name: str, strategy: Strategy | None = None) -> ServiceProvider:
        """Follows the instances of a service and chooses among them; round-robin if no strategy is given."""
        return ServiceProvider(self._zk, self._path_of_service(name), strategy)

    def _path_of(self, name: str, id: str) -> str:  # noqa: A002  it is what it is called
        return checked_child(self._zk, self._path_of_service(name), "the id of an instance", id)

    def _path_of_service(self, name: str) -> str:
        return checked_child(self._zk, self.path, "the name of a service", name)
