"""Paths of znodes: which are valid, and what is above them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.database import paths

CHARACTERS = st.sampled_from("ab.é\ud7ff\uf900\uffef ")
NAMES = st.text(CHARACTERS, min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, max_size=4).map(lambda names: ("/" + "/".join(names)).encode())


def is_valid_like_java(path: bytes) -> bool:
    """The rules as they are written down, code unit by code unit."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return False
    if text == "/":
        return True
    names = text.split("/")
    forbidden = [(0, 0x1F), (0x7F, 0x9F), (0xD800, 0xF8FF), (0xFFF0, 0x10FFFF)]
    return (
        names[0] == ""
        and len(names) > 1
        and all(name not in ("", ".", "..") for name in names[1:])
        and not any(low <= ord(character) <= high for character in text for low, high in forbidden)
    )


@given(PATHS)
def test_what_is_made_of_valid_names_is_valid(path: bytes) -> None:
    assert paths.is_valid(path)


@given(st.text(st.sampled_from("/.a\0\x1f\x7f\x9f\xa0\ue000\uf8ff\ufff0\U00010000é"), max_size=6) | st.text(max_size=4))
def test_validity_is_as_the_rules_say(text: str) -> None:
    path = text.encode("utf-8", "surrogatepass")
    assert paths.is_valid(path) == is_valid_like_java(path)


@given(st.binary(max_size=6))
def test_malformed_bytes_are_no_path(data: bytes) -> None:
    assert paths.is_valid(b"/" + data) == is_valid_like_java(b"/" + data)


@pytest.mark.parametrize(
    ("path", "parent", "name"),
    [(b"/", b"/", b""), (b"/a", b"/", b"a"), (b"/a/b", b"/a", b"b"), (b"/a/", b"/a", b""), (b"//x", b"/", b"x")],
)
def test_parent_and_name(path: bytes, parent: bytes, name: bytes) -> None:
    assert (paths.parent(path), paths.name(path)) == (parent, name)


@given(PATHS)
def test_ancestors_end_at_the_root(path: bytes) -> None:
    above = paths.ancestors(path)
    assert above == ([] if path == b"/" else [paths.parent(path), *paths.ancestors(paths.parent(path))])
    assert all(paths.is_within(path, ancestor) for ancestor in [path, *above])
    assert not paths.is_within(path, path + b"x")
    assert not paths.is_within(path + b"x", path) or path == b"/"
