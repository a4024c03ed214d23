"""What recipes cannot work with is refused where it is given, by both kinds of them, with its name."""

from collections.abc import Callable
from typing import Any

import pytest

import zkeeper
from zkeeper import blocking, recipes
from zkeeper.errors import BadArgumentsError
from zkeeper.recipes import ServiceInstance

NAN = float("nan")

REFUSED: dict[str, tuple[Callable[[Any, Any], object], type[Exception], str]] = {
    "an identifier of another type": (lambda r, zk: r.Lock(zk, "/l", identifier=5), TypeError, "identifier is a str"),
    "a latch's": (lambda r, zk: r.LeaderLatch(zk, "/l", identifier=b"x"), TypeError, "identifier is a str"),
    "a semaphore's": (lambda r, zk: r.Semaphore(zk, "/s", 2, identifier=b"x"), TypeError, "identifier is a str"),
    "a barrier's": (lambda r, zk: r.DoubleBarrier(zk, "/d", 2, identifier=b"x"), TypeError, "identifier is a str"),
    "leases as text": (lambda r, zk: r.Semaphore(zk, "/s", "2"), TypeError, "max_leases is an integer"),
    "half a lease": (lambda r, zk: r.Semaphore(zk, "/s", 2.5), TypeError, "max_leases is an integer"),
    "no lease": (lambda r, zk: r.Semaphore(zk, "/s", 0), BadArgumentsError, "max_leases is between 1"),
    "members as text": (lambda r, zk: r.DoubleBarrier(zk, "/d", "2"), TypeError, "members is an integer"),
    "no member": (lambda r, zk: r.DoubleBarrier(zk, "/d", 0), BadArgumentsError, "members is between 1"),
    "a block as text": (lambda r, zk: r.IdGenerator(zk, "/i", block_size="5"), TypeError, "block_size is an integer"),
    "an empty block": (lambda r, zk: r.IdGenerator(zk, "/i", block_size=0), BadArgumentsError, "block_size is betw"),
    "a start that is no number": (lambda r, zk: r.Counter(zk, "/c", start="1"), TypeError, "number is an integer"),
    "a start that is half": (lambda r, zk: r.Counter(zk, "/c", start=1.5), TypeError, "number is an integer, not 1.5"),
    "a value that is text": (lambda r, zk: r.AtomicValue(zk, "/v", start="x"), TypeError, "data of a znode are bytes"),
    "a znode's data": (lambda r, zk: r.PersistentNode(zk, "/p", "x"), TypeError, "data of a znode are bytes"),
    "a member's data": (lambda r, zk: r.Group(zk, "/g", "me", "x"), TypeError, "data of a znode are bytes"),
    "a member's name": (lambda r, zk: r.Group(zk, "/g", "a/b"), BadArgumentsError, "no slash, unlike 'a/b'"),
    "a member of no type": (lambda r, zk: r.Group(zk, "/g", 5, layout="kazoo"), TypeError, "identifier is a str"),
    "a lease that is over": (lambda r, zk: r.Lease(zk, "/l", 0, "me"), BadArgumentsError, "duration_s is between 1"),
    "a lease of no time": (lambda r, zk: r.Lease(zk, "/l", NAN, "me"), BadArgumentsError, "duration_s is between 1"),
    "a lease for ever": (lambda r, zk: r.Lease(zk, "/l", 1e300, "me"), BadArgumentsError, "duration_s is between 1"),
    "a lease's time as text": (lambda r, zk: r.Lease(zk, "/l", "5", "me"), TypeError, "duration_s is a number"),
    "a lease's holder": (lambda r, zk: r.Lease(zk, "/l", 5, 1), TypeError, "identifier is a str"),
    "items that are one": (lambda r, zk: r.Partitioner(zk, "/p", "abc", "me"), TypeError, "items are several strings"),
    "an item twice": (lambda r, zk: r.Partitioner(zk, "/p", ["a", "a"], "me"), BadArgumentsError, "each item is there"),
    "an item's name": (lambda r, zk: r.Partitioner(zk, "/p", ["a/b"], "me"), BadArgumentsError, "an item becomes the"),
    "a partitioner's name": (lambda r, zk: r.Partitioner(zk, "/p", ["a"], "x/y"), BadArgumentsError, "identifier bec"),
    "a rest that is none": (
        lambda r, zk: r.Partitioner(zk, "/p", ["a"], "me", settle_s=NAN), BadArgumentsError, "settle_s is between",
    ),
    "settings of no class": (lambda r, zk: r.ConfigWatch(zk, "/c", dict), TypeError, "settings are a dataclass"),
    "a service's name": (lambda r, zk: r.ServiceDiscovery(zk, "/s").provider("a/b"), BadArgumentsError, "name of a s"),
    "no lock": (lambda r, zk: r.MultiLock(), BadArgumentsError, "at least one lock"),
    "locks in a list": (lambda r, zk: r.MultiLock([r.Lock(zk, "/l")]), TypeError, "one argument each"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "says"), REFUSED.values(), ids=REFUSED)
