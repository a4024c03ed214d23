"""What a command finds around it when it runs, and the checks that most of them share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from zkeeper.cli.shell.acl_texts import FORM, read_acl
from zkeeper.cli.shell.options import Parsed
from zkeeper.cli.shell.path_texts import path_problem
from zkeeper.cli.shell.reports import Report
from zkeeper.values import Acl, WatchEvent

if TYPE_CHECKING:
    from zkeeper.client.client import AsyncClient

OLD_WATCH_FORM: Final = "'{name} path [watch]' has been deprecated. Please use '{name} {options} path' instead."


class Surroundings(NamedTuple):
    zk: "AsyncClient"
    report: Report
    watch: Callable[[WatchEvent], None]
    """Told of every watch that fires; always the same object, so that a watch set twice is one."""
    read_file: Callable[[str], str]
    is_zkcli: bool
    """Whether to do as zkCli does, also where that helps nobody."""


class CommandError(Exception):
    """The command cannot be done; the text is all that there is to say."""


def checked_path(path: str, is_sequential: bool = False) -> str:
    """`path`, if it can name a znode."""
    problem = path_problem(path, is_sequential)
    if problem is not None:
        raise CommandError(problem)
    return path


def as_bytes(word: str) -> bytes:
    """As it was typed or piped in, also where that is not UTF-8."""
    return word.encode(errors="surrogateescape")


def acl_of(surroundings: Surroundings, words: str) -> list[Acl]:
    """The entries of `words`; as in zkCli without what is wrong with them, which is told, or else none at all."""
    read = read_acl(words)
    if read.complaints and not surroundings.is_zkcli:
        raise CommandError(f"{', '.join(read.complaints)}: {FORM}")
    for complaint in read.complaints:
        surroundings.report.note(complaint)
    return read.acl


def version_of(parsed: Parsed) -> int:
    """The value of `-v`, -1 without one."""
    return number_of(parsed.value("v") or "-1", "-v must be followed by a version number", bits=32)


def number_of(text: str, complaint: str, base: int = 10, *, bits: int = 64) -> int:
    """A signed number of so many bits. Raises `CommandError` with the complaint."""
    try:
        number = int(text, base)
    except ValueError:
        raise CommandError(complaint) from None
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise CommandError(complaint)
    return number


def wants_watch(surroundings: Surroundings, name: str, options: str, parsed: Parsed) -> bool:
    """Whether `-w`, or any second word as in the old form, asks for a watch."""
    if len(parsed.positional) > 1:
        surroundings.report.note(OLD_WATCH_FORM.format(name=name, options=options))
        return True
    return parsed.has("w")
