"""Paths as callers of the client write them: strings below a root ("chroot"), checked before anything is sent.

1. A root is empty or a valid path other than `/`. What goes to the server is root + path, `/` standing for the root.
2. What comes back loses the root again, by its length alone: all that a client asks about lies below its root.
"""

from mypy_extensions import i64

from zkeeper.errors import BadArgumentsError


def check_path(path: str, is_sequential: bool = False) -> None:
    """Raises `BadArgumentsError` unless `path` can name a znode; a sequential one may end with a slash."""
    if not isinstance(path, str):
        raise TypeError(f"a path is a str, not {path!r}")
    if _is_plainly_valid(path) or path == "/":
        return
    reason = _what_is_wrong(path + "1" if is_sequential else path)
    if reason:
        error = BadArgumentsError(f"{path!r} is no path: {reason}")
        error.path = path
        raise error


def _is_plainly_valid(path: str) -> bool:
    """A quick look that accepts nearly all paths; what it does not accept is looked at more closely."""
    return (
        path.isascii()
        and path.startswith("/")
        and not path.endswith("/")
        and "/." not in path
        and "//" not in path
        and path.isprintable()
    )


def _what_is_wrong(path: str) -> str:
    if not path.startswith("/"):
        return "it does not begin with a slash"
    if path == "/":
        return ""
    if path.endswith("/"):
        return "it ends with a slash"
    for component in path[1:].split("/"):
        if component == "":
            return "it has an empty component"
        if component == "." or component == "..":
            return "it has a relative component"
    for character in path:
        if _is_forbidden(ord(character)):
            return "it has a character that ZooKeeper forbids"
    return ""


def _is_forbidden(code: i64) -> bool:
    """Control characters, surrogates, private use, specials, and all beyond 16 bits."""
    return code <= 0x1F or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xF8FF or code >= 0xFFF0


def rooted(root: str, path: str) -> bytes:
    """What names the znode on the wire. `BadArgumentsError` for an invalid path."""
    check_path(path)
    return _join(root, path).encode()


def rooted_sequential(root: str, path: str) -> bytes:
    """As `rooted`, of a path that the server adds a number to."""
    check_path(path, True)
    return (root + path).encode()


def rooted_deletable(root: str, path: str) -> bytes:
    """As `rooted`, of a path that is to be deleted, which no server does to the root of all."""
    raw = rooted(root, path)
    if raw == b"/":
        error = BadArgumentsError("/: the root cannot be deleted")
        error.path = path
        raise error
    return raw


def full_path(root: str, path: str) -> str:
    """As `rooted`, as a string."""
    check_path(path)
    return _join(root, path)


def _join(root: str, path: str) -> str:
    if root == "":
        return path
    return root if path == "/" else root + path


def without_root(root_length: int, path: str) -> str:
    """The path as the caller knows it (invariant 2)."""
    if root_length == 0:
        return path
    return path[root_length:] or "/"
