"""Whether an answer is that of a tree: what a read shows, and what a request is refused for."""

from typing import Any

from zkeeper import TransactionFailed
from zkeeper.errors import (
    BadVersionError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    ZooKeeperError,
)

from .notes import Op
from .truth import Node, State

REFUSALS = {
    "get": (NoNodeError,),
    "exists": (),
    "children": (NoNodeError,),
    "create": (NoNodeError, NodeExistsError, NoChildrenForEphemeralsError),
    "set": (NoNodeError, BadVersionError),
    "delete": (NoNodeError, BadVersionError, NotEmptyError),
    "transaction": (TransactionFailed,),
}
"""What may be told of a kind of request, but for lost connections and sessions."""


def is_refusal(op: Op) -> bool:
    return isinstance(op.error, REFUSALS.get(op.kind, ()))


def fits(op: Op, state: State) -> bool:
    """Whether `state` gives the answer that the request got."""
    if isinstance(op.error, TransactionFailed):
        return op.error.index == 0 and _refuses(op.error.errors[0], state.get(op.checked), op.version)
    if op.error is not None:
        return _fits_error(op, op.error, state)
    if op.kind == "several":
        first, second = op.result  # type: ignore[misc]  # a list of two
        return _fits_read("get", state.get(op.path), first) and _fits_read("names", state.get(op.checked), second)
    return _fits_read(op.kind, state.get(op.path), op.result)


def _fits_read(kind: str, node: Node | None, result: Any) -> bool:
    if node is None:
        return result is None if kind == "exists" else isinstance(result, NoNodeError)
    if result is None or isinstance(result, ZooKeeperError):
        return False
    if kind == "names":
        return sorted(result) == sorted(node.children)
    stat = tuple(node.stat())
    if kind == "exists":
        return tuple(result) == stat
    if kind == "get":
        return bool(result.data == node.data and tuple(result.stat) == stat)
    return sorted(result.names) == sorted(node.children) and tuple(result.stat) == stat


def _fits_error(op: Op, error: BaseException, state: State) -> bool:
    node = state.get(op.path)
    if op.kind != "create":
        return _refuses(error, node, op.version)
    above = state.get(op.path.rpartition("/")[0])
    if isinstance(error, NoNodeError):
        return above is None
    if isinstance(error, NodeExistsError):
        return node is not None
    return above is not None and above.owner != 0


def _refuses(error: BaseException | None, node: Node | None, version: int) -> bool:
    if isinstance(error, NoNodeError):
        return node is None
    if isinstance(error, BadVersionError):
        return node is not None and version not in (-1, node.version)
    return isinstance(error, NotEmptyError) and node is not None and bool(node.children)
