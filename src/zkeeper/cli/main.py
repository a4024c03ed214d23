"""The `zkeeper` command. Each subcommand is imported when it is asked for.

`serve` goes past everything else, so that a server starts without waiting for tools that it does not need.
"""

import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["serve"]:
        from zkeeper.cli.serve import serve

        sys.exit(serve(words[1:]))
    from zkeeper.cli.descriptors import open_standard_streams
    from zkeeper.cli.group import group

    open_standard_streams()
    group.main(words, prog_name="zkeeper")
    sys.exit(0)
