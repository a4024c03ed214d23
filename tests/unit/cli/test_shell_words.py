import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.cli.shell.words import split_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        (" \t ", []),
        ("ls /", ["ls", "/"]),
        ("\tget\t/t ", ["get", "/t"]),
        ("create /a 'two words'", ["create", "/a", "two words"]),
        ('create "/a b" "it\'s"', ["create", "/a b", "it's"]),
        ("set /a \"\" ''", ["set", "/a", "", ""]),
        ('set /a a"b c"d', ["set", "/a", 'a"b', 'c"d']),
        ('set /a "a b"c', ["set", "/a", "a b", "c"]),
        ('set /a "x y', ["set", "/a", "x", "y"]),
        ("'", []),
    ],
)
def test_lines_split_as_in_zkcli(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@given(st.lists(st.text(st.characters(exclude_characters='"'))))
def test_quoted_words_come_out_as_they_went_in(words: list[str]) -> None:
    assert split_words(" ".join(f'"{word}"' for word in words)) == words


@given(st.text())
def test_no_line_is_too_odd(line: str) -> None:
    assert all(word in line for word in split_words(line))
