"""Walks over subtrees, with many requests in flight and never more than a named number.

1. A znode is told before its children.
2. What vanishes during a walk is left out; the root of the walk has to be there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from zkeeper.errors import NoNodeError

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

MAX_IN_FLIGHT: Final = 256


def child_path(parent: str, name: str) -> str:
    return f"/{name}" if parent == "/" else f"{parent}/{name}"


async def sorted_children(zk: "AsyncClient", paths: Sequence[str]) -> list[list[str]]:
    """The paths of each one's children, by name; none for what is not there any more."""
    answers = await asyncio.gather(*map(zk.children, paths), return_exceptions=True)
    return [_children_of(path, answer) for path, answer in zip(paths, answers, strict=True)]


def _children_of(path: str, answer: list[str] | BaseException) -> list[str]:
    if isinstance(answer, NoNodeError):
        return []
    if isinstance(answer, BaseException):
        raise answer
    return [child_path(path, name) for name in sorted(answer)]


async def listing(zk: "AsyncClient", root: str) -> AsyncIterator[str]:
    """In the order of `ls -R`: a znode, all its children, then below each of the children in turn.

    Raises `NoNodeError` for the root only.
    """
    names = await zk.children(root)
    yield root
    async for path in _below(zk, [child_path(root, name) for name in sorted(names)]):
        yield path


async def _below(zk: "AsyncClient", siblings: list[str]) -> AsyncIterator[str]:
    for path in siblings:
        yield path
    for start in range(0, len(siblings), MAX_IN_FLIGHT):
        for children in await sorted_children(zk, siblings[start : start + MAX_IN_FLIGHT]):
            if children:
                async for path in _below(zk, children):
                    yield path


async def breadth_first(zk: "AsyncClient", root: str) -> list[str]:
    """All paths, level by level. They are kept in memory: to delete leaves first, all have to be known."""
    level = [child_path(root, name) for name in sorted(await zk.children(root))]
    paths = [root]
    while level:
        paths += level
        below: list[str] = []
        for start in range(0, len(level), MAX_IN_FLIGHT):
            for children in await sorted_children(zk, level[start : start + MAX_IN_FLIGHT]):
                below += children
        level = below
    return paths
