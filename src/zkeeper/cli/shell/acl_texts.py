"""ACLs as the shell reads and writes them: `scheme:id:perms`, several of them separated by commas.

1. The first and the last colon part an entry, so an id may hold colons; it cannot hold a comma.
2. What is wrong with an entry is told and skipped, as zkCli does; whether the rest counts is the caller's to say.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from zkeeper.values import Acl, Permission

_LETTERS: Final = {
    "c": Permission.CREATE,
    "d": Permission.DELETE,
    "r": Permission.READ,
    "w": Permission.WRITE,
    "a": Permission.ADMIN,
}
FORM: Final = f"an entry is scheme:id:permissions, and permissions are letters of {''.join(_LETTERS)}"


class AclRead(NamedTuple):
    acl: list[Acl]
    complaints: list[str]


def read_acl(text: str) -> AclRead:
    """The entries of `text`, and zkCli's complaints about what it skips.

    Example:
        read_acl("world:anyone:r").acl == [Acl(Permission.READ, "world", "anyone")]
    """
    read = AclRead([], [])
    for item in text.split(",") if text == "" else text.rstrip(",").split(","):
        first, last = item.find(":"), item.rfind(":")
        if first == last:
            read.complaints.append(f"{item} does not have the form scheme:id:perm")
        else:
            permissions = _read_permissions(item[last + 1 :], read.complaints)
            read.acl.append(Acl(permissions, item[:first], item[first + 1 : last]))
    return read


def _read_permissions(letters: str, complaints: list[str]) -> Permission:
    permissions = Permission(0)
    for letter in letters:
        if letter in _LETTERS:
            permissions |= _LETTERS[letter]
        else:
            complaints.append(f"Unknown perm type: {letter}")
    return permissions


def permission_letters(permissions: Permission) -> str:
    return "".join(letter for letter, permission in _LETTERS.items() if permission in permissions)


def acl_text(entry: Acl) -> str:
    """The entry as `read_acl` takes it."""
    return f"{entry.scheme}:{entry.id}:{permission_letters(entry.permissions)}"


def acl_lines(acl: Iterable[Acl]) -> list[str]:
    """The lines of `getAcl`."""
    return [f"'{one.scheme},'{one.id}\n: {permission_letters(one.permissions)}" for one in acl]
