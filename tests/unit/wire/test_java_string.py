"""Strings as Java sends them back; the pairs below are what a JVM made of them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.wire.jute import java_string

REPLACED = "efbfbd"
FROM_JAVA = [
    ("", ""),
    ("612f62", "612f62"),
    ("c3a9e282ac", "c3a9e282ac"),
    ("ed9fbf", "ed9fbf"),
    ("ee8080", "ee8080"),
    ("f09f9880", "eda0bdedb880"),
    ("41f09f988042", "41eda0bdedb88042"),
    ("f48fbfbf", "edafbfedbfbf"),
    ("eda080", REPLACED),
    ("eda0bdedb880", REPLACED * 2),
    ("eda041", REPLACED + "41"),
    ("eda0", REPLACED),
    ("edbf", REPLACED),
    ("ed", REPLACED),
    ("c0edbf", REPLACED * 2),
    ("ededbf", REPLACED * 2),
    ("ff", REPLACED),
    ("80", REPLACED),
    ("c341", REPLACED + "41"),
    ("c0af", REPLACED * 2),
    ("e08080", REPLACED * 3),
    ("f0808080", REPLACED * 4),
    ("f4908080", REPLACED * 4),
    ("f5808080", REPLACED * 4),
    ("e282", REPLACED),
    ("e28241", REPLACED + "41"),
    ("f09f98", REPLACED),
    ("f8888080", REPLACED * 4),
]


@pytest.mark.parametrize(("sent", "returned"), FROM_JAVA, ids=[sent or "empty" for sent, _ in FROM_JAVA])
def test_what_java_returns(sent: str, returned: str) -> None:
    assert java_string(bytes.fromhex(sent)).hex() == returned


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])))
def test_what_the_basic_plane_holds_is_unchanged(value: str) -> None:
    assert java_string(value.encode()) == value.encode()


@given(st.text(st.characters(min_codepoint=0x10000)))
def test_a_supplementary_character_becomes_two_surrogates(value: str) -> None:
    expected = b"".join(
        chr(unit).encode("utf-8", "surrogatepass")
        for character in value
        for unit in (0xD800 + ((ord(character) - 0x10000) >> 10), 0xDC00 + ((ord(character) - 0x10000) & 0x3FF))
    )
    assert java_string(value.encode()) == expected


@given(st.binary(max_size=40))
def test_any_bytes_become_something(data: bytes) -> None:
    assert java_string(data).decode("utf-8", "surrogatepass") or not data


def test_the_time_for_malformed_bytes_grows_with_their_number_only() -> None:
    """A client may send a megabyte of them at once, and nobody else may wait for it."""
    began = time.process_time()
    java_string(b"\xff" * (1 << 17))
    assert time.process_time() - began < 1
