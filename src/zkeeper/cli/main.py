"""The `zkeeper` command. Each subcommand is imported when it is asked for."""

import sys
from collections.abc import Sequence
from typing import Final, NoReturn

USAGE: Final = """usage: zkeeper serve [zoo.cfg | port dataDir [tickTime] [maxClientCnxns]] [options]
       zkeeper --version

`zkeeper serve --help` lists the options.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["serve"]:
        from zkeeper.cli.serve import serve

        sys.exit(serve(words[1:]))
    if words == ["--version"]:
        from zkeeper import __version__

        print(f"zkeeper {__version__}")
        sys.exit(0)
    wanted_help = words in (["--help"], ["-h"])
    print(USAGE, file=sys.stdout if wanted_help else sys.stderr, end="")
    sys.exit(0 if wanted_help else 2)
