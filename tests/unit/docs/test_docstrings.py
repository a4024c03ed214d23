"""Every public name says what it is and shows itself in an example; operations say their units and their errors."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest

import zkeeper
import zkeeper.blocking
import zkeeper.errors
import zkeeper.recipes
import zkeeper.testing
import zkeeper.testing.history
from zkeeper.blocking.transaction import ReadBatch as BlockingReadBatch
from zkeeper.blocking.transaction import Transaction as BlockingTransaction

MODULES = (zkeeper, zkeeper.errors, zkeeper.recipes, zkeeper.blocking, zkeeper.testing, zkeeper.testing.history)
CLIENTS = (zkeeper.AsyncClient, zkeeper.Client)
TWINS = (BlockingTransaction, BlockingReadBatch, zkeeper.blocking.Retry)
UNITS = {"_ms": r"\bms\b|millisecond", "_s": r"\bseconds\b|\d s\b", "_bytes": "byte"}
FRUITLESS = {"close", "stop", "transaction", "multi_read", "with_chroot", "on_state", "states", "watch"}
"""Operations that raise nothing of their own: they ask no server, or always return."""


class Member(NamedTuple):
    owner: type
    name: str
    function: Callable[..., Any]
    is_property: bool

    @property
    def text(self) -> str:
        return inspect.getdoc(self.function) or ""


def things(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Classes and functions that a module shows; constants have their docstrings in the source."""
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
    for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")]):
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield name, thing


def members(owner: type) -> Iterator[Member]:
    """Public methods and properties that are written in this package."""
    for name in dir(owner):
        found = inspect.getattr_static(owner, name)
        function = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if not name.startswith("_") and isinstance(function, FunctionType) and "zkeeper" in function.__module__:
            yield Member(owner, name, function, isinstance(found, property))


def operations() -> list[Member]:
    return [one for client in CLIENTS for one in members(client) if not one.is_property]


def methods() -> list[Member]:
    """Of what the front door, the errors and the test support show, and of their twins for threads."""
    named = [thing for module in (zkeeper, zkeeper.errors, zkeeper.testing) for _, thing in things(module)]
    owners = {thing for thing in [*named, *TWINS] if inspect.isclass(thing)}
    found = {one.function: one for owner in owners for one in members(owner) if not one.is_property}
    return sorted(found.values(), key=lambda one: (one.function.__module__, one.function.__qualname__))


def example_of(text: str) -> str:
    return textwrap.dedent(text.partition("Example:\n")[2])


def is_error(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Exception)


def is_silent(thing: Any) -> bool:
    """A class may have its base's docstring, and a NamedTuple that says nothing its signature."""
    text = (vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__) or ""
    return not text.strip() or text.startswith(f"{thing.__name__}(")


def is_shown(thing: Any) -> bool:
    """By code, which stands further to the right than the text."""
    return re.search(r"^ {4}\S", inspect.getdoc(thing) or "", re.MULTILINE) is not None


def named_things() -> dict[str, Any]:
    return {f"{module.__name__}.{name}": thing for module in MODULES for name, thing in things(module)}


def test_every_public_name_has_a_docstring() -> None:
    named = named_things()
    assert len(named) > 120
    assert [name for name, thing in named.items() if is_silent(thing)] == []


def test_every_public_name_is_shown() -> None:
    named = named_things()
    assert len(named) > 120
    assert [name for name, thing in named.items() if not is_shown(thing)] == []


def test_every_error_tells_when_it_comes() -> None:
    errors = {thing for thing in named_things().values() if is_error(thing)}
    assert len(errors) > 40
    assert [one.__name__ for one in errors if len(inspect.getdoc(one) or "") < 40] == []
    assert len({inspect.getdoc(one) for one in errors}) == len(errors)
    caught = [one.__name__ for one in errors if one.__module__ == "zkeeper.errors" and not is_caught(one)]
    assert caught == []


def is_caught(error: type) -> bool:
    """In its example, or by what the user does in its place."""
    example = example_of(inspect.getdoc(error) or "")
    return "except " in example or error.__name__ in example


@pytest.mark.parametrize("name", named_things())
def test_an_example_is_python(name: str) -> None:
    example = example_of(inspect.getdoc(named_things()[name]) or "")
    ast.parse(f"async def example():\n{textwrap.indent(example, '    ')}\n    ...")


def test_what_says_or_shows_nothing_is_found() -> None:
    class Silent(ValueError):
        pass

    class Told(ValueError):
        """It is told, and not shown."""

    assert (is_silent(Silent), is_silent(Told), is_shown(Told)) == (True, False, False)
    assert is_shown(zkeeper.errors.NoNodeError)


def test_every_public_member_has_a_docstring() -> None:
    owners = {thing for module in MODULES for _, thing in things(module) if inspect.isclass(thing)}
    found = [one for owner in owners for one in members(owner)]
    assert len(found) > 200
    assert sorted({f"{one.owner.__name__}.{one.name}" for one in found if not one.text}) == []


@pytest.mark.parametrize("one", methods(), ids=lambda one: f"{one.function.__module__}.{one.function.__qualname__}")
def test_a_method_is_shown(one: Member) -> None:
    example = example_of(one.text)
    assert one.name in example
    ast.parse(f"async def example():\n{textwrap.indent(example, '    ')}")


def test_the_methods_that_are_to_be_shown() -> None:
    names = {one.function.__qualname__ for one in methods()}
    assert len(methods()) > 110
    assert names >= {
        "Transaction.create",
        "ReadBatch.fetch",
        "Server.expire",
        "Ensemble.kill",
        "Reads.get",
        "Retry.unsafe",
    }


@pytest.mark.parametrize("one", operations(), ids=lambda one: f"{one.owner.__name__}.{one.name}")
def test_an_operation_tells_its_units_and_errors(one: Member) -> None:
    home = next(base for base in one.owner.__mro__ if one.name in vars(base))
    text = "\n".join([one.text, home.__doc__ or "", one.owner.__doc__ or ""])
    if re.search("^As `", one.text):
        return
    for parameter in inspect.signature(one.function).parameters:
        for ending, unit in UNITS.items():
            assert not parameter.endswith(ending) or re.search(unit, text), parameter
    assert one.name in FRUITLESS or re.search("[Rr]aise|fails? with", text)


def test_connecting_tells_every_option() -> None:
    text = inspect.getdoc(zkeeper.connect) or ""
    assert [name for name in inspect.signature(zkeeper.connect).parameters if f"`{name}`" not in text] == []
    assert "milliseconds" in text
    assert "Raises" in text
    assert "connect(" in example_of(text)


def test_every_recipe_is_shown() -> None:
    """By code in its docstring, which stands further to the right than the text."""
    recipes = [thing for _, thing in things(zkeeper.recipes) if inspect.isclass(thing) and "zk" in _arguments(thing)]
    assert len(recipes) > 18
    assert [one.__name__ for one in recipes if not re.search(r"^ {4}\S", inspect.getdoc(one) or "", re.MULTILINE)] == []


def _arguments(thing: type) -> list[str]:
    made = vars(thing).get("__init__")
    return list(inspect.signature(made).parameters) if inspect.isfunction(made) else []
