"""What Tab means at a place in a line. Pure: names of children are looked up by who asks."""

import enum
from typing import Final, NamedTuple

from zkeeper.cli.shell.commands import COMMANDS, MODES, Command

_FIRST_WORDS: Final = {"printwatches": ("on", "off"), "help": tuple(sorted(COMMANDS))}


class Kind(enum.Enum):
    WORD = "word"
    PATH = "path"


class Wanted(NamedTuple):
    """Complete `prefix`: to one of `words` (each with an explanation), or to a path if `kind` says so."""

    kind: Kind
    prefix: str
    words: dict[str, str]


class PathPrefix(NamedTuple):
    """A path that is being typed: the znode whose children count, and how their names begin."""

    parent: str
    name: str


def wanted_completion(text: str) -> Wanted:
    """What completes the end of `text`, the line up to the cursor."""
    words = text.split()
    prefix = "" if not words or text[-1:].isspace() else words.pop()
    if not words:
        return Wanted(Kind.WORD, prefix, _starting(prefix, {one.name: one.summary for one in COMMANDS.values()}))
    command = COMMANDS.get(words[0])
    if command is None:
        return Wanted(Kind.WORD, prefix, {})
    return _argument(command, words[1:], prefix)


def _argument(command: Command, before: list[str], prefix: str) -> Wanted:
    if before and before[-1] == "-m":
        return Wanted(Kind.WORD, prefix, _starting(prefix.upper(), dict.fromkeys(MODES, "")))
    if prefix.startswith("-"):
        options = {f"-{one.name}": one.help for one in command.options if f"-{one.name}" not in before}
        return Wanted(Kind.WORD, prefix, _starting(prefix, options))
    if command.name in _FIRST_WORDS and not before:
        return Wanted(Kind.WORD, prefix, _starting(prefix, dict.fromkeys(_FIRST_WORDS[command.name], "")))
    is_path = command.takes_path and (prefix.startswith("/") or not prefix)
    return Wanted(Kind.PATH if is_path else Kind.WORD, prefix, {})


def _starting(prefix: str, words: dict[str, str]) -> dict[str, str]:
    """Words that begin so; letters may be of either case, because the commands' names mix them."""
    lower = prefix.lower()
    return {word: words[word] for word in sorted(words, key=str.lower) if word.lower().startswith(lower)}


def path_prefix(prefix: str) -> PathPrefix:
    parent, _, name = prefix.rpartition("/")
    return PathPrefix(parent or "/", name)
