"""Differences that are known and wanted, each with its reason; docs/differential.md lists the same.

A deviation never changes what either server holds, only what it says; what would is never sent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import codec
from .codec import Cursor, DecodeError
from .side import Item


@dataclass(frozen=True, slots=True)
class Deviation:
    """A name, why the servers differ, the heading that documents it, and whether two unlike items are a case of it."""

    name: str
    reason: str
    documented: str
    applies: Callable[[Item, Item], bool]


def explanation(left: Item | None, right: Item | None) -> Deviation | None:
    """The known deviation that explains a pair of unlike items, if there is one."""
    if left is None or right is None:
        return None
    return next((deviation for deviation in DEVIATIONS if deviation.applies(left, right)), None)


def _same_but_for(same_text: Callable[[bytes], str]) -> Callable[[Item, Item], bool]:
    """Whether two items are the same record once each of its texts went through `same_text`."""

    def applies(left: Item, right: Item) -> bool:
        if left.kind != right.kind or left.shown[:16] != right.shown[:16]:
            return False
        try:
            return sorted(_fields(left, same_text)) == sorted(_fields(right, same_text))
        except DecodeError:
            return False

    return applies


def _fields(item: Item, same_text: Callable[[bytes], str]) -> Iterator[tuple[bytes, ...]]:
    """What an item that echoes texts of its client's choice consists of; nothing for other items never is equal."""
    cursor = Cursor(item.shown, codec.REPLY_HEADER.size)
    op = item.request.op if item.request is not None else codec.NOTIFICATION
    if item.kind == "event":
        yield (cursor.take(8), _same(cursor, same_text))
    elif op == codec.SYNC:
        yield (_same(cursor, same_text),)
    elif op == codec.WHO_AM_I:
        yield from (cursor.vector(lambda: (_same(cursor, same_text), _same(cursor, same_text))) or ())
    elif op == codec.GET_ACL:
        yield from (cursor.vector(lambda: (cursor.take(4), _same(cursor, same_text), _same(cursor, same_text))) or ())
    else:
        raise DecodeError("no echo of a text")
    yield (item.shown[cursor.position :],)


def _same(cursor: Cursor, same_text: Callable[[bytes], str]) -> bytes:
    value = cursor.buffer()
    return codec.text(None if value is None else same_text(value))


def _surrogates_joined(value: bytes) -> str:
    """The text of UTF-8 in which a supplementary character may be written as its two surrogates."""
    return value.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "supplementary-characters",
        "Java writes a character beyond U+FFFF as two surrogates of three bytes each, which is not UTF-8 and which its "
        "own decoder does not read back; the other server writes UTF-8",
        "Supplementary characters",
        _same_but_for(_surrogates_joined),
    ),
)
