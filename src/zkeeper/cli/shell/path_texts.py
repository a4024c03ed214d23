"""Says what is wrong with a path, in zkCli's words and before anything is sent."""

from typing import Final

ROOT: Final = "/"


def path_problem(path: str, is_sequential: bool = False) -> str | None:
    """What is wrong with `path`, or None. A sequential one gets a number, so it may end with a slash.

    Example:
        path_problem("/a//b") == 'Invalid path string "/a//b" caused by empty node name specified @3'
    """
    if is_sequential:
        path += "1"
    if not path:
        return "Path length must be > 0"
    if not path.startswith(ROOT):
        return "Path must start with / character"
    if path == ROOT:
        return None
    if path.endswith(ROOT):
        return "Path must not end with / character"
    reason = _component_problem(path)
    return None if reason is None else f'Invalid path string "{path}" caused by {reason}'


def _component_problem(path: str) -> str | None:
    slash = 0
    for component in path[1:].split(ROOT):
        for at, character in enumerate(component, slash + 1):
            if character == "\0":
                return f"null character not allowed @{at}"
            if _is_forbidden(character):
                return f"invalid character @{at}"
        if not component:
            return f"empty node name specified @{slash + 1}"
        if component in {".", ".."}:
            return f"relative paths not allowed @{slash + len(component)}"
        slash += 1 + len(component)
    return None


def _is_forbidden(character: str) -> bool:
    return (
        "\x01" <= character <= "\x1f"
        or "\x7f" <= character <= "\x9f"
        or "\ud800" <= character <= "\uf8ff"
        or character >= "\ufff0"
    )
