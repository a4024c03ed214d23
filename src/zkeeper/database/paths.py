"""Paths of znodes, as UTF-8 bytes.

The root is `/`; a component is neither empty, `.` nor `..`, and holds no control character, no surrogate or private
use character and nothing outside the basic multilingual plane (semantics, section 1).
"""

import re
from typing import Final

ROOT: Final = b"/"
CONFIG: Final = b"/zookeeper/config"
QUOTA: Final = b"/zookeeper/quota"
ZOOKEEPER: Final = b"/zookeeper"
QUOTA_PREFIX: Final = b"/zookeeper/quota/"
ZOOKEEPER_PREFIX: Final = b"/zookeeper/"
RESERVED: Final = frozenset([b"", ROOT, ZOOKEEPER, QUOTA, CONFIG])

_WITHOUT_CONTROL: Final = bytes(0x2F if code < 0x20 or code == 0x7F else code for code in range(256))
"""A translation that changes exactly the names that hold a control character: to a slash, which none holds."""
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\uffff\U00010000-\U0010ffff]")


def parent(path: bytes) -> bytes:
    """The parent's path; the root's for a child of the root."""
    cut = path.rfind(b"/")
    return path[:cut] if cut > 0 else ROOT


def name(path: bytes) -> bytes:
    return path[path.rfind(b"/") + 1 :]


def is_valid(path: bytes) -> bool:
    """Whether `path` can name a znode."""
    if path == ROOT:
        return True
    if not path.startswith(b"/"):
        return False
    return all(is_valid_name(component) for component in path[1:].split(b"/"))


def is_valid_name(component: bytes) -> bool:
    """Whether `component` can be one component of a path."""
    if not component or component == b"." or component == b"..":
        return False
    if component.isascii():
        return component.translate(_WITHOUT_CONTROL) == component
    try:
        return _FORBIDDEN.search(component.decode("utf-8")) is None
    except UnicodeDecodeError:
        return False  # Java reads U+FFFD here, which no path may hold.


def is_within(path: bytes, ancestor: bytes) -> bool:
    """Whether `path` is `ancestor` or lies below it."""
    return path == ancestor or ancestor == ROOT or path.startswith(ancestor + b"/")


def ancestors(path: bytes) -> list[bytes]:
    """The proper ancestors of `path`, nearest first, the root last."""
    found: list[bytes] = []
    while path != ROOT:
        path = parent(path)
        found.append(path)
    return found
