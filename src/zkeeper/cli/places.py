"""Where a subtree is: `HOST:PORT,.../PATH`, or only `/PATH` on the servers of `--server`."""

from typing import NamedTuple

import click

from zkeeper.cli.shell.path_texts import path_problem


class TreePlace(NamedTuple):
    servers: str
    path: str

    def __str__(self) -> str:
        return f"{self.servers}{self.path}"


def read_place(text: str, servers: str) -> TreePlace:
    """`servers` are those for a mere path. Raises `click.BadParameter`."""
    hosts, slash, rest = text.partition("/")
    path = f"/{rest.rstrip('/')}"
    problem = path_problem(path)
    if problem is not None or not slash:
        raise click.BadParameter(f"{text} is neither /PATH nor HOST:PORT/PATH" + (f": {problem}" if problem else ""))
    return TreePlace(hosts or servers, path)
