"""ACL entries of the scheme `digest`."""

import base64
import hashlib

from zkeeper import arguments
from zkeeper.errors import BadArgumentsError
from zkeeper.values import Acl, Permission


def digest_acl(user: bytes | str, password: bytes | str, permissions: Permission = Permission.ALL) -> Acl:
    """An entry for whoever knows the password: the scheme `digest`, whose id is `user:base64(sha1(user:password))`.

    User and password are text, or the bytes of it in UTF-8. Raises `BadArgumentsError` for a user that is empty or has
    a colon, which ends it in a credential, and `TypeError` for what is neither bytes nor text.

    Example:
        await zk.add_auth("digest", b"ann:secret")
        await zk.create("/hers", acl=[zkeeper.digest_acl("ann", "secret")])
    """
    name = _name_of(arguments.secret_part("user", user))
    known = name.encode() + b":" + arguments.secret_part("password", password)
    secret = base64.b64encode(hashlib.sha1(known).digest()).decode()
    return Acl(permissions, "digest", f"{name}:{secret}")


def _name_of(user: bytes) -> str:
    try:
        name = user.decode()
    except UnicodeDecodeError:
        raise BadArgumentsError(f"the user {user!r} is not UTF-8") from None
    if not name:
        raise BadArgumentsError("the user of a digest is empty: nobody could prove to be that")
    if ":" in name:
        raise BadArgumentsError(f"the user {name!r} has a colon, which ends the user in a credential: choose another")
    return name
