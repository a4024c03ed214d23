"""The lines of a tree for people. Pure; colours are names of styles."""

from collections.abc import Iterator
from typing import NamedTuple

from zkeeper.cli.shell.stat_texts import unsigned_hex
from zkeeper.cli.tree.nodes import Node, Place, Rest


class Piece(NamedTuple):
    text: str
    style: str = ""


def guides(place: Place) -> str:
    """The lines that lead to a znode."""
    if not place.lasts:
        return ""
    above = "".join("    " if is_last else "│   " for is_last in place.lasts[:-1])
    return above + ("└── " if place.lasts[-1] else "├── ")


def line_of(one: Node | Rest) -> Iterator[Piece]:
    """A line in pieces."""
    yield Piece(guides(one.place), "dim")
    if isinstance(one, Rest):
        yield Piece(f"… {one.number} more", "dim italic")
        return
    yield Piece(one.path if not one.place.lasts else one.path.rpartition("/")[2], "cyan")
    if one.stat is None:
        yield Piece("  may not be read", "red")
        return
    if one.stat.data_length:
        yield Piece(f"  {size_text(one.stat.data_length)}", "green")
    if one.stat.ephemeral_owner:
        yield Piece(f"  ephemeral of {unsigned_hex(one.stat.ephemeral_owner)}", "magenta")
    if one.are_children_hidden:
        yield Piece(f"  {one.stat.num_children} children", "dim italic")


def size_text(size_bytes: int) -> str:
    """`17 B`, `1.5 KiB`, `2.0 MiB`."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    size = size_bytes / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.1f} {unit}"


class Totals:
    """What was shown, added up."""

    def __init__(self) -> None:
        self.znodes = 0
        self.ephemerals = 0
        self.size_bytes = 0

    def add(self, node: Node) -> None:
        self.znodes += 1
        if node.stat is not None:
            self.size_bytes += node.stat.data_length
            self.ephemerals += node.stat.ephemeral_owner != 0

    def text(self) -> str:
        return f"{self.znodes} znodes, {self.ephemerals} of them ephemeral, {size_text(self.size_bytes)} of data"
