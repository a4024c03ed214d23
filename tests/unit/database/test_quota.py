"""The text of limits and usage, and which quota accounts for a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.database.quota import QuotaIndex, parse_quota, quota_of_node
from zkeeper.errors import MarshallingError

TEXTS = [
    (b"count=5,bytes=10", (5, 10, -1, -1)),
    (b"count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=4", (-1, -1, 4, 20)),
    (b"bytes=7;;,,count=+3", (3, 7, -1, -1)),
    (b"", (-1, -1, -1, -1)),
    (b",;", (-1, -1, -1, -1)),
    (b"count==x", (-1, -1, -1, -1)),
    (b"count=3=ignored=too", (3, -1, -1, -1)),
    (b"other=1,count=2", (2, -1, -1, -1)),
    (b"count=1,count=2", (2, -1, -1, -1)),
]


@pytest.mark.parametrize(("text", "values"), TEXTS)
def test_what_a_text_means(text: bytes, values: tuple[int, int, int, int]) -> None:
    found = parse_quota(text)
    assert (found.count, found.bytes_, found.count_hard, found.bytes_hard) == values


@pytest.mark.parametrize("text", [None, b"count", b"count=", b"count=x", b"count= 1", b"x", b"count=1,junk",
                                  b"count=1.5", b"count=" + b"1" * 5000, b"count=9223372036854775808"])  # fmt: skip
def test_what_means_nothing(text: bytes | None) -> None:
    with pytest.raises(MarshallingError):
        parse_quota(text)


NUMBERS = st.integers(-(2**62), 2**62)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_values_come_back(count: int, bytes_: int, count_hard: int, bytes_hard: int) -> None:
    text = b"count=%d,bytes=%d=;byteHardLimit=%d;countHardLimit=%d" % (count, bytes_, bytes_hard, count_hard)
    found = parse_quota(text)
    assert (found.count, found.bytes_, found.count_hard, found.bytes_hard) == (count, bytes_, count_hard, bytes_hard)
    again = parse_quota(found.encode())
    assert (again.count, again.bytes_, again.count_hard, again.bytes_hard) == (count, bytes_, count_hard, bytes_hard)


@given(st.binary(max_size=20))
def test_any_bytes_are_values_or_a_marshalling_error(text: bytes) -> None:
    try:
        found = parse_quota(text)
    except MarshallingError:
        return
    assert parse_quota(found.encode()).count == found.count


def test_the_deepest_quota_accounts() -> None:
    index = QuotaIndex()
    assert index.deepest(b"/a") is None
    index.quota_paths |= {b"/a", b"/a/b"}
    found = [index.deepest(path) for path in (b"/a", b"/a/b", b"/a/b/c/d", b"/a/bc", b"/ab", b"/")]
    assert found == [b"/a", b"/a/b", b"/a/b", b"/a", None, None]


def test_which_quota_a_znode_describes() -> None:
    name = b"zookeeper_limits"
    assert quota_of_node(b"/zookeeper/quota/a/b/zookeeper_limits", name) == b"/a/b"
    for path in (b"/zookeeper/quota/zookeeper_limits", b"/a/zookeeper_limits", b"/zookeeper/quota/a/xzookeeper_limits"):
        assert quota_of_node(path, name) is None
