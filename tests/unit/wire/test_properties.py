"""The syntax of zoo.cfg and membership texts: Java's rules by example, hypothesis for what examples do not think of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.wire.properties import PropertiesError, Property, natural_lines, parse_properties


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"tickTime=2000", [("tickTime", "2000", 1)]),
        (b"tickTime : 2000\nclientPort 22280", [("tickTime", "2000", 1), ("clientPort", "22280", 2)]),
        (b"a==b", [("a", "=b", 1)]),
        (b"a = : b", [("a", ": b", 1)]),
        (b"a\tb=c", [("a", "b=c", 1)]),
        (b"a\fb", [("a", "b", 1)]),
        (b"a", [("a", "", 1)]),
        (b"a=", [("a", "", 1)]),
        (b"=b", [("", "b", 1)]),
        (b"a=b   \n", [("a", "b", 1)]),
        (b"a=\\ b\\ \n", [("a", "b", 1)]),
        (b"", []),
        (b"# c\n  ! c\n\n \t\n", []),
        (b"a=b # no comment", [("a", "b # no comment", 1)]),
        (b"# c \\\na=b", [("a", "b", 2)]),
        (b"a=b\\\n  c", [("a", "bc", 1)]),
        (b"a=b\\\n#c\nd=e", [("a", "b#c", 1), ("d", "e", 3)]),
        (b"a=b\\\\\nc=d", [("a", "b\\", 1), ("c", "d", 2)]),
        (b"a=b\\\\\\\nc=d", [("a", "b\\c=d", 1)]),
        (b"a=b\\\n\nc=d", [("a", "b", 1), ("c", "d", 3)]),
        (b"a=b\\", [("a", "b", 1)]),
        (b"a=b\rc=d\r\ne=f\n", [("a", "b", 1), ("c", "d", 2), ("e", "f", 3)]),
        (b"a=b\\\r\n  c", [("a", "bc", 1)]),
        (b"a\\=b\\:c\\ d=e", [("a=b:c d", "e", 1)]),
        (b"a=C:\\temp\\new", [("a", "C:\temp\new", 1)]),
        (b"a=C:\\\\temp", [("a", "C:\\temp", 1)]),
        (b"a=\\q\\#\\!\\=", [("a", "q#!=", 1)]),
        (b"a=x\\n\\r\\f.", [("a", "x\n\r\f.", 1)]),
        (b"a=\\u00e9\\u20AC", [("a", "\u00e9\u20ac", 1)]),
        (b"a=\\ud83d\\ude00", [("a", "\U0001f600", 1)]),
        (b"a=\xe9", [("a", "\u00e9", 1)]),
        (b"a=1\na=2", [("a", "1", 1), ("a", "2", 2)]),
    ],
)
def test_syntax(data: bytes, expected: list[tuple[str, str, int]]) -> None:
    assert [(each.key, each.value, each.line) for each in parse_properties(data)] == expected


def test_a_setting_knows_the_lines_it_takes() -> None:
    data = b"# c\na=b\\\n\\\r\n  c\rd=e\\"
    assert parse_properties(data) == [Property("a", "bc", 2, 4), Property("d", "e", 5, 5)]
    assert natural_lines(data.decode()) == ["# c\n", "a=b\\\n", "\\\r\n", "  c\r", "d=e\\"]


@pytest.mark.parametrize("escape", [b"\\u12", b"\\u", b"\\u12g4", b"\\u 123"])
def test_a_malformed_escape_names_its_line(escape: bytes) -> None:
    with pytest.raises(PropertiesError, match="Malformed") as caught:
        parse_properties(b"a=b\n\nc=" + escape)
    assert caught.value.line == 3


def written(text: str) -> bytes:
    """Text as Java itself would store it, every special character escaped."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return b"".join(bytes([code]) if chr(code).isalnum() and code < 128 else b"\\u%04x" % code for code in codes)


TRIMMED = "".join(map(chr, range(0x21)))
LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\n# comment\n"])
SEPARATORS = st.sampled_from([b"=", b":", b" ", b" = ", b"\t:\f", b"\\\n = "])


@given(st.lists(st.tuples(st.text(min_size=1), SEPARATORS, st.text(), LINE_ENDS)))
def test_what_is_written_is_read(lines: list[tuple[str, bytes, str, bytes]]) -> None:
    data = b"".join(written(key) + between + written(value) + end for key, between, value, end in lines)
    found = [(each.key, each.value) for each in parse_properties(data)]
    assert found == [(key.strip(TRIMMED), value.strip(TRIMMED)) for key, _, value, _ in lines]


@given(st.binary().filter(lambda data: b"\\u" not in data))
def test_any_bytes_are_read_and_lines_are_counted(data: bytes) -> None:
    lines = [each.line for each in parse_properties(data)]
    assert lines == sorted(set(lines))


def lines_without_escapes() -> st.SearchStrategy[bytes]:
    text = st.text(alphabet=st.sampled_from("abc=: #!\t1"), max_size=12)
    return st.lists(text).map(lambda lines: "\n".join(lines).encode())


@given(st.binary().map(lambda data: data.decode("iso-8859-1")))
def test_natural_lines_are_the_text(text: str) -> None:
    assert "".join(natural_lines(text)) == text


@given(lines_without_escapes(), st.sampled_from([b"\r", b"\r\n"]))
def test_line_ends_do_not_matter(data: bytes, line_end: bytes) -> None:
    assert parse_properties(data.replace(b"\n", line_end)) == parse_properties(data)
