"""Reads a subtree in the order in which it is shown: each znode, then what is below it.

1. Below `max_depth` levels nothing is read; the last level says how many children it has.
2. Of a znode's children at most `max_children` are read; a `Rest` stands for the others.
3. What may not be read is shown without its children.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from zkeeper.cli.walk import MAX_IN_FLIGHT, child_path
from zkeeper.errors import NoAuthError, NoNodeError
from zkeeper.values import Children, Stat

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient


class Place(NamedTuple):
    """Where a line stands: for each level above it and its own, whether that is the last among its siblings."""

    lasts: tuple[bool, ...] = ()


class Node(NamedTuple):
    path: str
    place: Place
    stat: Stat | None
    """None where it may not be read."""
    are_children_hidden: bool
    """Whether children exist that are not shown, because of the depth."""


class Rest(NamedTuple):
    """Children that are left out."""

    place: Place
    number: int


class Bounds(NamedTuple):
    """0 is none."""

    max_depth: int
    max_children: int


async def read_tree(zk: "AsyncClient", root: str, bounds: Bounds) -> AsyncIterator[Node | Rest]:
    """Raises `NoNodeError` if there is no `root`."""
    try:
        found: Children | None = await zk.children2(root)
    except NoAuthError:
        found = None
    async for one in _below(zk, root, found, Place(), bounds):
        yield one


async def _below(
    zk: "AsyncClient", path: str, found: Children | None, place: Place, bounds: Bounds
) -> AsyncIterator[Node | Rest]:
    is_deepest = 0 < bounds.max_depth <= len(place.lasts)
    names = sorted(found.names) if found is not None else []
    yield Node(path, place, None if found is None else found.stat, is_deepest and bool(names))
    if is_deepest:
        return
    shown = names[: bounds.max_children] if bounds.max_children else names
    async for name, children in _read_each(zk, path, shown):
        at = Place((*place.lasts, name == names[-1]))
        async for one in _below(zk, child_path(path, name), children, at, bounds):
            yield one
    if len(names) > len(shown):
        yield Rest(Place((*place.lasts, True)), len(names) - len(shown))


async def _read_each(zk: "AsyncClient", path: str, names: Sequence[str]) -> AsyncIterator[tuple[str, Children | None]]:
    """What those children hold that still exist; None for what may not be read."""
    for start in range(0, len(names), MAX_IN_FLIGHT):
        some = names[start : start + MAX_IN_FLIGHT]
        requests = [zk.children2(child_path(path, name)) for name in some]
        for name, answer in zip(some, await asyncio.gather(*requests, return_exceptions=True), strict=True):
            if not isinstance(answer, BaseException):
                yield name, answer
            elif isinstance(answer, NoAuthError):
                yield name, None
            elif not isinstance(answer, NoNodeError):
                raise answer
