"""The blocking client has what the asyncio client has: the same names, parameters and documentation.

The blocking documentation is the other one without `await` and `async`; what may differ beyond that is named here.
"""

import inspect
import re
from typing import Any

import pytest

import zkeeper
from zkeeper import blocking
from zkeeper.blocking.steps import Steps

PAIRS: list[tuple[type, type]] = [
    (zkeeper.AsyncClient, blocking.Client),
    (zkeeper.Transaction, blocking.Transaction),
    (zkeeper.ReadBatch, blocking.ReadBatch),
    (zkeeper.Watch, blocking.Watch),
    (zkeeper.Retry, blocking.Retry),
]
LAYER = "zkeeper.client."
ONLY_BLOCKING = {blocking.Client: {"stop"}, blocking.Watch: {"next"}}
WAITS_BY_ITSELF = {"close": "it always returns soon"}
"""Coroutines whose blocking counterpart has no `timeout_s`."""
ATTRIBUTES_OF_THE_POLICY = {"pause_ms"}
"""What `Retry` shows only to those who build on it."""

REPLACED = {
    "in the callbacks' thread": "at once and on the loop",
    "zkeeper.Client(": "zkeeper.connect(",
    "`Client(": "`connect(",
    "`Client`": "`connect`",
    "`Client.": "`AsyncClient.",
    "zkeeper.blocking.Retry": "zkeeper.Retry",
    " blocking.": " zkeeper.",
    "use `Retry` where": "put `asyncio.timeout` around it where",
    "Calls `operation": "Awaits `operation",
}
"""Words of the blocking documentation, and what they are in the other."""
ADDED = (
    "Callbacks that wait still run, for up to 3 seconds. Called in a callback, it does not wait for that one.",
    "What took longer than its `timeout_s` is repeated like what was lost with its connection.",
)
"""Paragraphs that only the blocking documentation has."""
FUNCTIONS = ["create_protected", "find_protected", "insist", "new_guid", "settle"]
"""What is no method, and takes a client or a request."""
ONLY_ASYNC = {
    "AsyncClient": "its twin is `Client`",
    "Protected": "its `create` is called on the loop, between two looks at the session",
    "connect": "`Client` is made by its own name",
    "digest_acl": "it waits for nothing, and both clients take what it makes",
}
OWN_WORDS = {zkeeper.AsyncClient}
"""Classes whose docstrings are written for themselves."""


def public(owner: type) -> set[str]:
    names = {name for name in dir(owner) if not name.startswith("_")}
    return names - ATTRIBUTES_OF_THE_POLICY


def members() -> list[Any]:
    pairs = [(on_loop, in_thread, name) for on_loop, in_thread in PAIRS for name in sorted(public(on_loop))]
    return [pytest.param(*each, id=f"{each[1].__name__}.{each[2]}") for each in pairs]


def plain(doc: str | None) -> str:
    """Documentation without what is only asyncio's, on one line."""
    doc = (doc or "").replace("await ", "").replace("async with", "with").replace("async for", "for")
    doc = re.sub(r"\((zk\.[^()]*\([^()]*\))\)\.", r"\1.", doc)
    return " ".join(doc.split())


def as_of_the_loop(doc: str | None) -> str:
    doc = plain(doc)
    for added in ADDED:
        doc = doc.replace(added + " ", "").replace(" " + added, "")
    for own, other in REPLACED.items():
        doc = doc.replace(own, other)
    return doc


def is_same(in_thread: str | None, on_loop: str | None) -> bool:
    """Replaced words may stand in both."""
    normal = as_of_the_loop(on_loop)
    return bool(normal) and as_of_the_loop(in_thread) == normal


def waits(function: Any) -> bool:
    """Whether the asyncio client's method gives something to await."""
    return inspect.iscoroutinefunction(function) or "Future" in str(inspect.signature(function).return_annotation)


