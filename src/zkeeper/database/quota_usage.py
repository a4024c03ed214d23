"""Keeps the usage of quotas, in the tree that they are about (semantics, section 14).

1. Every quota of the tree is in its `quotas`, by the path that it limits.
2. Usage is what the subtree holds, however it came about: where the text of a usage means nothing, because a client
   wrote something else there, the subtree is counted anew.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64

from zkeeper.database import paths, quota
from zkeeper.database.znode import ZNode
from zkeeper.errors import MarshallingError

if TYPE_CHECKING:
    from zkeeper.database.tree import DataTree


def account(tree: "DataTree", path: bytes, count: i64, growth_bytes: i64) -> None:
    """Adds to the usage of the deepest quota above `path`."""
    subject = tree.quotas.deepest(path)
    if subject is None:
        return
    usage_node = tree.lookup(quota.stats_path(subject))
    if usage_node is None:
        return
    try:
        usage = quota.parse_quota(usage_node.data)
    except MarshallingError:
        recount(tree, subject)
        return
    usage.count += count
    usage.bytes_ += growth_bytes
    _set_usage(tree, usage_node, usage)


def _set_usage(tree: "DataTree", usage_node: ZNode, usage: quota.QuotaValues) -> None:
    text = usage.encode()
    tree.data_bytes += len(text) - usage_node.data_bytes()
    usage_node.data = text


def quota_created(tree: "DataTree", path: bytes) -> None:
    """A znode below /zookeeper/quota is there now."""
    subject = quota.quota_of_node(path, quota.LIMITS_NAME)
    if subject is not None:
        tree.quotas.quota_paths.add(subject)
    subject = quota.quota_of_node(path, quota.STATS_NAME)
    if subject is not None:
        recount(tree, subject)


def quota_gone(tree: "DataTree", path: bytes) -> None:
    """A znode below /zookeeper/quota is gone."""
    subject = quota.quota_of_node(path, quota.LIMITS_NAME)
    if subject is not None:
        tree.quotas.quota_paths.discard(subject)


def recount(tree: "DataTree", subject: bytes) -> None:
    """Rewrites the usage of the quota on `subject` from what its subtree holds."""
    usage_node = tree.lookup(quota.stats_path(subject))
    if usage_node is None:
        return
    usage = quota.QuotaValues(0, 0)
    top = tree.lookup(subject)
    waiting: list[ZNode] = [top] if top is not None else []
    while waiting:
        node = waiting.pop()
        usage.count += 1
        usage.bytes_ += node.data_bytes()
        children = node.children
        if children is not None:
            waiting.extend(children.values())
    _set_usage(tree, usage_node, usage)


def find_quotas(tree: "DataTree") -> None:
    """After a snapshot was loaded: registers every quota below /zookeeper/quota and recounts it."""
    waiting: list[bytes] = [paths.QUOTA]
    while waiting:
        path = waiting.pop()
        node = tree.lookup(path)
        children = node.children if node is not None else None
        if children is None:
            continue
        for name, child in list(children.items()):
            below = path + b"/" + name
            if child.children is not None:
                waiting.append(below)
            else:
                _find_quota(tree, below)


def _find_quota(tree: "DataTree", path: bytes) -> None:
    subject = quota.quota_of_node(path, quota.LIMITS_NAME)
    if subject is not None:
        tree.quotas.quota_paths.add(subject)
        recount(tree, subject)
