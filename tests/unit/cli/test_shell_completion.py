import pytest

from zkeeper.cli.shell.completion import Kind, PathPrefix, path_prefix, wanted_completion


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("del", ["delete", "deleteall", "delquota"]),
        ("GETA", ["getAcl", "getAllChildrenNumber"]),
        ("get -", ["-b", "-s", "-w", "-x"]),
        ("get -s -", ["-b", "-w", "-x"]),
        ("addWatch -m ", ["PERSISTENT", "PERSISTENT_RECURSIVE"]),
        ("addWatch -m persistent_", ["PERSISTENT_RECURSIVE"]),
        ("printwatches ", ["off", "on"]),
        ("printwatches on ", []),
        ("help redo", ["redo"]),
        ("nonsense ", []),
        ("create /a x", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    wanted = wanted_completion(text)
    assert (wanted.kind, list(wanted.words)) == (Kind.WORD, words)


@pytest.mark.parametrize(("text", "prefix"), [("ls ", ""), ("ls /a", "/a"), ("get -s /a/b", "/a/b")])
def test_paths(text: str, prefix: str) -> None:
    wanted = wanted_completion(text)
    assert (wanted.kind, wanted.prefix) == (Kind.PATH, prefix)


def test_every_command_can_be_completed() -> None:
    assert {"ls", "quit", "help"} < set(wanted_completion("").words)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("/", PathPrefix("/", "")), ("/ab", PathPrefix("/", "ab")), ("/a/b", PathPrefix("/a", "b"))],
)
def test_a_path_is_completed_among_its_siblings(typed: str, wanted: PathPrefix) -> None:
    assert path_prefix(typed) == wanted
