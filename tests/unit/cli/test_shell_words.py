import pytest

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
