"""A recipe on what is no path, or with what is no client, is refused when it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import zkeeper
from zkeeper import blocking, recipes
from zkeeper.errors import BadArgumentsError


@dataclass(frozen=True)
class Settings:
    host: str = "here"


MADE: list[tuple[str, tuple[Any, ...]]] = [
    *((name, ()) for name in ("Lock", "ReadWriteLock", "LeaderLatch", "Election", "Barrier", "Counter", "AtomicValue")),
    *((name, ()) for name in ("IdGenerator", "NodeCache", "ChildrenCache", "TreeCache", "PersistentNode", "Queue")),
    *((name, ()) for name in ("ServiceDiscovery", "Group")),
    *((name, (3,)) for name in ("Semaphore", "DoubleBarrier")),
    ("Partitioner", (["a"], "me")),
    ("Lease", (60, "me")),
    ("ConfigWatch", (Settings,)),
]


def test_all_recipes_with_a_path_are_here() -> None:
    without = {"MultiLock", "ServiceProvider"}
    made = {name for name in recipes.__all__ if hasattr(blocking, name) and isinstance(getattr(recipes, name), type)}
    assert made - {name for name, _ in MADE} == without | {"Held", "Item", "Share"}


@pytest.mark.parametrize(("name", "more"), MADE)
@pytest.mark.parametrize("path", ["", "lock", "/lock/", "/a//b", "/a\0"])
def test_paths_are_checked_when_a_recipe_is_made(name: str, more: tuple[Any, ...], path: str) -> None:
    for module, zk in ((recipes, zkeeper.connect("h")), (blocking, zkeeper.Client("h"))):
        with pytest.raises(BadArgumentsError, match="is no path") as error:
            getattr(module, name)(zk, path, *more)
        assert path.rstrip("/") in (error.value.path or "")


@pytest.mark.parametrize(("name", "more"), MADE)
def test_a_client_of_the_other_kind_is_told(name: str, more: tuple[Any, ...]) -> None:
    make: Callable[..., Any] = getattr(recipes, name)
    with pytest.raises(TypeError, match=r"takes an AsyncClient, not .*zkeeper\.blocking"):
        make(zkeeper.Client("h"), "/a", *more)
    with pytest.raises(TypeError, match=r"a path is a str|str object expected"):
        make(zkeeper.connect("h"), None, *more)
    with pytest.raises(TypeError, match=r"takes a zkeeper\.Client, not .*zkeeper\.recipes"):
        getattr(blocking, name)(zkeeper.connect("h"), "/a", *more)
