"""Which paths a client takes, and what it says of others."""

import pytest

from zkeeper.errors import BadArgumentsError
from zkeeper.wire.client_paths import check_path, full_path, rooted, rooted_sequential, without_root


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/b.c", "/ä", "/a b", "/\u00a0", "/\uf900", "/\uffef", "/..a", "/a.", "/.a"]
)
def test_valid_paths(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "a", "/a/", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/..", "/a\0", "/\x1f", "/\x7f", "/\x9f", "/ä\x80"),
        *("/\ud800", "/\ue000", "/\uf8ff", "/\ufff0", "/\uffff", "/\U00010000", "/\U0010ffff"),
    ],
)
def test_invalid_paths(path: str) -> None:
    with pytest.raises(BadArgumentsError) as caught:
        check_path(path)
    assert caught.value.path == path


def test_a_sequential_path_may_end_with_a_slash() -> None:
    assert rooted_sequential("/app", "/a/") == b"/app/a/"
    with pytest.raises(BadArgumentsError):
        rooted("/app", "/a/")


def test_roots_come_and_go() -> None:
    assert full_path("/app", "/") == "/app"
    assert full_path("/app", "/a") == "/app/a"
    assert without_root(4, "/app/a") == "/a"
    assert without_root(4, "/app") == "/"
