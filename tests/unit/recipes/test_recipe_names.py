"""Names and who waits for whom, as tables."""

from random import Random

import pytest

from zkeeper.recipes.names import Layout, NotInQueueError, Role, blocker, in_order, sequence_of

LOCK = Role(Layout.CURATOR, "lock-", ("lock-",))
READ = Role(Layout.KAZOO, "__rlock__", ("__lock__",))
WRITE = Role(Layout.KAZOO, "__lock__", ("__lock__", "__rlock__"))
GUID = "0f6a0a0a-1f2e-4d3c-8b7a-000000000000"


def test_the_guid_is_where_each_layout_has_it() -> None:
    assert LOCK.prefix(GUID) == f"_c_{GUID}-lock-"
    assert READ.prefix(GUID) == "0f6a0a0a1f2e4d3c8b7a000000000000__rlock__"


@pytest.mark.parametrize(
    ("name", "kinds", "sequence"),
    [
        ("_c_x-lock-0000000012", ("lock-",), 12),
        ("lock-0000000012", ("lock-",), 12),
        ("x-lock--000000005", ("lock-",), -5),
        ("x-lock--2147483648", ("lock-",), -2147483648),
        ("x__rlock__0000000001", ("__lock__",), None),
        ("x__rlock__0000000001", ("__lock__", "__rlock__"), 1),
        ("x-lock-12", ("lock-",), None),
        ("lease_holder", ("__lock__",), None),
        ("lock-0000000001-more", ("lock-",), None),
    ],
)
def test_sequence_numbers(name: str, kinds: tuple[str, ...], sequence: int | None) -> None:
    assert sequence_of(name, kinds) == sequence


def test_order_survives_the_wrap_of_the_counter() -> None:
    numbers = [2147483646, 2147483647, -2147483648, -2147483647]
    names = [f"x-lock-{number:010d}" for number in numbers]
    shuffled = names[:]
    Random(1).shuffle(shuffled)
    assert in_order([*shuffled, "other"], ("lock-",)) == names
    assert [blocker(name, shuffled, LOCK) for name in names] == [None, *names[:-1]]


def test_a_reader_is_blocked_by_the_nearest_writer_and_a_writer_by_the_nearest_of_all() -> None:
    names = [
        f"{number}__{kind}__{number:010d}" for number, kind in enumerate(["lock", "rlock", "lock", "rlock", "rlock"])
    ]
    assert blocker(names[0], names, WRITE) is None
    assert blocker(names[1], names, READ) == names[0]
    assert blocker(names[2], names, WRITE) == names[1]
    assert blocker(names[3], names, READ) == names[2]
    assert blocker(names[4], names, READ) == names[2]
    assert blocker(names[4], names[3:], READ) is None


def test_who_is_not_there_any_more_is_told() -> None:
    with pytest.raises(NotInQueueError):
        blocker("x-lock-0000000001", ["x-lock-0000000000"], LOCK)
