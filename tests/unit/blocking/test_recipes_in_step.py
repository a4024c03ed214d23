"""Blocking recipes have what the recipes of the loop have: the same names, parameters and documentation.

The rule is that of `test_in_step`: without `await` and `async`, and a coroutine without a `timeout_s` of its own gets
one. A task that holds is a thread. What may differ beyond that is named here.
"""

import inspect
import re
from typing import Any

import pytest
from test_in_step import as_of_the_loop, public

from zkeeper import blocking, recipes
from zkeeper.recipes import lock

NAMES = [
    *("AtomicValue", "Barrier", "ChildrenCache", "ConfigWatch", "Counter", "DoubleBarrier", "Election", "Group"),
    *("Held", "IdGenerator", "Item", "LeaderLatch", "Lease", "Lock", "MultiLock", "NodeCache", "Partitioner"),
    *("PersistentNode", "Queue", "ReadWriteLock", "Semaphore", "ServiceDiscovery", "ServiceProvider", "Share"),
    "TreeCache",
]
PAIRS: list[tuple[type, type]] = [(getattr(recipes, name), getattr(blocking, name)) for name in NAMES]
PAIRS += [(lock.Acquirable, blocking.Acquirable)]
VALUES = {"Change", "Layout", "Leader", "LeaseHolder", "Member", "ServiceInstance", "ServiceType", "Versioned"}
"""What has no twin, being no recipe: these are the same for both."""
FUNCTIONS = {"random_choice", "round_robin", "sticky"}
ERRORS = {"ForeignDataError", "LockLostError", "LockTimeoutError", "NotHeldError", "RecipeError", "SettingError"}

INSIDE = {"lose", "note_release", "znode"}
"""What recipes show each other only."""
NOT_MADE = {"Acquirable", "Held", "Item", "ServiceProvider", "Share"}
"""What is not made by users."""
OWN_WORDS = {"Election.run", "Election.run_forever", "TreeCache.nodes"}
"""A function of a thread is called, and not cancelled; a copy is shown instead of a view."""
OWN_SIGNATURES = {"Election.run", "Election.run_forever", "Partitioner.share", "Queue.take"}
"""They take a function, or give a block, of a thread."""


def names_of(on_loop: type) -> set[str]:
    """Methods, properties and attributes."""
    attributes: set[str] = set()
    for kind in inspect.getmro(on_loop)[:-1]:
        if "__init__" in vars(kind) and kind.__module__.startswith("zkeeper."):
            attributes |= set(re.findall(r"self\.([a-z]\w*)(?:: [^=]+)? = ", inspect.getsource(vars(kind)["__init__"])))
    return (public(on_loop) | attributes) - INSIDE


def methods() -> list[Any]:
    found = [(one, other, name) for one, other in PAIRS for name in sorted(public(one) - INSIDE)]
    return [pytest.param(*each, id=f"{each[1].__name__}.{each[2]}") for each in found]


def in_tasks(doc: str | None) -> str:
    return re.sub(r"\bthread(s?)\b", r"task\1", as_of_the_loop(doc))


def test_every_recipe_has_its_twin() -> None:
    assert set(recipes.__all__) - set(NAMES) == VALUES | FUNCTIONS | ERRORS
    assert set(NAMES) <= set(blocking.__all__)


@pytest.mark.parametrize(("on_loop", "in_thread"), PAIRS)
def test_the_same_names(on_loop: type, in_thread: type) -> None:
    shown = names_of(in_thread) | public(in_thread)
    assert names_of(on_loop) - shown == set()
    assert public(in_thread) - names_of(on_loop) == set()


@pytest.mark.parametrize(("on_loop", "in_thread", "name"), methods())
def test_the_same_parameters(on_loop: type, in_thread: type, name: str) -> None:
    theirs, ours = inspect.getattr_static(on_loop, name), inspect.getattr_static(in_thread, name)
    if f"{in_thread.__name__}.{name}" in OWN_SIGNATURES:
        return
    if isinstance(theirs, property):
        assert isinstance(ours, property)
        return
    expected = [str(each).partition(":")[0] for each in inspect.signature(theirs).parameters.values()]
    if inspect.iscoroutinefunction(theirs) and "timeout_s" not in expected:
        expected.append("timeout_s")
    assert [str(each).partition(":")[0] for each in inspect.signature(ours).parameters.values()] == expected
    defaults = {key: each.default for key, each in inspect.signature(theirs).parameters.items()}
    found = {key: each.default for key, each in inspect.signature(ours).parameters.items()}
    assert found == {"timeout_s": None, **defaults} if "timeout_s" in found else found == defaults


@pytest.mark.parametrize(("on_loop", "in_thread"), [pair for pair in PAIRS if pair[1].__name__ not in NOT_MADE])
def test_they_are_made_alike(on_loop: type, in_thread: type) -> None:
    theirs, ours = inspect.signature(on_loop).parameters, inspect.signature(in_thread).parameters
    assert {key: (each.kind, each.default) for key, each in ours.items()} == {
        key: (each.kind, each.default) for key, each in theirs.items()
    }


@pytest.mark.parametrize(("on_loop", "in_thread", "name"), methods())
def test_the_same_documentation(on_loop: type, in_thread: type, name: str) -> None:
    theirs, ours = getattr(on_loop, name).__doc__, getattr(in_thread, name).__doc__
    assert ours
    if theirs and f"{in_thread.__name__}.{name}" not in OWN_WORDS:
        assert in_tasks(ours) == in_tasks(theirs)


@pytest.mark.parametrize("in_thread", [pair[1] for pair in PAIRS])
def test_everything_is_documented(in_thread: type) -> None:
    assert in_thread.__doc__
    for name in public(in_thread):
        assert getattr(in_thread, name).__doc__, name