@pytest.mark.parametrize(("on_loop", "in_thread"), PAIRS)
def test_the_same_names(on_loop: type, in_thread: type) -> None:
    assert public(in_thread) - ONLY_BLOCKING.get(in_thread, set()) - {"path", "is_recursive"} == (
        public(on_loop) - {"path", "is_recursive"}
    )


@pytest.mark.parametrize(("on_loop", "in_thread", "name"), members())
def test_the_same_parameters(on_loop: type, in_thread: type, name: str) -> None:
    theirs, ours = inspect.getattr_static(on_loop, name), inspect.getattr_static(in_thread, name)
    if isinstance(theirs, property):
        assert isinstance(ours, property)
        return
    expected = dict(inspect.signature(theirs).parameters)
    if waits(theirs) and name not in WAITS_BY_ITSELF and not issubclass(in_thread, blocking.Retry):
        timeout = inspect.Parameter("timeout_s", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=float | None)
        expected.setdefault("timeout_s", timeout)
    found = dict(inspect.signature(ours).parameters)
    assert list(found) == list(expected)
    for each, parameter in expected.items():
        assert (found[each].kind, found[each].default) == (parameter.kind, parameter.default), each
        if name not in ("__call__", "unsafe"):
            assert str(found[each].annotation) == str(parameter.annotation), each


@pytest.mark.parametrize(("on_loop", "in_thread", "name"), members())
def test_the_same_documentation(on_loop: type, in_thread: type, name: str) -> None:
    theirs, ours = getattr(on_loop, name), getattr(in_thread, name)
    assert is_same(ours.__doc__, theirs.__doc__), as_of_the_loop(theirs.__doc__)


@pytest.mark.parametrize(("on_loop", "in_thread"), [pair for pair in PAIRS if pair[0] not in OWN_WORDS])
def test_the_same_documentation_of_classes(on_loop: type, in_thread: type) -> None:
    assert is_same(in_thread.__doc__, on_loop.__doc__), as_of_the_loop(on_loop.__doc__)


def test_a_client_is_made_as_by_connect() -> None:
    theirs, ours = inspect.signature(zkeeper.connect), inspect.signature(blocking.Client)
    assert [str(each) for each in ours.parameters.values()] == [str(each) for each in theirs.parameters.values()]
    assert is_same(blocking.Client.__init__.__doc__, zkeeper.connect.__doc__)


def test_everything_of_the_asyncio_client_has_its_twin() -> None:
    """A new name of the front door has to get one, or a reason why not."""
    mine = [name for name in zkeeper.__all__ if getattr(getattr(zkeeper, name), "__module__", "").startswith(LAYER)]
    assert set(mine) == {pair[0].__name__ for pair in PAIRS} | set(FUNCTIONS) | set(ONLY_ASYNC)
    assert set(FUNCTIONS) <= set(blocking.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_functions(name: str) -> None:
    theirs, ours = getattr(zkeeper, name), getattr(blocking, name)
    expected = {key: (one.kind, one.default) for key, one in inspect.signature(theirs).parameters.items()}
    found = {key: (one.kind, one.default) for key, one in inspect.signature(ours).parameters.items()}
    if waits(theirs) and name != "insist":
        expected["timeout_s"] = (inspect.Parameter.KEYWORD_ONLY, None)
    assert list(found.items()) == list(expected.items())
    assert is_same(ours.__doc__, theirs.__doc__), as_of_the_loop(theirs.__doc__)


def test_every_public_thing_is_documented() -> None:
    for kind in (*(pair[1] for pair in PAIRS), Steps, blocking.CallTimeoutError, blocking.ForkedError):
        assert kind.__doc__, kind
        for name in public(kind) - public(TimeoutError) - {"code", "outcome", "path", "is_repeatable"}:
            assert getattr(kind, name).__doc__, f"{kind.__name__}.{name}"


@pytest.mark.parametrize(
    ("in_thread", "on_loop"),
    [("Reads it.", "Reads it twice."), ("", ""), ("with zk:", "async for zk:")],
)
def test_what_differs_is_seen(in_thread: str, on_loop: str) -> None:
    assert not is_same(in_thread, on_loop)
