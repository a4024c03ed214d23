"""Services find each other: instances register under a name, and others choose one of them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from zkeeper import recipes as on_loop
from zkeeper.blocking.client import Client
from zkeeper.blocking.recipes.recipe import Recipe, on_loop_of
from zkeeper.blocking.steps import Steps
from zkeeper.errors import ClosedError
from zkeeper.recipes import ServiceInstance
from zkeeper.recipes.service_provider import Strategy
from zkeeper.values import OPEN_ACL, Acl


class ServiceProvider(Recipe[on_loop.ServiceProvider]):
    """Follows the instances of one service, and chooses. Made by `ServiceDiscovery.provider`.

    Promises what a `ChildrenCache` does. Instances that are not enabled are not chosen, nor those for which
    `note_error` was called `DOWN_ERRORS` times within `DOWN_S` seconds, unless all are so.

    Example:
        with discovery.provider("stock") as provider:
            instance = provider.choose()
    """

    def __enter__(self) -> Self:
        self._core.step(None, self._recipe.__aenter__, self._undo)
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(ClosedError):
            self._call(None, self._recipe.__aexit__, *error)

    def _undo(self, provider: on_loop.ServiceProvider) -> None:
        self._core.spawn(provider.__aexit__())

    @property
    def instances(self) -> list[ServiceInstance]:
        """All instances that are enabled, sorted by id."""
        return self._look(lambda: self._recipe.instances)

    def choose(self) -> ServiceInstance | None:
        """One instance by the strategy; None if there is none."""
        return self._look(self._recipe.choose)

    def note_error(self, instance: ServiceInstance) -> None:
        """The instance did not do what it was asked. After some of these it is not chosen for a while."""
        self._core.do(self._recipe.note_error, instance)

    def changes(self) -> Steps[list[ServiceInstance]]:
        """Yields all instances now, and again after changes; those in quick succession as one."""
        return self._steps(self._recipe.changes())


class ServiceDiscovery(Recipe[on_loop.ServiceDiscovery]):
    """Registers instances below `path`, and finds those of others.

        with ServiceDiscovery(zk, "/services") as discovery:
            discovery.register(ServiceInstance("shop", address="10.0.0.1", port=8080))
            with discovery.provider("stock") as provider:
                instance = provider.choose()

    Promises: a DYNAMIC instance is there whenever the client has a session, until it is unregistered or the discovery
    is closed; it comes back after a lost session. The other types stay until they are unregistered. What is found is
    what the servers know: an instance that has died is found until its session expires.

    On the wire it is Curator's service discovery with its JSON: `<path>/<name>/<id>`.
    """

    def __init__(self, zk: Client, path: str, *, acl: Sequence[Acl] = OPEN_ACL) -> None:
        super().__init__(zk, on_loop.ServiceDiscovery(on_loop_of(zk), path, acl=acl))

    @property
    def path(self) -> str:
        """The znode it works on."""
        return self._recipe.path

    def close(self, *, timeout_s: float | None = None) -> None:
        """Unregisters all DYNAMIC instances that were registered here."""
        with suppress(ClosedError):  # With the session they have gone.
            self._call(timeout_s, self._recipe.close)

    def register(self, instance: ServiceInstance, timeout_s: float | None = None) -> ServiceInstance:
        """Registers it, or changes what is registered under its id. Returns it, with an id, when others can find it.

        Raises `TimeoutError`, and goes on trying then.
        """
        return self._call(None, self._recipe.register, instance, timeout_s)

    def unregister(self, instance: ServiceInstance, *, timeout_s: float | None = None) -> None:
        """Returns when it cannot be found any more. Does nothing if it is not registered."""
        self._call(timeout_s, self._recipe.unregister, instance)

    def names(self, *, timeout_s: float | None = None) -> list[str]:
        """The names of all services, sorted, also of those without an instance."""
        return self._call(timeout_s, self._recipe.names)

    def instances(self, name: str, *, timeout_s: float | None = None) -> list[ServiceInstance]:
        """The instances of a service that are registered now, sorted by id."""
        return self._call(timeout_s, self._recipe.instances, name)

    def instance(
        self, name: str, id: str, *, timeout_s: float | None = None,  # noqa: A002  it is what it is called
    ) -> ServiceInstance | None:  # fmt: skip
        """One instance; None if it is not registered, or what is there is no record of one."""
        return self._call(timeout_s, self._recipe.instance, name, id)

    def provider(self, name: str, strategy: Strategy | None = None) -> ServiceProvider:
        """Follows the instances of a service and chooses among them; round-robin if no strategy is given."""
        return ServiceProvider(self._zk, self._recipe.provider(name, strategy))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
