"""What callers give is looked at when they give it, so that a mistake is told where it was made and with its name.

1. What is of a wrong type raises `TypeError`; a value of the right type that cannot be meant, `BadArgumentsError`.
2. Nothing has been changed or sent by then.
"""

import asyncio
import inspect
import math
from collections.abc import Callable, Iterable
from operator import index
from random import Random
from typing import Any, Final, TypeVar

from zkeeper.errors import BadArgumentsError

C = TypeVar("C", bound=Callable[..., object])

MAX_I32: Final = 2**31 - 1
MIN_I32: Final = -(2**31)


def whole_number(name: str, value: object, least: int, most: int = MAX_I32) -> int:
    """An integer between `least` and `most`. Names with a unit at their end say it."""
    number = integer(name, value)
    if not least <= number <= most:
        raise BadArgumentsError(f"{name} is between {least} and {most}, not {number}")
    return number


def integer(name: str, value: object) -> int:
    """Any integer."""
    try:
        number = index(value)  # type: ignore[arg-type]  # what is no integer is told
    except TypeError as error:
        raise TypeError(f"{name} is an integer, not {_described(value)}") from error
    if isinstance(value, bool):
        raise TypeError(f"{name} is an integer, not {_described(value)}")
    return number


def number(name: str, value: float, least: float, most: float = math.inf) -> float:
    """A number between `least` and `most`. Names with a unit at their end say it."""
    if not least <= real(name, value) <= most:
        raise BadArgumentsError(f"{name} is between {least} and {most}, not {value}")
    return value


def real(name: str, value: float) -> float:
    """Any number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number, not {_described(value)}")
    return value


def flag(name: str, value: bool) -> bool:
    """True or False. Other things are true as well, also where "no" was meant."""
    if value is True or value is False:
        return value
    raise TypeError(f"{name} is True or False, not {_described(value)}")


def text(name: str, value: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {_described(value)}")
    return value


def limit(timeout_s: float | None) -> asyncio.Timeout:
    """`asyncio.timeout` for a number of seconds that is one; what is over already is over at once."""
    return asyncio.timeout(None if timeout_s is None else checked_limit(timeout_s))


def checked_limit(timeout_s: float) -> float:
    """A number of seconds. A negative one is a limit that has passed."""
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, (int, float)):
        raise TypeError(f"timeout_s is a number of seconds or None, not {_described(timeout_s)}")
    if math.isnan(timeout_s):
        raise BadArgumentsError("timeout_s is a number of seconds or None, not NaN")
    return timeout_s


def version(value: int) -> int:
    """A version as it travels, in 32 bits; a greater one would be taken for another."""
    if type(value) is int and MIN_I32 <= value <= MAX_I32:
        return value
    return whole_number("version", value, MIN_I32)


def data(value: bytes | None) -> bytes | None:
    """What a znode holds."""
    if value is not None and not isinstance(value, (bytes, bytearray)):
        raise TypeError(f"the data of a znode are bytes, not {_described(value)}: encode it")
    return value


def callback(value: C) -> C:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"a callback can be called, unlike {_described(value)}")
    return value


def plain_callback(value: C) -> C:
    """Something that is done when its call returns, for nobody awaits it."""
    callback(value)
    if _is_async(value) or _is_async(type(value).__call__):
        raise TypeError(
            f"a callback is called and not awaited, so {value!r} would never run: give a plain function, which may "
            "begin a task or put what it is told into a queue"
        )
    return value


def _is_async(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def secret_part(name: str, value: bytes | str) -> bytes:
    """One part of a credential, as it is sent: text as UTF-8."""
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, (bytes, bytearray)):
        # Not what it is: it is secret.
        raise TypeError(f"{name} is bytes or str, not of the type {type(value).__name__}")
    return bytes(value)


def acl_entry(entry: Any) -> None:
    """One entry of an ACL, an `Acl` or what looks like one."""
    if not isinstance(entry, tuple) or len(entry) != 3:
        raise TypeError(f"an entry of an ACL is an Acl, not {entry!r}")
    permissions, scheme, identity = entry
    if not isinstance(scheme, str) or not isinstance(identity, str):
        raise TypeError(f"an entry of an ACL is Acl(permissions, scheme, id), the last two of them str, not {entry!r}")
    if not MIN_I32 <= integer("the permissions of an ACL entry", permissions) <= MAX_I32:
        raise BadArgumentsError(f"permissions are made of the flags in zkeeper.Permission, not {permissions}")


def credential(scheme: str, secret: bytes | str | None) -> tuple[str, bytes | None]:
    """As it is sent: text as UTF-8."""
    if not isinstance(scheme, str):
        raise TypeError(f"the scheme of a credential is a str, not {_described(scheme)}")
    if isinstance(secret, str):
        return scheme, secret.encode()
    if secret is not None and not isinstance(secret, (bytes, bytearray)):
        # Not what it is: it is secret.
        raise TypeError(f"a credential is bytes, str or None, not of the type {type(secret).__name__}")
    return scheme, None if secret is None else bytes(secret)


def credentials(auth: Iterable[tuple[str, bytes | str | None]]) -> tuple[tuple[str, bytes | None], ...]:
    """Of `connect(auth=...)`."""
    pairs: tuple[Any, ...] = tuple(auth)
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError('auth has pairs of a scheme and a credential, as in auth=[("digest", b"user:password")]')
    return tuple(credential(*pair) for pair in pairs)


def session(pair: tuple[int, bytes] | None) -> tuple[int, bytes] | None:
    """Id and password of a session that is resumed."""
    if pair is None:
        return None
    try:
        session_id, password = pair
    except (TypeError, ValueError) as error:
        raise TypeError("session is a pair of the session's id and its password") from error
    if not isinstance(password, (bytes, bytearray)):
        raise TypeError(f"the password of a session is bytes, not of the type {type(password).__name__}")
    return whole_number("the session's id", session_id, -(2**63), 2**63 - 1), bytes(password)


def tls(context: Any) -> Any:
    """An `ssl.SSLContext` or None, without loading `ssl` to know."""
    if context is not None and not hasattr(context, "wrap_bio"):
        raise TypeError(f"ssl is an ssl.SSLContext or None, not {_described(context)}")
    return context


def chance(random: Random | None) -> Random:
    """Where it comes from; a generator of one's own unless one is given."""
    if random is not None and not isinstance(random, Random):
        raise TypeError(f"random is a random.Random or None, not {_described(random)}")
    return Random() if random is None else random


def _described(value: object) -> str:
    return f"{value!r} ({type(value).__name__})"