def test_what_a_recipe_cannot_be_made_of(make: Callable[[Any, Any], object], error: type[Exception], says: str) -> None:
    for module, zk in ((recipes, zkeeper.connect("h")), (blocking, zkeeper.Client("h"))):
        with pytest.raises(error, match=says):
            make(module, zk)


CALLS: dict[str, tuple[Callable[[zkeeper.AsyncClient], Any], type[Exception], str]] = {
    "a number to add": (lambda zk: recipes.Counter(zk, "/c").add("1"), TypeError, "change is an integer"),  # type: ignore[arg-type]
    "a number to set": (lambda zk: recipes.Counter(zk, "/c").set(1.5), TypeError, "number is an integer"),  # type: ignore[arg-type]
    "a number to compare": (
        lambda zk: recipes.Counter(zk, "/c").compare_and_set("1", 2), TypeError, "expected is an integer"  # type: ignore[arg-type]
    ),
    "a leader's work": (lambda zk: recipes.Election(zk, "/e").run(5), TypeError, "can be called"),  # type: ignore[arg-type]
    "a service's port": (
        lambda zk: recipes.ServiceDiscovery(zk, "/s").register(ServiceInstance("a", port="80")),  # type: ignore[arg-type]
        TypeError, "port is an integer",
    ),
    "a port that is none": (
        lambda zk: recipes.ServiceDiscovery(zk, "/s").register(ServiceInstance("a", port=-1)),
        BadArgumentsError, "port is between 0 and 65535",
    ),
    "a service's address": (
        lambda zk: recipes.ServiceDiscovery(zk, "/s").register(ServiceInstance("a", address=5)),  # type: ignore[arg-type]
        TypeError, "address is a str",
    ),
    "a service without a name": (
        lambda zk: recipes.ServiceDiscovery(zk, "/s").register(ServiceInstance("")), BadArgumentsError, "name of a serv"
    ),
    "a service's id": (
        lambda zk: recipes.ServiceDiscovery(zk, "/s").register(ServiceInstance("a", id="x/y")),
        BadArgumentsError, "id of an instance becomes",
    ),
    "a service that is none": (
        lambda zk: recipes.ServiceDiscovery(zk, "/s").register("a"), TypeError, "has ServiceInstances",  # type: ignore[arg-type]
    ),
    "a path that is none": (lambda zk: zkeeper.create_protected(zk, "p"), BadArgumentsError, "begin with a slash"),
    "a guid that is none": (lambda zk: zkeeper.create_protected(zk, "/p", guid="a/b"), BadArgumentsError, "no slash"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), CALLS.values(), ids=CALLS)
def test_what_a_recipe_cannot_do(call: Callable[[zkeeper.AsyncClient], Any], error: type[Exception], says: str) -> None:
    """The client is not connected: whoever asked it for something would be told of that."""
    waiting = call(zkeeper.connect("127.0.0.1:1"))
    with pytest.raises(error, match=says):
        waiting.__await__().send(None)
