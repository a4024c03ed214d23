"""Plays lines in a plain shell and writes down what it says, in the form of the recorded transcripts.

A line is `> line`, then `O text` for each line on standard output, `E text` for each on the error stream, then `=` and
the exit code. What differs from run to run (times, session ids, ports) is replaced by a word in angle brackets.
Two things are races in the Java shell. Changes of the session's state are therefore left out, and watch events stand
behind the other lines of the command that they came with.
"""

import io
import re
from collections.abc import Iterable
from typing import TextIO, cast

from zkeeper.cli.connecting import Connecting
from zkeeper.cli.shell.reports.plain import PlainReport
from zkeeper.cli.shell.session import Form, Wishes, make_shell

_VARYING = (
    (re.compile(r"(?<=time = )\w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ 20\d\d"), "<time>"),
    (re.compile(r"(?<=ephemeralOwner = )0x[1-9a-f][0-9a-f]{6,}"), "<session>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<server>"),
    (re.compile(r"(?<=CLI version: ).*"), "<version>"),
)


class Tagged(io.TextIOBase):
    """A stream that writes its lines, with a tag, to a list that several streams share."""

    def __init__(self, lines: list[str], tag: str) -> None:
        self._lines = lines
        self._tag = tag
        self._unfinished = ""

    def write(self, text: str) -> int:
        *whole, self._unfinished = (self._unfinished + text).split("\n")
        self._lines += [f"{self._tag} {line}".rstrip() for line in whole]
        return len(text)

    def end_line(self) -> None:
        if self._unfinished:
            self.write("\n")


async def play(server: str, lines: Iterable[str]) -> list[str]:
    """What the plain shell says to each of `lines`."""
    said: list[str] = []
    out, err = Tagged(said, "O"), Tagged(said, "E")
    report = PlainReport(cast(TextIO, out), cast(TextIO, err))
    shell = make_shell(Wishes(server, Connecting(), Form.PLAIN, False), report, tells_states=False)
    try:
        for line in lines:
            said.append(f"> {line}")
            code = await shell.run_line(line)
            out.end_line()
            said.append(f"= {code}")
    finally:
        await shell.close()
    return settled([normal(line) for line in said])


def settled(lines: list[str]) -> list[str]:
    """With the events of each command, four lines each, behind its other lines."""
    done: list[str] = []
    events: list[str] = []
    rest = iter(lines)
    for line in rest:
        if line == "O" and (head := next(rest, "")) == "O WATCHER::":
            events += [line, head, next(rest), next(rest)]
        elif line == "O":
            done += [line, head]
        elif line.startswith("= "):
            done += [*events, line]
            events = []
        else:
            done.append(line)
    return done


def normal(line: str) -> str:
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line
